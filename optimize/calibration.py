"""The ranges that int8 gives to the tensors of a network, from the values that they take.

A range that holds every value rounds all of them coarsely for the sake of a few. A narrower one
clips these few. Percentile and squared error as choices between the two: M. Nagel et al., "A white
paper on neural network quantization", 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter, OpResolverType

Floats = npt.NDArray[np.float32]
Range = tuple[float, float]

PERCENTILE = 99.99
STEPS = 255
"""Between the lowest and the highest of 256 values."""
GRID = 64
"""Candidates for each end of the range of least squared error."""
SAMPLE = 1024
"""Values kept of each tensor and image: with 256 images, 26 of them lie beyond the percentile."""


@dataclass(frozen=True)
class Observed:
    """Values that one tensor took.

    Attributes:
        lows: (images,) lowest value for each image.
        highs: (images,) highest.
        values: (images, n) some of all values, drawn at random.
        mean: over the images, of the tensor's shape.
    """

    lows: Floats
    highs: Floats
    values: Floats
    mean: Floats


def observe(
    content: bytes, tensors: Iterable[int], images: Sequence[Floats]
) -> dict[int, Observed]:
    """Run a float LiteRT file and look inside.

    Args:
        content: the file; its one input takes (1, size, size, 1).
        tensors: indices of those to look at.
        images: at least one, each (size, size, 1).

    Returns:
        What each tensor was seen to hold, by its index.
    """
    interpreter = Interpreter(
        model_content=content,
        # The delegate shows nothing of what it computes.
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    notes = {tensor: _Notes() for tensor in tensors}
    rng = np.random.default_rng(0)
    for image in images:
        interpreter.set_tensor(entry, image[None])
        interpreter.invoke()
        for tensor, seen in notes.items():
            seen.add(interpreter.get_tensor(tensor), rng)
    return {tensor: seen.summed_up() for tensor, seen in notes.items()}


class _Notes:
    """Of one tensor, image after image."""

    def __init__(self) -> None:
        self._ends: list[tuple[float, float]] = []
        self._values: list[Floats] = []
        self._total: Floats | None = None

    def add(self, found: Floats, rng: np.random.Generator) -> None:
        flat = found.ravel()
        few = flat.size <= SAMPLE
        self._ends.append((float(flat.min()), float(flat.max())))
        self._values.append(flat.copy() if few else flat[rng.integers(0, flat.size, SAMPLE)])
        self._total = found if self._total is None else self._total + found

    def summed_up(self) -> Observed:
        lows, highs = np.array(self._ends, np.float32).T
        mean = np.asarray(self._total, np.float32) / np.float32(len(self._ends))
        return Observed(lows, highs, np.stack(self._values), mean)


def minmax_range(observed: Observed) -> Range:
    """The narrowest range that holds every value."""
    return float(observed.lows.min()), float(observed.highs.max())


def percentile_range(observed: Observed, percentile: float = PERCENTILE) -> Range:
    """The range that clips a share of ``100 - percentile`` percent of the values at each end."""
    low, high = np.percentile(observed.values, [100.0 - percentile, percentile])
    return float(low), float(high)


def mse_range(observed: Observed) -> Range:
    """The range of least expected squared error, of rounding and clipping together.

    Rounding costs a twelfth of a squared step for each value inside that is not zero, which int8
    holds exactly; clipping costs the squared distance from the range.
    """
    values = np.sort(observed.values.astype(np.float64), axis=None)
    low, high = min(0.0, float(values[0])), max(0.0, float(values[-1]))
    shares = np.arange(1, GRID + 1) / GRID
    lows = low * shares if low < 0.0 else np.zeros(1)
    highs = high * shares if high > 0.0 else np.zeros(1)
    below, under = _beyond(values, lows)
    over, above = _beyond(-values[::-1], -highs)
    rounded = np.count_nonzero(values) - under[:, None] - above[None, :]
    steps = (highs[None, :] - lows[:, None]) / STEPS
    errors = steps**2 / 12 * rounded + below[:, None] + over[None, :]
    at = np.unravel_index(int(errors.argmin()), errors.shape)
    return float(lows[at[0]]), float(highs[at[1]])


def _beyond(
    values: npt.NDArray[np.float64], ends: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Of ascending values below each end: sum of squared distances from it, and how many."""
    count = np.searchsorted(values, ends)
    sums = np.concatenate([[0.0], np.cumsum(values)])[count]
    squares = np.concatenate([[0.0], np.cumsum(values**2)])[count]
    return squares - 2 * ends * sums + count * ends**2, count


RANGES: dict[str, Callable[[Observed], Range]] = {
    "minmax": minmax_range,
    "percentile": percentile_range,
    "mse": mse_range,
}
"""By name, the ways to choose a range."""
