"""Memory that was freed and that the allocator keeps. Knows not what lay in it."""

from __future__ import annotations

import ctypes


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
