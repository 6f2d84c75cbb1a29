"""What the tests of the documents share."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_ends():
    """A session in the background ignores Ctrl-C and would hand that down to the processes that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A demo that runs until all tests have ended."""
    from worlds import end, start_site

    world, process = start_site(tmp_path_factory.mktemp("site"))
    yield world
    end(process)


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A folder with small files of every kind."""
    from worlds import make_files

    return make_files(tmp_path_factory.mktemp("files"))
