"""A Valkey of one's own for the time of a measurement."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.identity.embedded import EmbeddedServer
from services.identity.opening import open_store
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings

_START_TIMEOUT_S = 30.0


def start(server: EmbeddedServer) -> subprocess.Popen[bytes]:
    """The server's process, once it answers; ended again where it does not.

    Raises:
        StoreUnavailable: It did not answer in time, or ended.
    """
    process = subprocess.Popen(server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server.wait_ready(_START_TIMEOUT_S, lambda: process.poll() is None)
    except BaseException:
        process.terminate()
        process.wait(_START_TIMEOUT_S)
        raise
    return process


@contextmanager
def running_server(data_dir: Path) -> Iterator[EmbeddedServer]:
    """The bundled server on a fresh folder, a child process whose time counts as its parent's."""
    server = EmbeddedServer(data_dir)
    process = start(server)
    try:
        yield server
    finally:
        process.terminate()
        process.wait(_START_TIMEOUT_S)


@contextmanager
def running_store(data_dir: Path) -> Iterator[RedisStore]:
    """A store on such a server."""
    with running_server(data_dir):
        store = open_store(RedisSettings(), data_dir, "bench")
        try:
            yield store
        finally:
            store.close()
