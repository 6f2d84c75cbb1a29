"""One suite over all ingest boards."""

import subprocess
import time

import pytest

from services.identity.embedded import EmbeddedServer
from services.identity.ingest_board import MemoryIngestBoard, RedisIngestBoard
from services.identity.redis_client import Connection, connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings
from services.identity.store import CameraRecord


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    server = EmbeddedServer(tmp_path_factory.mktemp("board"))
    process = subprocess.Popen(server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.wait_ready(30, lambda: process.poll() is None)
    yield server.url
    process.kill()
    process.wait(30)


@pytest.fixture(params=["memory", "redis"])
def board(request):
    if request.param == "memory":
        yield MemoryIngestBoard()
        return
    made = RedisIngestBoard(Connection(connect(request.getfixturevalue("url"), RedisSettings())), f"s{time.time_ns()}")
    yield made
    made.close()


def test_members_are_counted_while_they_say_so(board):
    assert board.join("main", "a", 0.3) == 1
    assert board.join("main", "b", 30) == 2
    assert board.join("main", "b", 30) == 2
    assert board.join("other", "a", 30) == 1
    time.sleep(0.4)
    assert board.join("main", "b", 30) == 1
    board.join("main", "c", 30)
    board.leave("main", "c")
    board.leave("main", "nobody")
    assert board.join("main", "b", 30) == 1


def test_cameras_are_kept_as_given(board):
    board.set_camera("yard", '{"id": "yard"}')
    board.set_camera("gate", "")
    assert board.cameras() == {"yard": '{"id": "yard"}', "gate": ""}
    board.unset_camera("yard")
    board.unset_camera("nobody")
    assert board.cameras() == {"gate": ""}


def test_a_cleared_record_is_listed_no_more(url):
    client = connect(url, RedisSettings())
    store, board = RedisStore(client, "records"), RedisIngestBoard(Connection(client), "records")
    for name in ("north", "south"):
        store.put_camera(CameraRecord(name, "rtsp://h", "file", "up", "", 0))
    board.clear_record("north")
    assert [camera.camera_id for camera in store.list_cameras()] == ["south"]
    store.close()
