"""The pictures are whole SVG files that show the numbers they are given."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from train.reporting.plots import (
    attention_plot,
    audit_plot,
    confusion_plot,
    histogram_plot,
    precision_recall_plot,
    recall_plot,
    reliability_plot,
    roc_plot,
)

X = [0.0, 0.5, 1.0]


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.05, "high": min(value + 0.05, 1.0)}


def curve(area: float) -> dict[str, Any]:
    y = [0.5, 0.9, 1.0]
    return {"x": X, "y": y, "low": y, "high": y, "area": estimate(area)}


def calibration(ece: float) -> dict[str, Any]:
    bins = [{"low": 0.2, "high": 0.3, "images": 7, "score": 0.24, "share": estimate(0.3)}]
    return {"bins": bins, "ece": estimate(ece), "brier": estimate(0.1)}


def confusion() -> str:
    return confusion_plot(
        {"true_negative": 180, "false_positive": 20, "false_negative": 5, "true_positive": 95}
    )


def histogram() -> str:
    kinds = ["normal"] * 3 + ["bacteria"] * 2 + ["virus"]
    return histogram_plot(np.linspace(0, 1, 6), kinds, 0.42)


PLOTS: dict[str, tuple[Callable[[], str], list[str]]] = {
    "confusion": (confusion, ["180", "90.0%", "20", "10.0%", "5", "5.0%", "95", "95.0%"]),
    "roc": (
        lambda: roc_plot({"a": curve(0.95), "b": curve(0.9)}, {"a": (0.1, 0.9), "b": (0.2, 0.8)}),
        ["a: AUC 0.950 (0.900–1.000)", "b: AUC 0.900 (0.850–0.950)"],
    ),
    "precision_recall": (
        lambda: precision_recall_plot({"a": curve(0.95)}, 0.6),
        ["a: average precision 0.950 (0.900–1.000)"],
    ),
    "reliability": (
        lambda: reliability_plot(calibration(0.12), calibration(0.06)),
        ["before Platt scaling: ECE 0.120 (0.070–0.170)", "after Platt scaling: ECE 0.060"],
    ),
    "histogram": (histogram, ["normal (3)", "bacterial (2)", "viral (1)"]),
    "recall": (
        lambda: recall_plot({"net": {"bacteria": estimate(0.98), "virus": estimate(0.9)}}),
        ["net", "bacterial", "viral"],
    ),
    "audit": (
        lambda: audit_plot({"net": {"none": {"auc": estimate(0.9)}, "x": {"auc": estimate(0.7)}}}),
        ["net", "the film as it is", "x"],
    ),
    "attention": (lambda: attention_plot([[0.0, 0.5], [0.5, 0.0]]), []),
}


def texts(svg: str) -> str:
    """What is written in a picture: letters are drawn as shapes, and named in comments."""
    return "\n".join(re.findall(r"<!-- (.*?) -->", svg, re.DOTALL))


@pytest.mark.parametrize("name", PLOTS)
def test_picture_is_whole_and_says_its_numbers(name: str) -> None:
    draw, expected = PLOTS[name]
    svg = draw()
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    outside = [value for e in root.iter() for key, value in e.attrib.items() if "href" in key]
    assert all(value.startswith(("#", "data:")) for value in outside)
    for text in expected:
        assert text in texts(svg)
    assert draw() == svg  # nothing random, no date


def test_counts_stand_in_their_cells() -> None:
    places = [texts(confusion()).index(text) for text in ("180\n", "20\n", "5\n5.0%", "95\n")]
    assert places == sorted(places)


def test_settings_of_other_pictures_are_left_alone() -> None:
    before = dict(matplotlib.rcParams)
    confusion()
    assert dict(matplotlib.rcParams) == before
