"""The front holds what none outdoes, and every point of the plot can be told from the others."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import numpy as np

from optimize.pareto import Point, pareto_front, pareto_plot

SVG = "{http://www.w3.org/2000/svg}"


def point(name: str, milliseconds: float, auc: float) -> Point:
    return Point(name, milliseconds, auc, auc - 0.01, auc + 0.01)


def test_the_front_holds_what_none_outdoes() -> None:
    full, small, tiny = point("full", 100, 0.97), point("small", 2, 0.96), point("tiny", 1, 0.94)
    slower, worse, same = point("slower", 3, 0.96), point("worse", 50, 0.95), point("same", 1, 0.93)
    assert pareto_front([full, slower, small, worse, same, tiny]) == [tiny, small, full]
    assert pareto_front([full]) == [full]


def crowd() -> list[Point]:
    """Thirty variants, most of them as close together as one network's numeric types are."""
    rng = np.random.default_rng(0)
    points = [point("full", 100, 0.97)]
    for i in range(29):
        network = i // 4
        milliseconds = (network + 1) * rng.uniform(0.99, 1.01)
        points.append(point(f"network {network}, {i}", milliseconds, 0.95 + network / 500))
    return points


def test_every_variant_stands_in_the_key() -> None:
    text = pareto_plot(crowd(), "drawn films", "milliseconds", "AUC")
    key = re.findall(r"<!-- (\d+)  (.+?) -->", text)
    ordered = sorted(crowd(), key=lambda p: (p.milliseconds, -p.auc))
    assert key == [(str(i + 1), p.name) for i, p in enumerate(ordered)]
    for label in ("drawn films", "milliseconds", "AUC"):
        assert f"<!-- {label} -->" in text


def test_no_number_covers_another() -> None:
    tree = ElementTree.fromstring(pareto_plot(crowd(), "drawn films", "milliseconds", "AUC"))
    axes = next(g for g in tree.iter(f"{SVG}g") if g.get("id") == "axes_1")
    places = []
    for group in axes.findall(f"{SVG}g"):
        if (group.get("id") or "").startswith("text_"):
            moved = [g.get("transform", "") for g in group.iter(f"{SVG}g")]
            found = re.search(r"translate\(([\d.]+) ([\d.]+)\)", " ".join(moved))
            assert found is not None
            places.append((float(found[1]), float(found[2])))
    assert len(places) == 31
    places.pop(0)  # the title
    for (x, y), (other_x, other_y) in itertools.combinations(places, 2):
        # A digit is about 4 points broad and 5 high.
        assert abs(x - other_x) > 4 or abs(y - other_y) > 5


def test_the_same_points_give_the_same_file() -> None:
    assert pareto_plot(crowd(), "", "x", "y") == pareto_plot(crowd(), "", "x", "y")
