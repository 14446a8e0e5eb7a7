"""Accuracy against latency of every variant, with the front of those that none outdoes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from matplotlib.transforms import Bbox

from train.reporting.drawing import COLOURS, as_svg, styled

ON_FRONT, BEHIND = COLOURS[0], "0.45"
LABEL_SIZE, LINE = 6.5, 0.145
"""Of numbers and key: in points of print, and inches a line."""
DISTANCES = range(3, 60, 3)
"""From a point to its number, in points of print: near ones are tried first."""
ANGLES = np.deg2rad(sorted(range(0, 360, 15), key=lambda angle: abs(angle - 135)))
"""Up and to the left comes first: the front runs on the other sides."""
MARK, ROOM = 6, 1
"""Breadth of a point and of what is left free around a number, in pixels."""

Place = tuple[float, float]


@dataclass(frozen=True)
class Point:
    """One variant in the plot.

    Attributes:
        name: in the key.
        milliseconds: of one film.
        auc, low, high: with its 95 % interval.
    """

    name: str
    milliseconds: float
    auc: float
    low: float
    high: float


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """Those that no other outdoes, from fast to slow: what is faster is less right."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.milliseconds, -p.auc)):
        if not front or point.auc > front[-1].auc:
            front.append(point)
    return front


@styled
def pareto_plot(points: Sequence[Point], title: str, latency: str, accuracy: str) -> str:
    """Draw every variant with its interval, numbered from fast to slow, the front and a key.

    Args:
        points: the variants.
        title: what they were measured on.
        latency: label of the horizontal axis, which is logarithmic.
        accuracy: label of the vertical axis.

    Returns:
        The text of an SVG file.
    """
    front = pareto_front(points)
    ordered = sorted(points, key=lambda p: (p.milliseconds, -p.auc))
    height = max(4.0, LINE * (len(points) + 4))
    figure = Figure(figsize=(7.6, height), layout="constrained")
    axes, key = figure.subplots(1, 2, width_ratios=[3, 1])
    _draw(axes, ordered, front)
    axes.set(xlabel=latency, ylabel=accuracy, xscale="log")
    axes.set_title(title, fontsize=8)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(linewidth=0.3, color="0.9")
    _write_key(key, ordered, front, height)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # or it would move what the numbers are placed by
    _number(axes, ordered, front, figure.dpi / 72)
    return as_svg(figure)


def _draw(axes: Axes, points: Sequence[Point], front: Sequence[Point]) -> None:
    x, y = [p.milliseconds for p in front], [p.auc for p in front]
    axes.step(x, y, where="post", color=ON_FRONT, linewidth=1.0, zorder=2)
    for point in points:
        colour = ON_FRONT if point in front else BEHIND
        axes.plot(
            [point.milliseconds] * 2, [point.low, point.high], color=colour, alpha=0.25,
            linewidth=0.8, zorder=1,
        )  # fmt: skip
        axes.plot(
            point.milliseconds, point.auc, "o" if point in front else "s", color=colour,
            markersize=4, markerfacecolor=colour if point in front else "white", zorder=3,
        )  # fmt: skip


def _write_key(axes: Axes, points: Sequence[Point], front: Sequence[Point], height: float) -> None:
    axes.set_axis_off()
    for i, point in enumerate(points):
        axes.text(
            0, 1 - i * LINE / height, f"{i + 1}  {point.name}", va="top", fontsize=LABEL_SIZE,
            color=ON_FRONT if point in front else BEHIND, transform=axes.transAxes,
        )  # fmt: skip


def _number(axes: Axes, points: Sequence[Point], front: Sequence[Point], pixels: float) -> None:
    """Write each number at the nearest place where it covers no other number and no point.

    A point of print has so many ``pixels``.
    """
    places = [_pixels(axes, point) for point in points]
    taken = [_around(place, MARK, MARK) for place in places]
    for i, (point, place) in enumerate(zip(points, places, strict=True)):
        label = axes.annotate(
            str(i + 1), (point.milliseconds, point.auc), (0, 0), textcoords="offset points",
            ha="center", va="center", fontsize=LABEL_SIZE, zorder=4,
            color=ON_FRONT if point in front else BEHIND,
            arrowprops={"arrowstyle": "-", "linewidth": 0.3, "color": "0.5", "shrinkA": 0},
        )  # fmt: skip
        size = label.get_window_extent()
        around = list(_places(place, size.width, size.height, pixels))
        free = (p for p in around if not any(p[1].overlaps(other) for other in taken))
        offset, box = next(free, around[-1])
        label.set_position(offset)
        taken.append(box)


def _pixels(axes: Axes, point: Point) -> Place:
    x, y = axes.transData.transform((point.milliseconds, point.auc))
    return float(x), float(y)


def _places(
    point: Place, width: float, height: float, pixels: float
) -> Iterator[tuple[Place, Bbox]]:
    """Where a label can stand: offset from its point in points of print, and box in pixels."""
    for distance in DISTANCES:
        for angle in ANGLES:
            dx = float(np.cos(angle)) * (distance * pixels + width / 2)
            dy = float(np.sin(angle)) * (distance * pixels + height / 2)
            box = _around((point[0] + dx, point[1] + dy), width + 2 * ROOM, height + 2 * ROOM)
            yield (dx / pixels, dy / pixels), box


def _around(centre: Place, width: float, height: float) -> Bbox:
    return Bbox.from_bounds(centre[0] - width / 2, centre[1] - height / 2, width, height)
