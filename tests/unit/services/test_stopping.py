"""What a process does when it is told to stop, also while it starts."""

import os
import signal

import pytest

from services.config import VreidConfig
from services.ingest import __main__ as ingest_main
from services.stopping import when_told_to_stop

NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _as_before():
    before = {number: signal.getsignal(number) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_each_of_them_is_heard(number):
    told = []
    when_told_to_stop(lambda: told.append(1))
    os.kill(os.getpid(), number)
    assert told == [1]


def test_under_nohup_a_closed_terminal_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    when_told_to_stop(lambda: pytest.fail("heard"))
    os.kill(os.getpid(), signal.SIGHUP)


def test_ingest_that_is_told_while_it_opens_its_networks_reads_no_camera(monkeypatch, tmp_path):
    class Composed:
        def stop(self):
            pass

        def run(self):
            pytest.fail("cameras would be read")

    monkeypatch.setattr(ingest_main, "open_parts", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    monkeypatch.setattr(ingest_main, "build_ingest", lambda _parts: Composed())
    assert ingest_main.run_ingest(VreidConfig(data_dir=tmp_path)) == 0
