"""Files that take minutes to make are made once a machine, then kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from edge.files import write_atomically
from optimize.processes import fresh_process


def cache_path(name: str) -> Path:
    """Where a file of that name is kept."""
    return user_cache_path("pneumokiosk") / name


def kept(name: str, make: Callable[..., bytes], *arguments: object) -> Path:
    """The file of a name in this user's cache; made in a process of its own where it is not there.

    In a process of its own, because TensorFlow takes a number of threads only before its first
    use and never gives its memory back.

    Args:
        name: of the file; it says all that the content depends on.
        make: a function of a module, that returns the content.
        arguments: of it.
    """
    path = cache_path(name)
    if not path.is_file():
        with fresh_process() as pool:
            write_atomically(path, pool.submit(make, *arguments).result())
    return path
