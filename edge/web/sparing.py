"""Slow questions, asked seldom: looking at a page must not keep a disk busy for minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

SLOW = 1.0
"""Seconds; what answers faster is asked each time."""
REST = 30
"""Times as long as a slow answer took it holds."""

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Sparing(Generic[Asked, Answer]):
    """A question whose last answer holds for a while where it was slow; for any thread."""

    def __init__(
        self, ask: Callable[[Asked], Answer], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Name the question, and a clock in seconds."""
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._last: tuple[float, Answer] | None = None

    def __call__(self, asked: Asked) -> Answer:
        """Ask; whoever comes while another asks waits for that answer."""
        with self._lock:
            begun = self._clock()
            if self._last is not None and begun < self._last[0]:
                return self._last[1]
            answer = self._ask(asked)
            took = self._clock() - begun
            self._last = (begun + took * (1 + REST), answer) if took >= SLOW else None
            return answer
