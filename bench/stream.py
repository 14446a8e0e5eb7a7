"""Single stream: backends take turns on one image at a time.

The next image starts when the last is done, as in MLPerf inference. A turn is two predictions:
the first, after another backend has had the caches, is noted; the second is the one that counts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.backends.base import Backend, Image, Predict
from edge.phantom import draw_phantom
from edge.preprocess import InputContract, preprocess

IMAGES = 8
"""Drawn thoraces that a stream goes through, with none to three opacities."""

WINDOW, WINDOWS, CLOSE, CLOSE_MS, MOST_WINDOWS, MOST_S = 5, 3, 0.05, 0.02, 40, 20.0
WARM_UP_RULE = (
    f"warm once the medians of the last {WINDOWS} windows of {WINDOW} predictions lie within "
    f"{CLOSE:.0%} or {CLOSE_MS} ms of each other; not waited for longer than {MOST_WINDOWS} "
    f"windows or {MOST_S:.0f} s"
)


class Stream:
    """Loaded backends, with the same number of threads each."""

    def __init__(self, threads: int) -> None:
        """Begin with none.

        Args:
            threads: processor threads that a prediction may use.
        """
        self._threads = threads
        self._predictors: dict[str, Predict] = {}
        self._images: dict[str, list[Image]] = {}

    def load(self, backend: Backend) -> None:
        """Load one more; its name is its own."""
        self._predictors[backend.name] = backend.load(self._threads)
        self._images[backend.name] = stream_images(backend.input_size)

    def warm_up(self, name: str) -> dict[str, Any]:
        """Predict until the time is stable (`WARM_UP_RULE`).

        Returns:
            ``runs``, how many predictions that took, and ``stable``, whether it became so.
        """
        medians: list[float] = []
        started = time.perf_counter()
        while len(medians) < MOST_WINDOWS and time.perf_counter() - started < MOST_S:
            medians.append(median(self._timed(name, i)[0] for i in range(WINDOW)))
            if len(medians) >= WINDOWS and is_stable(medians[-WINDOWS:]):
                return {"runs": WINDOW * len(medians), "stable": True}
        return {"runs": WINDOW * len(medians), "stable": False}

    def round(self, number: int, order: Sequence[str]) -> list[dict[str, Any]]:
        """One turn of every backend.

        Args:
            number: of the round; it chooses the image.
            order: names of the backends.

        Returns:
            For each: ``backend``, ``image``, ``first_ms``, ``ms`` and ``margin``, what it answered.
        """
        samples = []
        for name in order:
            first_ms, _ = self._timed(name, number)
            ms, margin = self._timed(name, number)
            image = number % IMAGES
            sample = {"backend": name, "image": image, "first_ms": first_ms, "ms": ms}
            samples.append({**sample, "margin": margin})
        return samples

    def _timed(self, name: str, number: int) -> tuple[float, float]:
        predict, image = self._predictors[name], self._images[name][number % IMAGES]
        started = time.perf_counter_ns()
        prediction = predict(image)
        done = time.perf_counter_ns()
        return (done - started) / 1e6, prediction.margin


def stream_images(size: int) -> list[Image]:
    """Drawn thoraces as a network of that input size takes them."""
    contract = InputContract(size=size)
    return [preprocess(draw_phantom(i, 512, i % 4), contract) for i in range(IMAGES)]


def is_stable(medians: Sequence[float]) -> bool:
    """Whether times in milliseconds lie close together."""
    low, high = min(medians), max(medians)
    return high - low <= max(CLOSE * low, CLOSE_MS)
