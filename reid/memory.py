"""Keeps the C library from giving memory back between steps of training; without glibc it does nothing."""

from __future__ import annotations

import ctypes

# Names and numbers of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Lets freed tensors be used again instead of being unmapped and mapped anew, page by page, in every step.

    Feature maps of a batch are above glibc's threshold for blocks of their own, and clearing fresh pages for them took
    more than half of a step on a CPU. What the process holds afterwards is the most it ever needed.

    Returns:
        Whether the C library took it.
    """
    try:
        libc = ctypes.CDLL(None)
        return bool(libc.mallopt(M_MMAP_MAX, 0) and libc.mallopt(M_TRIM_THRESHOLD, NEVER))
    except (OSError, AttributeError):
        return False
