"""systemd accepts the units, and what they start are commands of the product."""

import configparser
import re
import shutil
import subprocess

import pytest
from typer.main import get_command

from services.cli.main import app

UNITS = ("vreid.service", "vreid-matcher.service", "vreid-reader.service", "vreid-ingest@.service", "vreid-web.service")


def service(path):
    parsed = configparser.RawConfigParser(strict=False)
    parsed.optionxform = str
    parsed.read(path)
    return parsed["Service"]


def test_all_units_are_known(deploy):
    assert {path.name for path in (deploy / "systemd").iterdir()} == set(UNITS)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (Debian package systemd)")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong(deploy, tmp_path, name):
    text = (deploy / "systemd" / name).read_text()
    # The program need not be installed where the units are checked.
    unit = tmp_path / name
    unit.write_text(re.sub(r"(?<=ExecStart=)\S+", "/bin/true", text))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    unit.write_text(text.replace("ProtectSystem=", "ProtectSistem="))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60, check=False
    )
    assert "ProtectSistem" in done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (Debian package systemd)")
@pytest.mark.parametrize("name", UNITS)
def test_little_is_left_open(deploy, name):
    # Exposure in tenths, of 100: below 20 systemd calls it OK.
    command = [
        "systemd-analyze",
        "security",
        "--offline=true",
        "--threshold=20",
        "--no-pager",
        deploy / "systemd" / name,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.parametrize("name", UNITS)
def test_units_start_commands_that_exist_as_a_user_without_rights(deploy, name):
    found = service(deploy / "systemd" / name)
    program, role, *options = found["ExecStart"].split()
    assert program == "/opt/vreid/bin/vreid"
    command = get_command(app).commands[role]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known
    assert found["User"] == "vreid"
    for key in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces"):
        assert found[key] == "yes", key
    assert found["ProtectSystem"] == "strict"
    assert found["CapabilityBoundingSet"] == ""
