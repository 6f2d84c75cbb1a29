"""Memory that was freed and that the allocator keeps. Knows not what lay in it."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
#: Of the process. Each keeps what its hungriest moment needed.
MOST_ARENAS = 4


def give_back() -> bool:
    """Hands the pages of freed memory back to the system; False where the allocator cannot be asked to.

    An index's segments are megabytes each and live as long as each other's neighbours do not: what they leave behind in
    the heap lies between what is in use, where the allocator by itself never gives it back. So it is with the blocks of
    a large picture, in the heap of each thread that decodes one. Having each block mapped apart would avoid that too,
    and make every search's scratch memory a third to a half dearer.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):  # not glibc
        return False
    trim(0)
    return True


def share_arenas(most: int = MOST_ARENAS) -> bool:
    """Has threads share few heaps from now on; False where the allocator cannot be told to.

    By itself it makes one for each thread that contends, up to eight a core, and never gives back what is free at the
    end of any but the first (``give_back`` neither): with every thread that has once had a large picture, or made a
    segment faster, the process would grow by as much.
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # not glibc
        return False
    return bool(tell(_M_ARENA_MAX, most))
