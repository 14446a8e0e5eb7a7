"""Where the marks of the performance page's plots stand; templates draw them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.performance import Bin

WIDTH, HEIGHT = 360, 260
"""Of a plot's view box, in its own units."""
LEFT, RIGHT, TOP, BOTTOM = 44, 348, 28, 212
"""The edges of what is drawn in; outside stand the words."""
_GAP = 2.0
_SMALLEST, _LARGEST = 3.0, 7.0
"""Radii of dots: their areas go with the number of cases."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, and the text there."""

    place: float
    text: str


@dataclass(frozen=True)
class Bar:
    """The cases of one bin, pneumonia upwards from the middle line and the others downwards.

    Attributes:
        x, width: of both.
        pneumonia, not_pneumonia: their heights.
        bin: what they stand for.
    """

    x: float
    width: float
    pneumonia: float
    not_pneumonia: float
    bin: Bin


@dataclass(frozen=True)
class Histogram:
    """The scores by truth.

    Attributes:
        bars: one a bin.
        middle: height of the line where bars begin.
        counts: marks on the axis of numbers, above the line and below.
    """

    bars: tuple[Bar, ...]
    middle: float
    counts: tuple[Tick, ...]


@dataclass(frozen=True)
class Dot:
    """What came of the cases of one bin, against what the model said.

    Attributes:
        x: mean score.
        y: share of pneumonia.
        low, high: heights of the interval's ends.
        radius: grows with the number of cases.
        bin: what it stands for.
    """

    x: float
    y: float
    low: float
    high: float
    radius: float
    bin: Bin


def across(share: float) -> float:
    """Where a share in [0, 1] stands from left to right."""
    return round(LEFT + share * (RIGHT - LEFT), 1)


def upwards(share: float) -> float:
    """Where a share in [0, 1] stands from the bottom to the top."""
    return round(BOTTOM - share * (BOTTOM - TOP), 1)


def histogram(bins: Sequence[Bin]) -> Histogram:
    """Lay out the bars; both kinds of cases on one scale, so that they can be compared."""
    up = max((b.pneumonia for b in bins), default=0)
    down = max((b.not_pneumonia for b in bins), default=0)
    step = _step(max(up, down, 1))
    # Whole steps on both sides: the last mark stands at the edge.
    above, below = (max(1, -(-highest // step)) for highest in (up, down))
    unit = (BOTTOM - TOP) / ((above + below) * step)
    middle = round(TOP + above * step * unit, 1)
    counts = tuple(
        Tick(round(middle - number * step * unit, 1), str(abs(number) * step))
        for number in range(-below, above + 1)
    )
    bars = tuple(
        Bar(
            round(across(b.low) + _GAP, 1),
            round(across(b.high) - across(b.low) - 2 * _GAP, 1),
            round(b.pneumonia * unit, 1),
            round(b.not_pneumonia * unit, 1),
            b,
        )
        for b in bins
    )
    return Histogram(bars, middle, counts)


def reliability(bins: Sequence[Bin]) -> tuple[Dot, ...]:
    """Lay out a dot for each bin that has cases."""
    most = max((b.share.cases for b in bins), default=0)
    return tuple(_dot(b, most) for b in bins if b.share.cases)


def share_ticks(along: bool) -> tuple[Tick, ...]:
    """Marks from 0 to 1, on the lower axis if ``along``, else on the upright one."""
    place = across if along else upwards
    return tuple(Tick(place(fifth / 5), f"{fifth / 5:.1f}") for fifth in range(6))


def _dot(b: Bin, most: int) -> Dot:
    # A bin with cases has all four figures.
    mean, share, low, high = (
        value or 0.0 for value in (b.mean_score, b.share.value, b.share.low, b.share.high)
    )
    radius = max(_SMALLEST, _LARGEST * (b.share.cases / most) ** 0.5)
    return Dot(across(mean), upwards(share), upwards(low), upwards(high), round(radius, 1), b)


def _step(highest: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, … that needs at most three marks."""
    size = 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if highest <= 3 * step:
                return step
        size *= 10
