"""An object in a process of its own, called from here: one call at a time, nothing in between."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from optimize.processes import fresh_process

_held: list[Any] = []


class Remote:
    """What `remote` made; its process waits between the calls and takes no time of the machine."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        """Call into the one process of a pool."""
        self._pool = pool

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method there and wait for what it returns or raises."""
        return self._pool.submit(_call, method, arguments).result()


@contextmanager
def remote(make: Callable[..., Any], *arguments: Any) -> Iterator[Remote]:
    """Make an object in a fresh process that ends with the block, or with this process.

    Args:
        make: a class or function of a module.
        arguments: of it.
    """
    with fresh_process() as pool:
        pool.submit(_make, make, arguments).result()
        yield Remote(pool)


def end_with_parent() -> None:
    """Let this process end when the one that started it is killed: nobody else would end it."""
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _make(make: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    end_with_parent()
    _held.append(make(*arguments))


def _call(method: str, arguments: tuple[Any, ...]) -> Any:
    return getattr(_held[0], method)(*arguments)
