"""Roles and process references: what they refuse, and how a process is told from its successor."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from services.supervisor import Role, Supervisor, child
from services.supervisor.runfile import ProcessRef, started_at


@pytest.mark.parametrize(
    "bad",
    [{"name": "A"}, {"name": "../x"}, {"argv": ()}, {"stop_timeout_s": -1}, {"ready_timeout_s": 0}],
    ids=str,
)
def test_what_is_no_role(bad):
    with pytest.raises(ValueError, match="role"):
        Role(**({"name": "a", "argv": ("true",)} | bad))


def test_names_are_unique(tmp_path):
    with pytest.raises(ValueError, match="different names"):
        Supervisor([Role("a", ("true",)), Role("a", ("true",))], tmp_path)


def test_a_process_is_its_pid_and_its_start():
    me = ProcessRef(os.getpid(), started_at(os.getpid()))
    assert me.alive()
    assert not ProcessRef(me.pid, me.started - 1).alive()
    assert not ProcessRef(2**22 + 1, None).alive()
    assert started_at(2**22 + 1) is None


def test_a_child_whose_parent_is_gone_does_not_start():
    command = [sys.executable, "-I", "-S", child.__file__, str(os.getpid() + 1), "echo", "started"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
