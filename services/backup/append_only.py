"""The append-only files of a Valkey or Redis server, taken while it writes to them. Talks to no server.

The server's manifest names a base and what was appended since. Once all of them are open and the manifest still says
the same, they are one state: the server only appends to the last of them and, when it rewrites, begins new files and
lets go of these. What is cut off in the middle of a command is dropped by the server that reads it, a transaction or
script as a whole (``aof-load-truncated yes``).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from services.errors import ConfigError, SnapshotError

FOLDER = "appendonlydir"
_LINE = re.compile(r"^file (\S+) seq \d+ type ([bhi])(?: .*)?$")
_ATTEMPTS = 20
_PAUSE_S = 0.25


def _manifest(folder: Path) -> Path:
    found = sorted(folder.glob("*.manifest"))
    if len(found) != 1:
        raise ConfigError(f"{folder}: no append-only files of a Valkey or Redis server (appendonly yes)")
    return found[0]


def _wanted(text: str, path: Path) -> list[str]:
    names = []
    for line in filter(None, text.splitlines()):
        match = _LINE.match(line)
        if match is None or "/" in match[1]:
            raise SnapshotError(f"{path}: not understood: {line[:80]!r}")
        if match[2] != "h":
            names.append(match[1])
    return names


@contextlib.contextmanager
def opened(store_folder: Path) -> Iterator[list[tuple[str, IO[bytes], int]]]:
    """Name below the store's folder, open file and length of each part, the manifest first.

    Args:
        store_folder: What the server has as ``dir``.

    Raises:
        ConfigError: No such files lie there, or they cannot be read.
        SnapshotError: The server rewrites them faster than they can be opened.
    """
    folder = store_folder / FOLDER
    for _ in range(_ATTEMPTS):
        path = _manifest(folder)
        with contextlib.ExitStack() as stack:
            try:
                text = path.read_text("ascii")
                names = _wanted(text, path)
                files = [stack.enter_context((folder / name).open("rb")) for name in names]
                unchanged = path.read_text("ascii") == text
            except FileNotFoundError:
                unchanged = False
            except OSError as exc:
                raise ConfigError(f"{folder}: {exc.strerror or exc}") from exc
            if unchanged:
                kept = "".join(f"{line}\n" for line in text.splitlines() if not line.rstrip().endswith("type h"))
                parts: list[tuple[str, IO[bytes], int]] = [
                    (f"{FOLDER}/{path.name}", io.BytesIO(kept.encode()), len(kept.encode()))
                ]
                parts += [
                    (f"{FOLDER}/{name}", file, os.fstat(file.fileno()).st_size)
                    for name, file in zip(names, files, strict=True)
                ]
                yield parts
                return
        time.sleep(_PAUSE_S)
    raise SnapshotError(f"{folder}: the server rewrites its files all the time; try again")
