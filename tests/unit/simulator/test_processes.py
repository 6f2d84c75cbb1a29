"""Jobs in processes: results in order, progress added up, errors in one line, nobody left behind."""

import multiprocessing as mp
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from simulator.errors import CityError, RendererMissing
from simulator.processes import ProcessDied, rasteriser_threads, run_jobs

#: A shell's background jobs, and what they start, ignore Ctrl-C: this one heeds it.
SLEEPER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
from test_processes import open_sleeper
from simulator.processes import run_jobs
if __name__ == "__main__":
    run_jobs(open_sleeper, [0, 1], 2, lambda pid: print(pid, flush=True))
"""


def _square(job, tell):
    tell(job)
    return job * job, os.getpid()


def open_square():
    return _square


def _fail(error, job, tell):
    if job == 1:
        raise error
    return job


def open_failing(error):
    return partial(_fail, error)


def _vanish(job, tell):
    os._exit(3)


def open_vanishing():
    return _vanish


def _sleep(job, tell):
    tell(os.getpid())
    for _ in range(600):
        time.sleep(0.1)
        tell(0)


def open_sleeper():
    return _sleep


def test_results_come_in_the_order_of_the_jobs_and_progress_adds_up():
    told = []

    results = run_jobs(open_square, [5, 1, 4, 2], 2, told.append)

    assert [square for square, _ in results] == [25, 1, 16, 4]
    assert len({pid for _, pid in results}) == 2
    assert os.getpid() not in {pid for _, pid in results}
    assert sum(told) == 12
    assert mp.active_children() == []


def test_nothing_to_do_starts_nobody():
    assert run_jobs(open_square, []) == []


@pytest.mark.parametrize(
    ("error", "expected", "says"),
    [
        (RendererMissing("no OpenGL here"), RendererMissing, "no OpenGL here"),
        (CityError("no such light"), CityError, "no such light"),
        (OSError("disk is full"), CityError, "disk is full"),
    ],
)
def test_a_failing_process_ends_all_with_its_own_words(error, expected, says):
    with pytest.raises(expected, match=says) as caught:
        run_jobs(partial(open_failing, error), [0, 1, 2, 3], 2)

    assert "\n" not in str(caught.value)
    assert mp.active_children() == []


def test_a_process_that_died_is_told():
    with pytest.raises(ProcessDied, match="died"):
        run_jobs(open_vanishing, [1, 2], 2)
    assert mp.active_children() == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nobody_outlives_a_caller_that_is_stopped(how):
    program = SLEEPER.format(tests=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as caller:
        pids: set[int] = set()
        while len(pids) < 2:
            pids |= {int(caller.stdout.readline())} - {0}
        caller.send_signal(how)
        caller.wait(30)
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in pids)


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_cores_are_shared_among_processes():
    assert [rasteriser_threads(8, count) for count in (1, 2, 3, 8, 20)] == [8, 4, 2, 0, 0]
