"""How the C library's allocator is set for a process of many short-lived threads.

By default it keeps a heap for every few threads and what was freed in each of them. Accounts took half as much again
that way, although only one thread at a time runs Python and none has anything of a heap of its own. Large blocks, such
as answers, are given back to the system as soon as they are free.
"""

import ctypes

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
_LARGE_BYTES = 128 * 1024


def tighten() -> bool:
    """Use one heap; false where the C library has no such setting, which costs nothing but memory."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_ARENA_MAX, 1)) and bool(mallopt(_MMAP_THRESHOLD, _LARGE_BYTES))
