"""A shim that throws away what was not fsynced: it stands between the server and the disk, and cuts the power.

Every fsync and fdatasync of the server is handed to this process by the kernel (a seccomp filter with user
notification, Linux 5.0 and later, no privileges needed). The shim notes how long the file is at that moment, answers
"done", and lets nothing reach the disk on the server's behalf. When the power is cut the server is killed and every
file is cut back to what was noted: what it had written and not synced is gone, even though the kernel still had it. A
server that acknowledges before it syncs is caught.

Directory entries (new files, renames) are not thrown away.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER = 1
_NEW_LISTENER = 8
_RET_USER_NOTIF, _RET_ALLOW = 0x7FC00000, 0x7FFF0000
_LD_ABS_W, _JEQ_K, _RET_K = 0x20, 0x15, 0x06
#: By machine: the number of seccomp, of fsync and of fdatasync.
_NUMBERS = {"x86_64": (317, 74, 75), "aarch64": (277, 82, 83)}
#: struct seccomp_notif: id, pid, flags, and of seccomp_data number, architecture, instruction pointer, six arguments.
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")
_RECEIVE, _SEND = 0xC0502100, 0xC0182101


class UnsupportedError(RuntimeError):
    """The kernel does not offer what the shim needs."""


def install_filter() -> int:
    """Has this process's fsync and fdatasync handed to whoever holds the returned descriptor, for ever.

    Raises:
        UnsupportedError: The kernel refuses, or the machine is not known.
    """
    numbers = _NUMBERS.get(platform.machine())
    if sys.platform != "linux" or numbers is None:
        raise UnsupportedError(f"no seccomp numbers for {sys.platform} on {platform.machine()}")
    seccomp, fsync, fdatasync = numbers
    steps = [
        (_LD_ABS_W, 0, 0, 0),
        (_JEQ_K, 1, 0, fsync),
        (_JEQ_K, 0, 1, fdatasync),
        (_RET_K, 0, 0, _RET_USER_NOTIF),
        (_RET_K, 0, 0, _RET_ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise UnsupportedError(f"prctl: {os.strerror(ctypes.get_errno())}")
    found = int(libc.syscall(seccomp, _SECCOMP_SET_MODE_FILTER, _NEW_LISTENER, program))
    if found < 0:
        raise UnsupportedError(f"seccomp: {os.strerror(ctypes.get_errno())}")
    return found


class UnsyncedDisk:
    """Runs one server at a time behind the shim, and cuts its power.

    Args:
        folder: Whose files are cut back.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.syncs = 0
        self.lost_bytes = 0
        self._synced: dict[tuple[int, int], int] = {}
        self._lock = threading.Lock()
        self._listener: int | None = None

    def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Starts a server. Files that are there count as synced.

        Raises:
            UnsupportedError: The kernel does not offer what the shim needs.
        """
        with self._lock:
            self._synced = {(s.st_dev, s.st_ino): s.st_size for s in map(os.stat, self._files())}
        ours, theirs = socket.socketpair()
        with ours:
            launcher = [sys.executable, "-m", "benchmarks.crash.unsynced", str(theirs.fileno()), *command]
            with theirs:
                self.process = subprocess.Popen(
                    launcher, pass_fds=(theirs.fileno(),), stdout=subprocess.DEVNULL, cwd=_ROOT
                )
            said, descriptors, _, _ = socket.recv_fds(ours, 200, 1)
        if not descriptors:
            self.process.wait()
            raise UnsupportedError(said.decode() or "the launcher died")
        self._listener = descriptors[0]
        threading.Thread(target=self._serve, args=(self._listener,), name="unsynced", daemon=True).start()
        return self.process

    def cut_power(self) -> int:
        """Kills the server and throws away what it had not synced; returns how many bytes."""
        if self.process is None:
            return 0
        self.process.kill()
        self.process.wait()
        lost = 0
        with self._lock:
            for path in self._files():
                found = path.stat()
                kept = self._synced.get((found.st_dev, found.st_ino), 0)
                if found.st_size > kept:
                    lost += found.st_size - kept
                    os.truncate(path, kept)
        self.lost_bytes += lost
        self.process = None
        return lost

    def _files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()]

    def _serve(self, listener: int) -> None:
        """Answers the server's syncs until it is gone."""
        try:
            while True:
                request = bytearray(_NOTIFICATION.size)
                fcntl.ioctl(listener, _RECEIVE, request)
                notification_id, pid, _, _, _, _, descriptor, *_ = _NOTIFICATION.unpack(request)
                self._note(pid, descriptor)
                fcntl.ioctl(listener, _SEND, bytearray(_ANSWER.pack(notification_id, 0, 0, 0)))
        except OSError:  # the server is gone, and its notifications with it
            pass
        finally:
            os.close(listener)

    def _note(self, pid: int, descriptor: int) -> None:
        try:
            found = Path(f"/proc/{pid}/fd/{descriptor & 0xFFFFFFFF}").stat()
        except OSError:  # killed in the middle of it: never answered, so never acknowledged
            return
        with self._lock:
            if self.process is None or self.process.poll() is None:
                self._synced[found.st_dev, found.st_ino] = found.st_size
                self.syncs += 1


_ROOT = Path(__file__).resolve().parents[2]


def _launch(descriptor: int, command: Sequence[str]) -> None:
    """Installs the filter, hands its listener over, and becomes the server."""
    with socket.socket(fileno=descriptor) as channel:
        try:
            listener = install_filter()
        except UnsupportedError as exc:
            channel.send(str(exc).encode()[:200])
            raise SystemExit(1) from exc
        socket.send_fds(channel, [b"ok"], [listener])
        os.close(listener)
    os.execv(command[0], list(command))


if __name__ == "__main__":
    _launch(int(sys.argv[1]), sys.argv[2:])
