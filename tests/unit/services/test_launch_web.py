"""The console beside the other processes: where it listens, and when there is none."""

import socket

import pytest
import yaml

from services.config import VreidConfig
from services.errors import ConfigError
from services.launch import Machine
from services.web.settings import WebSettings


class Roles:
    """Takes what a machine hands to its supervisor."""

    def __init__(self):
        self.added = []

    def add(self, role):
        self.added.append(role)

    def acquire(self):
        pass


def machine(tmp_path, *, once=False, **web):
    config = VreidConfig(data_dir=tmp_path / "data", web=WebSettings(**web))
    made = Machine(config, once=once)
    made._supervisor = Roles()
    made.config.data_dir.mkdir(exist_ok=True)
    return made


@pytest.fixture
def taken():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def test_a_console_that_finds_its_port_taken_takes_a_free_one(tmp_path, taken):
    made = machine(tmp_path, listen=f"127.0.0.1:{taken}")
    url = made.start_web()
    (role,) = made._supervisor.added
    assert role.name == "web"
    assert role.argv[1:3] == ("-m", "services.web")
    listen = yaml.safe_load((made.config.data_dir / "config.yaml").read_text())["web"]["listen"]
    assert url == f"http://{listen}"
    assert listen != f"127.0.0.1:{taken}"


@pytest.mark.parametrize(("once", "enabled"), [(True, True), (False, False)])
def test_there_is_none_for_a_run_with_an_end_or_where_it_is_switched_off(tmp_path, once, enabled):
    made = machine(tmp_path, once=once, enabled=enabled)
    assert made.start_web() is None
    assert made._supervisor.added == []


def test_a_console_that_may_not_listen_there_stops_everything_before_it_starts(tmp_path):
    with pytest.raises(ConfigError, match=r"web\.listen: 0\.0\.0\.0:8650 can be reached"):
        machine(tmp_path, listen="0.0.0.0:8650").claim()


def test_a_matcher_that_may_not_listen_there_stops_everything_before_it_starts(tmp_path):
    made = Machine(VreidConfig(data_dir=tmp_path / "data", matcher={"listen": "0.0.0.0:0"}), once=True)
    made._supervisor = Roles()
    with pytest.raises(ConfigError, match=r"matcher\.listen: 0\.0\.0\.0:0 can be reached .* TLS and tokens"):
        made.claim()


def test_what_the_environment_lays_over_a_configuration_is_not_laid_over_the_written_one(tmp_path, monkeypatch):
    """`vreid demo --address X` with VREID_MATCHER__LISTEN set: the matcher must listen where its maker asks for it."""
    monkeypatch.setenv("VREID_MATCHER__LISTEN", "127.0.0.1:50999")
    monkeypatch.setenv("VREID_TOKEN", "for a reference, env:VREID_TOKEN")
    made = machine(tmp_path)
    made.start_web()
    made.start_ingest()
    roles = [*made._supervisor.added, *made._core_roles()]
    ours = [role for role in roles if role.name in ("web", "ingest", "matcher")]
    assert len(ours) == 3
    assert all(list(role.unset) == ["VREID_MATCHER__LISTEN"] for role in ours)
