"""The supervisor over real processes: order, restarts, stopping, and what is left when it is killed."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading

import pytest

from services.errors import ConfigError, Interrupted, Unavailable
from services.supervisor import Role, Supervisor, memory_of, read_run

SLEEP = ("sleep", "600")

SUPERVISE = """
import sys, threading
from pathlib import Path
from services.supervisor import Role, Supervisor
supervisor = Supervisor([Role("a", ("sleep", "600")), Role("b", ("sleep", "600"))], Path(sys.argv[1]))
supervisor.start()
print(*(s.pid for s in supervisor.status().values()), flush=True)
supervisor.run(threading.Event())
"""


@pytest.fixture
def supervise(tmp_path):
    made: list[Supervisor] = []

    def make(*roles: Role) -> Supervisor:
        supervisor = Supervisor(roles, tmp_path, seed=0)
        made.append(supervisor)
        return supervisor

    yield make
    for supervisor in made:
        supervisor.stop()


def test_a_killed_child_is_restarted(supervise, eventually):
    supervisor = supervise(Role("a", SLEEP), Role("b", SLEEP))
    supervisor.start()
    before = supervisor.status()
    os.kill(before["a"].pid, signal.SIGKILL)

    def restarted() -> bool:
        supervisor.poll()
        return supervisor.status()["a"].restarts == 1 and supervisor.status()["a"].state == "up"

    eventually(restarted)
    after = supervisor.status()
    assert after["a"].pid not in (None, before["a"].pid)
    assert after["a"].exit_code == -signal.SIGKILL
    assert after["b"] == before["b"]


@pytest.mark.parametrize(
    ("restart", "code", "state"),
    [("on-failure", 0, "done"), ("never", 0, "done"), ("never", 3, "failed"), ("on-failure", 3, "backoff")],
)
def test_what_an_exit_means(supervise, python_role, eventually, restart, code, state):
    role = python_role("a", f"import time; time.sleep(0.3); raise SystemExit({code})", restart=restart)
    supervisor = supervise(role)
    supervisor.start()

    def reached() -> bool:
        supervisor.poll()
        return supervisor.status()["a"].state == state

    eventually(reached)
    assert supervisor.status()["a"].exit_code == code
    assert supervisor.finished() == (state != "backoff")


def test_run_ends_when_all_is_done(supervise, python_role):
    supervisor = supervise(python_role("a", "print('said')", restart="on-failure", env={"X": "1"}))
    supervisor.start()
    supervisor.run(threading.Event())
    assert supervisor.log_path("a").read_text() == "said\n"


def test_a_role_waits_for_those_before_it(supervise, python_role, eventually, tmp_path):
    mark = tmp_path / "mark"
    first = python_role(
        "first", f"import time; time.sleep(0.3); open({str(mark)!r}, 'w'); time.sleep(600)", ready=mark.exists
    )
    second = python_role("second", f"import os; print(os.path.exists({str(mark)!r}), flush=True)", restart="on-failure")
    supervisor = supervise(first, second)
    supervisor.start()

    def done() -> bool:
        supervisor.poll()
        return supervisor.status()["second"].state == "done"

    eventually(done)
    assert supervisor.log_path("second").read_text() == "True\n"


@pytest.mark.parametrize(
    "case",
    [
        ("import sys; sys.exit('the port is taken')", {"restart": "never"}, "the port is taken"),
        ("import time; time.sleep(600)", {"ready_timeout_s": 0.3}, "was not ready"),
    ],
    ids=["ended", "late"],
)
def test_a_start_that_fails_leaves_nothing_behind(supervise, python_role, is_alive, tmp_path, case):
    code, changes, says = case
    pids = set()

    def never_ready() -> bool:
        pids.update(ref.pid for ref in read_run(tmp_path).roles.values())
        return False

    supervisor = supervise(Role("first", SLEEP), python_role("second", code, ready=never_ready, **changes))
    with pytest.raises(Unavailable, match=says) as caught:
        supervisor.start()
    assert "\n" not in str(caught.value)
    assert len(pids) == 2
    assert not any(is_alive(pid) for pid in pids)
    assert read_run(tmp_path) is None
    supervise(Role("first", SLEEP)).start()


def test_a_program_that_does_not_exist(supervise):
    supervisor = supervise(Role("a", ("no-such-program",), restart="never", ready=lambda: False))
    with pytest.raises(Unavailable, match="cannot run no-such-program"):
        supervisor.start()


def test_stops_in_reverse_order_and_kills_what_does_not_listen(supervise, python_role, eventually, tmp_path):
    told = tmp_path / "told"
    code = """
import signal, sys, time
def stop(*_):
    with open({told!r}, "a") as f: f.write({name!r} + " ")
    if {listens}: sys.exit(0)
signal.signal(signal.SIGTERM, stop)
open({told!r} + {name!r}, "w").close()
while True: time.sleep(0.05)
"""

    def role(name, listens, **changes):
        text = code.format(told=str(told), name=name, listens=listens)
        return python_role(name, text, ready=(tmp_path / ("told" + name)).exists, **changes)

    supervisor = supervise(role("a", True), role("b", False, stop_timeout_s=0.3), role("c", True))
    supervisor.start()
    supervisor.stop()
    assert told.read_text() == "c b a "
    status = supervisor.status()
    assert [s.exit_code for s in status.values()] == [0, -signal.SIGKILL, 0]
    assert {s.state for s in status.values()} == {"stopped"}


def test_what_a_child_left_behind_is_killed(supervise, python_role, eventually, is_alive, tmp_path):
    note = tmp_path / "pid"
    code = f"""
import subprocess, time
p = subprocess.Popen(["sleep", "600"])
open({str(note)!r} + "x", "w").write(str(p.pid))
import os; os.rename({str(note)!r} + "x", {str(note)!r})
time.sleep(600)
"""
    supervisor = supervise(python_role("a", code, ready=note.exists, restart="never"))
    supervisor.start()
    grandchild = int(note.read_text())
    assert is_alive(grandchild)
    os.kill(supervisor.status()["a"].pid, signal.SIGKILL)
    eventually(lambda: (supervisor.poll(), not is_alive(grandchild))[1])


def test_two_supervisors_never_share_a_data_folder(supervise, tmp_path):
    first = supervise(Role("a", SLEEP))
    first.start()
    second = supervise(Role("a", SLEEP))
    with pytest.raises(ConfigError, match=f"already runs on .* \\(process {os.getpid()}\\)"):
        second.start()
    second.stop()
    assert read_run(tmp_path).roles["a"].alive()
    first.stop()
    second.start()


def test_run_json_names_processes_and_addresses(supervise, tmp_path):
    assert read_run(tmp_path) is None
    supervisor = supervise(Role("a", SLEEP))
    supervisor.start()
    supervisor.publish("matcher", "127.0.0.1:5000")
    info = read_run(tmp_path)
    assert info.supervisor.pid == os.getpid()
    assert info.roles["a"].pid == supervisor.status()["a"].pid
    assert info.addresses == {"matcher": "127.0.0.1:5000"}
    text = json.loads((tmp_path / "run.json").read_text())
    assert set(text) == {"supervisor", "roles", "addresses"}
    supervisor.stop()
    assert not (tmp_path / "run.json").exists()


def test_a_damaged_run_json_harms_nobody(supervise, tmp_path):
    (tmp_path / "run.json").write_text('{"supervisor": 5')
    assert read_run(tmp_path) is None
    supervise(Role("a", SLEEP)).start()


def test_memory_covers_the_children(supervise):
    supervisor = supervise(Role("a", SLEEP))
    supervisor.start()
    alone = memory_of([supervisor.status()["a"].pid])
    together = supervisor.memory()
    assert 0 < alone.pss_bytes <= alone.rss_bytes
    assert together.rss_bytes > alone.rss_bytes
    assert memory_of([2**22 + 1]).rss_bytes == 0


def test_children_die_with_a_killed_supervisor_and_the_next_one_takes_over(
    start_supervisor_process, supervise, eventually, is_alive, tmp_path
):
    process = start_supervisor_process(SUPERVISE, str(tmp_path))
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 2
    assert all(is_alive(pid) for pid in pids)
    with pytest.raises(ConfigError, match=f"process {process.pid}"):
        supervise(Role("a", SLEEP)).start()
    process.kill()
    eventually(lambda: not any(is_alive(pid) for pid in pids))
    process.wait()
    assert read_run(tmp_path) is None
    supervise(Role("a", SLEEP)).start()
    assert read_run(tmp_path).supervisor.pid == os.getpid()


def test_a_role_gets_the_environment_with_what_is_added_and_without_what_is_taken_out(
    supervise, python_role, eventually, tmp_path, monkeypatch
):
    monkeypatch.setenv("VREID_KEPT", "kept")
    monkeypatch.setenv("VREID_MATCHER__LISTEN", "127.0.0.1:1")
    code = "import os, sys; print(*sorted(f'{n}={v}' for n, v in os.environ.items() if n.startswith('VREID_')))"
    changes = {"env": {"VREID_ADDED": "added"}, "unset": ("VREID_MATCHER__LISTEN",), "restart": "never"}
    supervise(python_role("a", code, **changes)).start()
    log = tmp_path / "logs" / "a.log"
    eventually(lambda: log.exists() and log.read_text() == "VREID_ADDED=added VREID_KEPT=kept\n")


def test_a_full_disk_ends_nobody_who_looks_after_others(supervise, eventually, monkeypatch, is_alive):
    supervisor = supervise(Role("a", SLEEP), Role("b", SLEEP))
    supervisor.start()
    before = supervisor.status()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("services.supervisor.supervisor.write_run", full)
    os.kill(before["a"].pid, signal.SIGKILL)

    def restarted() -> bool:
        supervisor.poll()
        return supervisor.status()["a"].restarts == 1

    eventually(restarted)
    running = [status.pid for status in supervisor.status().values()]
    supervisor.stop()
    assert not any(map(is_alive, running))


def test_a_role_that_cannot_be_started_again_for_now_is_tried_later(supervise, eventually, monkeypatch):
    supervisor = supervise(Role("a", SLEEP))
    supervisor.start()
    refused = []

    class Exhausted:
        def __init__(self, *_):
            refused.append(1)
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("services.supervisor.supervisor.RoleProcess", Exhausted)
        os.kill(supervisor.status()["a"].pid, signal.SIGKILL)

        def tried_twice() -> bool:
            supervisor.poll()
            return len(refused) == 2

        eventually(tried_twice)

    def up() -> bool:
        supervisor.poll()
        return supervisor.status()["a"].state == "up"

    eventually(up)


def test_who_is_told_to_stop_waits_for_nobody_to_be_ready(tmp_path, is_alive):
    stop = threading.Event()
    supervisor = Supervisor([Role("a", SLEEP, ready=lambda: stop.set() or False)], tmp_path, stop=stop)
    with pytest.raises(Interrupted, match="told to stop while a started"):
        supervisor.start()
    assert supervisor.status()["a"].state == "stopped"
    assert read_run(tmp_path) is None
