"""The embedded server under the supervisor: killed it comes back, and a killed supervisor's successor resumes."""

from __future__ import annotations

import os
import signal

import pytest

from services.identity.embedded import EmbeddedServer
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings
from services.identity.store import CameraRecord
from services.supervisor import Role, Supervisor

SUPERVISE = """
import sys, threading
from pathlib import Path
from services.identity.embedded import EmbeddedServer
from services.supervisor import Role, Supervisor
server = EmbeddedServer(Path(sys.argv[1]))
supervisor = Supervisor([Role("redis", tuple(server.command()), ready=server.answers)], Path(sys.argv[1]))
supervisor.start()
print(supervisor.status()["redis"].pid, flush=True)
supervisor.run(threading.Event())
"""


@pytest.fixture
def server(tmp_path):
    return EmbeddedServer(tmp_path)


@pytest.fixture
def supervisor(server, tmp_path):
    supervisor = Supervisor([Role("redis", tuple(server.command()), ready=server.answers)], tmp_path)
    yield supervisor
    supervisor.stop()


@pytest.fixture
def store(server):
    store = RedisStore(connect(server.url, RedisSettings(reconnect_attempts=20, reconnect_backoff_s=0.05)))
    yield store
    store.close()


CAMERA = CameraRecord("north", "rtsp://host/north", "file", "up", "", 1)


def test_a_killed_server_comes_back_with_its_data(supervisor, store, eventually):
    supervisor.start()
    store.put_camera(CAMERA)
    os.kill(supervisor.status()["redis"].pid, signal.SIGKILL)

    def back() -> bool:
        supervisor.poll()
        return supervisor.status()["redis"].state == "up" and supervisor.status()["redis"].restarts == 1

    eventually(back)
    assert store.list_cameras() == [CAMERA]


def test_an_orderly_stop_ends_the_server_in_time(supervisor, store, server):
    supervisor.start()
    store.put_camera(CAMERA)
    supervisor.stop()
    assert supervisor.status()["redis"].exit_code == 0
    assert not server.answers()


def test_the_next_start_resumes_after_the_supervisor_was_killed(
    start_supervisor_process, supervisor, store, eventually, is_alive, tmp_path
):
    process = start_supervisor_process(SUPERVISE, str(tmp_path))
    pid = int(process.stdout.readline())
    store.put_camera(CAMERA)
    process.kill()
    process.wait()
    eventually(lambda: not is_alive(pid))
    supervisor.start()
    assert store.list_cameras() == [CAMERA]
