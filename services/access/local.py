"""Where the matcher's private socket lies, by which processes of this machine's user reach it without a token."""

from __future__ import annotations

from pathlib import Path

from services.live.wire import socket_folder


def local_socket(data_dir: Path) -> Path:
    """The socket of the matcher that works on a data folder; only this machine's user can open it."""
    return socket_folder(data_dir, "rpc") / "matcher.sock"


def local_address(data_dir: Path) -> str | None:
    """The socket as gRPC names it; None while no matcher has made it."""
    path = local_socket(data_dir)
    return f"unix:{path}" if path.is_socket() else None
