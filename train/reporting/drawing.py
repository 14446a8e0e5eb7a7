"""How the project's pictures are drawn, each as the text of one SVG file.

They are drawn for paper: thin lines, the colours of Okabe and Ito that colour-blind readers can
tell apart, and a second mark (line style, marker or number) wherever a colour carries meaning.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from train.evaluation import Floats

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

styled = matplotlib.rc_context(
    {
        "font.size": 8,
        "axes.titlesize": 9,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "legend.fontsize": 7,
        "lines.linewidth": 1.3,
        "svg.hashsalt": "pneumokiosk",  # the same numbers give the same file
    }
)
"""Decorates whatever draws a picture."""


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of so many inches with one pair of axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def error_bars(estimates: Sequence[Mapping[str, Any]]) -> tuple[Floats, Floats]:
    """(n,) values and the (2, n) lengths of their error bars."""
    value, low, high = (np.array([e[k] for e in estimates]) for k in ("value", "low", "high"))
    # A rounding error may put an end on the wrong side of the value by a hair.
    return value, np.maximum([value - low, high - value], 0)


def with_interval(estimate: Mapping[str, Any]) -> str:
    """A figure with its interval, three decimals."""
    return f"{estimate['value']:.3f} ({estimate['low']:.3f}\N{EN DASH}{estimate['high']:.3f})"


def colour_of(place: int) -> str:
    """Of what comes at this place, counted from 0."""
    return COLOURS[place % len(COLOURS)]


def as_svg(figure: Figure) -> str:
    """The same text for the same picture, whenever it is drawn."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
