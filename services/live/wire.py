"""What goes over a live socket, and where sockets lie. One JSON line asks, one JSON line and perhaps a JPEG answer.

Ask: `{"camera": ID, "after_ns": N}`, or `{}` for the cameras. Answer: `{"cameras": [ID, …]}`, or `{"jpeg_bytes": B,
"captured_at_ns": N, "width": W, "height": H, "boxes": [{"xyxy": […], "kind": "car", "sighting_id": ID}, …]}`, followed
by B bytes; B is 0 when there is nothing newer.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Longest line that either side reads.
MAX_LINE = 1 << 18
MAX_JPEG = 1 << 24
#: Longest path that every system takes for a socket.
_PATH_MAX = 100


@dataclass(frozen=True, slots=True)
class LiveBoxView:
    """A vehicle in a live picture: box in px of the picture's own size, class name, sighting (empty at first)."""

    xyxy: tuple[float, float, float, float]
    kind: str
    sighting_id: str


@dataclass(frozen=True, slots=True)
class LivePicture:
    """A camera's newest picture; ``jpeg`` is empty when nothing is newer than what was asked after.

    ``width`` and ``height`` are the source's, which boxes refer to; the JPEG may be smaller.
    """

    jpeg: bytes
    captured_at_ns: int
    width: int
    height: int
    boxes: tuple[LiveBoxView, ...]


def socket_folder(data_dir: Path, name: str) -> Path:
    """Where sockets of a kind lie: in the data folder, or, where its path is too long for a socket, in a short one."""
    folder = data_dir.resolve() / name
    if len(str(folder).encode()) + 28 <= _PATH_MAX:
        return folder
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"vreid-{name}-{os.getuid()}-{digest}"


def live_folder(data_dir: Path) -> Path:
    """Where the live sockets of a data folder lie."""
    return socket_folder(data_dir, "live")


def socket_name(host: str, pid: int) -> str:
    """Name of a process's socket; containers that share a data folder have the same process ids.

    >>> socket_name("ingest-0", 7)
    '02805598-7.sock'
    """
    return f"{hashlib.sha256(host.encode()).hexdigest()[:8]}-{pid}.sock"


def private_folder(folder: Path) -> None:
    """Makes a folder that only this user can enter.

    Raises:
        OSError: It cannot be made, or it is somebody else's.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} is not this user's folder")
    folder.chmod(0o700)


def line(document: dict[str, Any]) -> bytes:
    """A document as one line."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def document_of(text: bytes) -> dict[str, Any]:
    """The document of a line.

    Raises:
        ValueError: It is none.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("expected an object")
    return found
