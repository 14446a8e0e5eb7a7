"""Thresholds keep the recall that they were chosen for; calibration is a probability in order."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from edge.artifact import OperatingPoint
from train.datasets import LabelledImages
from train.network import build
from train.operating import calibrate, choose_operation, shifted_margins
from train.recipe import Recipe
from train.shifts import SHIFTS


def drawn(seed: int, spread: float = 1.0) -> tuple[dict[str, Any], Any]:
    rng = np.random.default_rng(seed)
    labels = (np.arange(80) % 4 > 0).astype(np.int64)
    names = ("none", "blurred", "darker")
    margins = {
        name: 4.0 * spread * (labels - 0.6) + spread * rng.normal(k, 2.0, len(labels))
        for k, name in enumerate(names)
    }
    return margins, labels


def pooled(margins: dict[str, Any], labels: Any) -> tuple[Any, Any]:
    return np.concatenate(list(margins.values())), np.tile(labels, len(margins))


@pytest.mark.parametrize("seed", range(10))
def test_thresholds_keep_their_recall_on_all_shifts_together(seed: int) -> None:
    margins, labels = drawn(seed)
    chosen = choose_operation(margins, labels)
    everything, truth = pooled(margins, labels)
    scores = calibrate(everything, chosen["calibration"])[truth == 1]
    points = {point["name"]: point["threshold"] for point in chosen["operating_points"]}
    for name, recall in (("refer", 0.967), ("uncertain", 0.99)):
        assert (scores >= points[name]).mean() >= recall
        # and no higher threshold would: the next film up is already too many to miss
        assert (scores > points[name]).mean() < recall
    assert 0 < points["uncertain"] <= points["refer"] < 1


def test_operating_points_fit_a_manifest() -> None:
    margins, labels = drawn(0)
    for values in choose_operation(margins, labels)["operating_points"]:
        point = OperatingPoint(**values)
        assert "recall" in point.rule
        assert "validation" in point.chosen_on


@pytest.mark.parametrize("spread", [0.1, 1.0, 10.0])
def test_calibration_keeps_the_order_and_matches_the_share(spread: float) -> None:
    margins, labels = drawn(3, spread)
    chosen = choose_operation(margins, labels)
    everything, truth = pooled(margins, labels)
    scores = calibrate(everything, chosen["calibration"])
    order = np.argsort(everything)
    assert chosen["calibration"]["slope"] > 0
    assert (np.diff(scores[order]) >= 0).all()
    assert scores.min() > 0 and scores.max() < 1
    assert scores.mean() == pytest.approx(truth.mean(), abs=0.01)


def test_calibration_undoes_the_scale_of_the_margins() -> None:
    small, labels = drawn(4, 1.0)
    large, _ = drawn(4, 7.0)
    scores = [
        calibrate(pooled(margins, labels)[0], choose_operation(margins, labels)["calibration"])
        for margins in (small, large)
    ]
    np.testing.assert_allclose(scores[0], scores[1], atol=5e-3)


def test_calibrate_is_the_logistic_function() -> None:
    scores = calibrate(np.array([-1.0, 0.0, 2.0]), {"slope": 2.0, "intercept": 1.0})
    np.testing.assert_allclose(scores, 1 / (1 + np.exp([1.0, -1.0, -5.0])))


def test_validation_figures_by_shift_and_pooled() -> None:
    margins, labels = drawn(5)
    validation = choose_operation(margins, labels)["validation"]
    assert validation["by_shift"].keys() == margins.keys()
    for name, found in margins.items():
        pairs = found[labels == 1][:, None] > found[labels == 0][None, :]
        assert validation["by_shift"][name]["auc"] == pytest.approx(pairs.mean())
    everything, truth = pooled(margins, labels)
    chosen = choose_operation(margins, labels)
    scores = calibrate(everything, chosen["calibration"])
    loss = -np.log(np.where(truth == 1, scores, 1 - scores)).mean()
    assert validation["pooled_log_loss"] == pytest.approx(loss)


def test_margins_are_taken_under_every_shift(
    phantom_images: LabelledImages, tiny_recipe: Recipe
) -> None:
    keras.utils.set_random_seed(0)
    model = build(tiny_recipe.network, keras)
    margins = shifted_margins(model, phantom_images, tiny_recipe, progress=False)
    assert margins.keys() == SHIFTS.keys()
    for name, found in margins.items():
        assert found.shape == (12,)
        assert (name == "none") == np.array_equal(found, margins["none"])
