"""The Dockerfile lints clean and keeps what the guides promise: no root, no torch and no libGL in what serves."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

HADOLINT = Path(sys.executable).with_name("hadolint")


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HADOLINT, "--no-color", "--failure-threshold", "style", path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stages(text: str) -> dict[str, str]:
    """Instructions by the name of their stage."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", text, flags=re.MULTILINE)
    return {
        name: f"FROM {base}\n{body}" for base, name, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    }


def test_hadolint_finds_nothing(deploy):
    done = lint(deploy / "docker" / "Dockerfile")
    assert done.stdout == ""
    assert done.returncode == 0


def test_hadolint_would_find_something(tmp_path):
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python:latest\nRUN pip install numpy\nENTRYPOINT vreid up\n")
    done = lint(bad)
    assert done.returncode == 1
    assert {"DL3007", "DL3013", "DL3025"} <= set(re.findall(r"DL\d+", done.stdout))


def test_every_image_runs_without_root_from_locked_files(deploy):
    found = stages((deploy / "docker" / "Dockerfile").read_text())
    assert "USER 10001:10001" in found["runtime"]
    assert 'ENTRYPOINT ["vreid"]' in found["runtime"]
    for image in ("serve", "gpu", "train"):
        assert found[image].startswith("FROM runtime\n")
        assert "USER" not in found[image]
    for image in ("serve", "gpu"):
        assert "HEALTHCHECK" in found[image]
    assert list(found)[-1] == "serve"  # what a build without --target gives
    assert "torch" not in found["serve"] + found["serving"]
    assert "--require-hashes" in found["serving"]
    for name in re.findall(r"deploy/requirements/([a-z]+)\.txt", "".join(found.values())):
        assert (deploy / "requirements" / f"{name}.txt").is_file()
    assert "apt-get" not in "".join(found.values())


def test_what_is_built_is_what_is_packaged(deploy):
    text = (deploy / "docker" / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \1$", text, flags=re.MULTILINE))
    project = tomllib.loads((deploy.parent / "pyproject.toml").read_text())
    packaged = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert copied == packaged
    allowed = {line[1:] for line in (deploy.parent / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed == packaged | {"pyproject.toml", "README.md", "LICENSE", "deploy/requirements"}
