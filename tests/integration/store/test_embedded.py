"""The embedded server: reachable by its user only, mindful of who wrote its folder, and true to its word."""

from __future__ import annotations

import json
import stat

import pytest

from services.errors import ConfigError, LeaseLost, StoreUnavailable
from services.identity.embedded import EmbeddedServer, bundled_binary, server_version
from services.types import Commit


def test_only_its_user_can_reach_it(start_server):
    server = start_server().server
    assert stat.S_IMODE(server.socket_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.socket_path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    info = server.info()
    assert info["server_name"] == "valkey"
    assert info["aof_enabled"] == 1


def test_is_told_to_be_durable(start_server):
    store = start_server().store()
    client = store._redis.client
    wanted = {"appendfsync": "always", "appendonly": "yes", "save": "", "maxmemory-policy": "noeviction", "port": "0"}
    for name, value in wanted.items():
        said = client.config_get(name)
        assert said == {name: value}
    store.close()


def test_a_long_data_folder_gets_a_short_socket(start_server, tmp_path):
    deep = tmp_path / ("d" * 120)
    running = start_server(deep)
    assert len(str(running.server.socket_path)) < 107
    assert stat.S_IMODE(running.server.socket_path.parent.stat().st_mode) == 0o700
    assert EmbeddedServer(deep).url == running.server.url
    assert (deep / "redis" / "appendonlydir").is_dir()
    running.kill()
    running.server.socket_path.unlink(missing_ok=True)
    running.server.socket_path.parent.rmdir()


def test_a_folder_of_a_newer_server_is_refused(tmp_path):
    server = EmbeddedServer(tmp_path)
    server.command()
    stamp = tmp_path / "redis" / "server.json"
    name, version = server_version(bundled_binary())
    assert json.loads(stamp.read_text()) == {"server": name, "version": ".".join(map(str, version))}

    stamp.write_text(json.dumps({"server": name, "version": "1.0.0"}))
    server.command()
    assert json.loads(stamp.read_text())["version"] != "1.0.0"

    for wrote in ({"server": name, "version": "99.0.0"}, {"server": "other", "version": "1.0.0"}):
        stamp.write_text(json.dumps(wrote))
        with pytest.raises(ConfigError, match="was written by"):
            server.command()
    stamp.write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        server.command()


def test_a_program_that_is_no_server_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no Valkey or Redis server"):
        EmbeddedServer(tmp_path, binary="/bin/echo").command()
    with pytest.raises(ConfigError, match="cannot run"):
        EmbeddedServer(tmp_path, binary=tmp_path / "nothing").command()


def test_waiting_for_a_dead_server_ends(tmp_path):
    server = EmbeddedServer(tmp_path)
    with pytest.raises(StoreUnavailable, match="ended while starting"):
        server.wait_ready(30, alive=lambda: False)
    with pytest.raises(StoreUnavailable, match="did not answer in 0 s"):
        server.wait_ready(0.01)
    with pytest.raises(StoreUnavailable):
        server.info()


def test_what_was_acknowledged_survives_a_kill(start_server, make_sighting, decide):
    running = start_server()
    store = running.store()
    ingest = store.acquire_lease("ingest", "me", 600)
    associator = store.acquire_lease("associator", "me", 600)
    for n in range(20):
        assert store.put_sighting(make_sighting(f"s{n}"), ingest).accepted
    decisions = tuple(decide(f"s{n}", f"i{n % 3}") for n in range(20))
    done = store.commit(Commit(associator, decisions, cursor="7-7", links={"a": "b"}))
    before = store.list_identities()
    running.kill()
    running.start()
    assert store.list_identities() == before
    assert store.last_event_id() == done.log_position
    assert store.work_cursor() == "7-7"
    assert store.links() == {"a": "b"}
    assert not store.put_sighting(make_sighting("s3"), ingest).accepted
    newer = store.acquire_lease("associator", "me", 600)
    assert newer.token > associator.token
    with pytest.raises(LeaseLost):
        store.commit(Commit(associator, cursor="8-8"))
    store.close()
