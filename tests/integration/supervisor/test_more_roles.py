"""Roles that join after the start, and one that is stopped while the others go on."""

import pytest

from services.errors import ConfigError, Unavailable
from services.supervisor import Supervisor

STAY = "import time; time.sleep(60)"


@pytest.fixture
def supervisor(python_role, tmp_path):
    running = Supervisor([python_role("first", STAY)], tmp_path / "data")
    running.start()
    yield running
    running.stop()


def test_a_role_joins_later_and_is_restarted_like_the_others(supervisor, python_role, eventually, is_alive):
    import os
    import signal

    supervisor.add(python_role("second", STAY))
    status = supervisor.status()["second"]
    assert status.state == "up"
    os.kill(status.pid, signal.SIGKILL)

    def restarted():
        supervisor.poll()
        return supervisor.status()["second"].restarts == 1

    eventually(restarted)
    assert is_alive(supervisor.status()["second"].pid)


def test_a_name_is_given_once(supervisor, python_role):
    with pytest.raises(ValueError, match="first"):
        supervisor.add(python_role("first", STAY))


def test_a_late_role_that_fails_leaves_the_others(supervisor, python_role, is_alive):
    with pytest.raises(Unavailable, match="second ended with exit code 3"):
        supervisor.add(python_role("second", "raise SystemExit(3)", restart="never", ready=lambda: False))
    assert is_alive(supervisor.status()["first"].pid)


def test_one_role_stops_and_stays_stopped(supervisor, python_role, is_alive):
    supervisor.add(python_role("second", STAY))
    pid = supervisor.status()["second"].pid
    supervisor.stop_role("second")
    supervisor.poll()
    assert not is_alive(pid)
    assert supervisor.status()["second"].state == "stopped"
    assert supervisor.status()["first"].state == "up"


def test_the_data_folder_can_be_taken_before_the_start(python_role, tmp_path):
    first = Supervisor([], tmp_path / "data")
    first.acquire()
    first.acquire()
    with pytest.raises(ConfigError):
        Supervisor([python_role("x", STAY)], tmp_path / "data").start()
    first.stop()
