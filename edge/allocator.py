"""Memory that screenings no longer need goes back to the system, on Linux with glibc."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Parameters of ``mallopt``, from ``malloc.h``."""
LARGE = 512 * 1024
"""Bytes from which a block is one of the system's own: films are, little else is."""
ARENAS = 2


def give_memory_back() -> None:
    """Tell the allocator to keep little; for a process that runs for weeks beside others.

    Left to itself, glibc raises its threshold to the size of the largest film it has freed, and
    keeps what each thread ever used. Elsewhere this does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no glibc
        return
    for parameter, value in (
        (_ARENA_MAX, ARENAS),
        (_MMAP_THRESHOLD, LARGE),
        (_TRIM_THRESHOLD, LARGE),
    ):
        mallopt(parameter, value)
