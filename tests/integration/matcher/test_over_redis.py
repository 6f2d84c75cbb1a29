"""The matcher over a real server that is killed and comes back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from services.errors import NotFound, StoreUnavailable
from services.identity.embedded import EmbeddedServer
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings

RED, BLUE = (0, 0, 250), (250, 0, 0)


class Server:
    def __init__(self, data_dir) -> None:
        self.embedded = EmbeddedServer(data_dir)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.embedded.command(), stdout=subprocess.DEVNULL)
        self.embedded.wait_ready(30, lambda: self.process.poll() is None)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.kill()


@pytest.fixture
def town(server, build):
    store = RedisStore(connect(server.embedded.url, RedisSettings(reconnect_attempts=1)))
    city = build(store)
    city.see("red-1", RED, exemplars=[RED, BLUE])
    city.decide("red-1", "id-red")
    city.see("blue-1", BLUE, camera="south", at_s=9)
    city.decide("blue-1", "id-blue")
    city.settle()
    return city


def test_every_change_arrives(town) -> None:
    town.see("red-1", RED, revision=2)
    town.merge("id-red", "id-blue")
    town.settle()
    detail = town.client.identity_get("id-blue")
    assert detail.record == town.store.get_identity("id-red")
    assert town.client.gallery_stats().vectors == 2
    town.split("id-red", "id-new", "blue-1")
    town.settle()
    assert town.client.search_sighting("red-1").matches[0].identity_id == "id-new"
    town.client.gallery_delete("id-red")
    assert town.client.gallery_stats().sightings == 1


@pytest.mark.parametrize("subject", ["nothing", "with space", "line\nbreak", "a:b{c}*", "\u00e4\u00f6", "x" * 300])
def test_unknown_ids_of_any_kind(town, subject: str) -> None:
    for call in (
        town.client.gallery_delete,
        town.client.gallery_delete_sighting,
        town.client.identity_get,
        town.client.search_sighting,
    ):
        with pytest.raises(NotFound):
            call(subject)
    assert town.client.gallery_stats().sightings == 2


def test_killed_and_back(town, server, wait_until) -> None:
    before = town.client.search_sighting("red-1")
    server.kill()
    assert town.client.search_sighting("red-1") == before
    assert town.client.serving()
    for call in (lambda: town.client.gallery_delete("id-red"), town.client.camera_list):
        with pytest.raises(StoreUnavailable):
            call()
    assert town.client.gallery_stats().identities == 2
    server.start()
    town.see("late", RED, camera="east")
    town.decide("late", "id-red")
    wait_until(lambda: town.client.gallery_stats().sightings == 3)
    town.client.gallery_delete("id-blue")
    assert town.client.gallery_stats().identities == 1


def test_restart_of_the_matcher(town, build) -> None:
    town.merge("id-red", "id-blue")
    town.settle()
    again = build(town.store)
    assert again.client.identity_get("id-blue") == town.client.identity_get("id-blue")
    assert again.client.search_sighting("red-1").matches == town.client.search_sighting("red-1").matches
