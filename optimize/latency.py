"""How much arithmetic may be left where a network shall take a share of its time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from edge.phantom import draw_phantom
from edge.preprocess import InputContract, preprocess
from edge.runtime import Model
from optimize.timing import interleave

BISECTIONS = 6
"""Of the share of the multiplications: to a 64th."""


def relative_latency(
    content: bytes,
    reference: bytes,
    contract: InputContract,
    *,
    rounds: int = 150,
    threads: int = 2,
) -> float:
    """Time one LiteRT file against another, in turn.

    Args:
        content: the file.
        reference: the file to compare it with.
        contract: input of both.
        rounds: predictions of each.
        threads: processor threads that a prediction may use.

    Returns:
        The file's shortest time as a share of the reference's: whatever else the machine does only
        adds to a time, and a search that is led astray once does not come back.
    """
    image = preprocess(draw_phantom(0, 512), contract)
    runs = {
        name: partial(Model(held, threads).predict, image)
        for name, held in (("file", content), ("reference", reference))
    }
    times = interleave(runs, rounds)
    return min(times["file"]) / min(times["reference"])


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
