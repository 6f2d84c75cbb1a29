"""Becomes another program that dies with its parent. Run as a script by the supervisor; imports as little as possible.

    python -I -S child.py PARENT_PID PROGRAM [ARGUMENT ...]

The wish to die with the parent survives exec, so the program itself needs to know nothing. The kernel watches the
*thread* that made the child: whoever starts children does so from a thread that lives as long as its process.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> bool:
    """Asks the kernel for SIGKILL when the parent ends.

    Args:
        parent_pid: Who the parent must be.

    Returns:
        Whether that parent still was there afterwards; if not, nobody will send the signal.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    return os.getppid() == parent_pid


def main(arguments: list[str]) -> int:
    """Binds this process to its parent and becomes the program; returns only when that fails."""
    if not die_with_parent(int(arguments[0])):
        return 1
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    try:
        os.execvp(arguments[1], arguments[1:])
    except OSError as exc:
        sys.stderr.write(f"cannot run {arguments[1]}: {exc.strerror}\n")
    return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
