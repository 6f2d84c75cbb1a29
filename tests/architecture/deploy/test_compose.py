"""Docker's own compose accepts both files, every service is hardened, and the roles can read their configuration."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

COMPOSE = Path(sys.executable).with_name("docker-compose")
OURS = {"matcher", "ingest", "web"}
HARD = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"], "init": True}


def composed(folder: Path, *arguments: str, **environment: str) -> dict:
    """The project as docker compose would run it; fails where it would refuse. Talks to no engine."""
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | environment
    command = [COMPOSE, *arguments, "config", "--no-path-resolution"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARN" not in done.stderr.upper(), done.stderr
    return yaml.safe_load(done.stdout)


@pytest.fixture(scope="module")
def folder():
    return Path(__file__).resolve().parents[3] / "deploy" / "compose"


@pytest.fixture(scope="module")
def one_machine(folder):
    return composed(folder, "-f", "compose.yaml")


@pytest.fixture(scope="module")
def everything(folder):
    files = ("-f", "compose.yaml", "-f", "compose.scale.yaml")
    return composed(folder, *files, "--profile", "milvus", "--profile", "observe", VREID_INDEX="milvus")


def test_a_wrong_key_would_be_refused(folder, tmp_path):
    text = (folder / "compose.yaml").read_text().replace("    command: [matcher", "    comand: [matcher")
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(AssertionError, match="comand"):
        composed(tmp_path, "-f", "compose.yaml")


def test_one_machine_is_a_store_and_three_roles(one_machine):
    assert set(one_machine["services"]) == OURS | {"valkey"}
    for name, service in one_machine["services"].items():
        assert {key: service.get(key) for key in HARD} == HARD, name
        assert service["user"].split(":")[0] not in ("0", "root")
        assert service["healthcheck"]["test"]
        assert service["deploy"]["resources"]["limits"]["memory"]
    commands = {name: one_machine["services"][name]["command"][0] for name in OURS}
    assert commands == {name: name for name in OURS}


def test_only_the_console_is_published_and_only_here(one_machine):
    published = {name: service.get("ports", []) for name, service in one_machine["services"].items()}
    assert [name for name, ports in published.items() if ports] == ["web"]
    assert [port["host_ip"] for port in published["web"]] == ["127.0.0.1"]
    assert one_machine["networks"]["store"]["internal"] is True
    assert set(one_machine["services"]["web"]["networks"]) == {"front"}


def test_secrets_are_files_and_stand_in_no_environment(everything, folder):
    for name, service in everything["services"].items():
        for key, value in (service.get("environment") or {}).items():
            secret = any(word in key.lower() for word in ("password", "token", "secret"))
            assert not secret or "/run/secrets/" in str(value), f"{name}: {key}"
    files = {Path(secret["file"]).name for secret in everything["secrets"].values()}
    assert {secret["file"] for secret in everything["secrets"].values()} == {f"./secrets/{name}" for name in files}
    made = (folder / "secrets.sh").read_text()
    assert all(name.removeprefix("token-") in made for name in files)


def test_each_role_can_read_what_its_configuration_names(everything, folder, read_config):
    text = (folder / "vreid.yaml").read_text()
    config = read_config(text)
    assert str(config.data_dir) == "/var/lib/vreid"
    for role in ("matcher", "web"):
        given = {secret["target"] for secret in everything["services"][role]["secrets"]}
        named = {part.strip("\"'},").removeprefix("file:") for part in text.split() if "/run/secrets/" in part}
        assert {name for name in named if "camera" not in name} <= given, role
    for name in OURS:
        volume = everything["services"][name]["volumes"][0]
        assert (volume["source"], volume["target"]) == ("data", "/var/lib/vreid")


def test_milvus_prometheus_and_grafana_come_by_profile(everything, one_machine):
    added = set(everything["services"]) - set(one_machine["services"])
    assert added == {"milvus", "prometheus", "grafana"}
    profiles = {name: everything["services"][name]["profiles"] for name in added}
    assert profiles == {"milvus": ["milvus"], "prometheus": ["observe"], "grafana": ["observe"]}
    assert everything["services"]["matcher"]["environment"]["VREID_MATCHER__INDEX"] == "milvus"
    for name in ("prometheus", "grafana"):
        assert all(port["host_ip"] == "127.0.0.1" for port in everything["services"][name]["ports"])


def test_secrets_are_made_once_and_kept(folder, tmp_path):
    script = tmp_path / "secrets.sh"
    script.write_bytes((folder / "secrets.sh").read_bytes())
    run = ["sh", str(script), "console.example.org"]
    subprocess.run(run, check=True, capture_output=True, timeout=60)
    made = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    assert {"redis-password", "tls-certificate", "tls-key", "token-admin", "token-operator", "token-viewer"} <= set(
        made
    )
    assert len(set(made.values())) == len(made)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", tmp_path / "secrets" / "tls-certificate"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    assert "DNS:console.example.org" in shown
    subprocess.run(run, check=True, capture_output=True, timeout=60)
    assert {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()} == made
