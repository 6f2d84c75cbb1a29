"""The main job from end to end: real RTSP, real processes, identities against exact truth."""

import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from services.identity.embedded import EmbeddedServer
from services.identity.history import all_events
from services.identity.opening import open_store
from services.identity.settings import RedisSettings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

CAMERAS = 4


@pytest.fixture(scope="module")
def played(start_product, new_address, tmp_path_factory):
    """The city played to its end once: the running command's record and its document."""
    folder = tmp_path_factory.mktemp("played") / "demo"
    product = start_product("demo", "--once", "--json", "--data-dir", str(folder), "--address", new_address())
    return product, product.document()


@pytest.fixture
def read_store():
    """Opens what a finished run left behind."""
    servers = []

    def read(data_dir: Path):
        server = EmbeddedServer(data_dir)
        servers.append(subprocess.Popen(server.command(), stdout=subprocess.DEVNULL))
        server.wait_ready(30)
        return open_store(RedisSettings(), data_dir, "demo")

    yield read
    for process in servers:
        process.terminate()
        process.wait(timeout=20)


def test_identities_agree_with_the_truth(played):
    """Far from what constants reach: one vector for all, one identity for all, one for each, no travel times.

    The figures that the product promises are measured on a machine of its own, by `make evaluate`.
    """
    _, document = played
    assert document["idf1"] >= 0.50
    assert document["idf1_at"]["end"] >= 0.50
    assert document["query"]["rank1"] >= 0.50
    assert document["query"]["queries"] >= 50
    assert document["oracle_idf1"] >= document["idf1"] > 1.5 * document["greedy_idf1"]


def test_the_document_is_complete(played):
    _, document = played
    for key in ("idf1_all", "idp", "idr", "frame_age_p99_s", "seconds"):
        assert isinstance(document[key], float), key
    assert document["sightings"] >= 60
    assert document["identities"] >= 20
    assert len(document["cameras"]) == CAMERAS
    for camera in document["cameras"].values():
        assert camera["state"] == "ended"
        assert 0 < camera["frames_inferred"] <= camera["frames_offered"]
    assert set(document["restarts"].values()) == {0}


def test_nothing_leaves_the_machine(played):
    product, _ = played
    assert product.peers == set()
    assert not product.guard_log.exists() or product.guard_log.read_text() == ""


def test_killed_processes_cost_nothing_acknowledged(start_product, new_address, tmp_path, read_store):
    """Every role is killed in turn while the city plays; the report still comes and the record is whole."""
    product = start_product("demo", "--once", "--json", "--data-dir", str(tmp_path / "d"), "--address", new_address())
    roles = ("services.matcher", "valkey-server", "services.ingest", "simulator.rtsp")
    until((tmp_path / "d" / "demo.json").exists, 60)
    for number, role in enumerate(roles):
        time.sleep(12 if number else 20)
        product.kill_role(role)
    document = product.document()
    assert document["restarts"] == {"valkey": 1, "matcher": 1, "city": 1, "ingest": 1}
    assert document["idf1"] > 0.3

    store = read_store(tmp_path / "d")
    events = all_events(store)
    # A sighting whose session died is announced once more at its last revision, as final.
    puts = Counter(
        (str(e.payload["sighting_id"]), e.payload["revision"], e.payload["final"])
        for e in events
        if e.kind == "sighting.put"
    )
    assert max(puts.values()) == 1, "a revision was stored twice"
    kept = {sighting.sighting_id: (sighting, identity) for sighting, identity in store.scan_sightings()}
    assert {name for name, *_ in puts} == set(kept), "an acknowledged sighting is missing"
    keys = Counter(key for sighting, _ in kept.values() for key in sighting.track_keys)
    assert max(keys.values()) == 1, "one track became two sightings"
    assert all(identity is not None for _, identity in kept.values()), "a sighting was never decided"
    store.close()


def test_children_die_with_the_supervisor_and_the_next_start_goes_on(start_product, new_address, tmp_path):
    data_dir, address = tmp_path / "d", new_address()
    arguments = ("demo", "--once", "--json", "--data-dir", str(data_dir), "--address", address)
    first = start_product(*arguments)
    until(lambda: first.role("services.ingest") is not None, 90)
    time.sleep(15)
    children = [first.role(name) for name in ("valkey-server", "services.matcher", "services.ingest", "simulator.rtsp")]
    assert None not in children
    began = (data_dir / "demo.json").read_text()
    first.process.kill()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 20)

    second = start_product(*arguments)
    until(lambda: second.role("services.ingest") is not None, 90)
    assert (data_dir / "demo.json").read_text() == began, "the city was begun anew"
    document = second.document()
    assert document["idf1"] > 0.3
    assert document["sightings"] >= 40


def test_a_demo_with_its_port_taken(start_product, new_address, tmp_path):
    import socket

    address = new_address()
    host, port = address.split(":")
    with socket.socket() as taken:
        taken.bind((host, int(port)))
        taken.listen()
        product = start_product("demo", "--once", "--json", "--data-dir", str(tmp_path / "d"), "--address", address)
        _, err = product.process.communicate(timeout=60)
    assert product.process.returncode == 1
    assert err.count("\n") == 1
    assert address in err


def until(condition, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
