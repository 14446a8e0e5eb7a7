"""How much arithmetic may be left where a network shall take a share of its time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from edge.phantom import draw_phantom
from edge.preprocess import InputContract, preprocess
from edge.runtime import Model

BISECTIONS = 6
"""Of the share of the multiplications: to a 64th."""


def relative_latency(
    content: bytes, reference: bytes, contract: InputContract, *, rounds: int = 60, threads: int = 2
) -> float:
    """Time one LiteRT file against another, in turn, so that a slow moment meets both.

    Args:
        content: the file.
        reference: the file to compare it with.
        contract: input of both.
        rounds: predictions of each, after a few that warm up.
        threads: processor threads that a prediction may use.

    Returns:
        The median, over rounds, of the file's time as a share of the reference's.
    """
    image = preprocess(draw_phantom(0, 512), contract)
    models = [Model(content, threads), Model(reference, threads)]
    ratios = []
    for _ in range(rounds + 5):
        times = []
        for model in models:
            started = time.perf_counter_ns()
            model.predict(image)
            times.append(time.perf_counter_ns() - started)
        ratios.append(times[0] / times[1])
    return statistics.median(ratios[5:])


def largest_share(latency: Callable[[float], float], limit: float) -> float | None:
    """Find the most arithmetic that keeps a limit, by bisection.

    Args:
        latency: from a share of the multiplications, in (0, 1), to a share of the time; measured
            as often as `BISECTIONS`, and taken to grow.
        limit: share of the time.

    Returns:
        The largest share that was measured and kept the limit; None where none did.
    """
    found, low, high = None, 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if latency(middle) <= limit:
            found = low = middle
        else:
            high = middle
    return found
