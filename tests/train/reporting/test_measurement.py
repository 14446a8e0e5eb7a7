"""What is said of one network, and of two, follows from margins that are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score

from edge.errors import DataRefused
from train.datasets import Sample
from train.recipe import Recipe
from train.reporting.measurement import compare, labels_of, measure, over_seeds
from train.weights import Weights

SLOPE, INTERCEPT, THRESHOLD = 0.5, 1.0, 0.6
KINDS = ["normal"] * 12 + ["bacteria"] * 10 + ["virus"] * 8


@pytest.fixture(scope="module")
def samples() -> tuple[Sample, ...]:
    return tuple(
        Sample(Path(f"{kind}/{i}.jpeg"), int(kind != "normal"), f"p{i}", kind)
        for i, kind in enumerate(KINDS)
    )


@pytest.fixture(scope="module")
def margins() -> Any:
    means = {"normal": -2.0, "bacteria": 2.0, "virus": 0.0}
    return np.random.default_rng(0).normal([means[kind] for kind in KINDS], 1.5)


@pytest.fixture(scope="module")
def weights(tiny_recipe: Recipe) -> Weights:
    facts = {
        "calibration": {"slope": SLOPE, "intercept": INTERCEPT},
        "operating_points": [
            {"name": "uncertain", "threshold": 0.1},
            {"name": "refer", "threshold": THRESHOLD, "chosen_on": "other films"},
        ],
    }
    tensors = {"a/kernel": np.zeros((3, 4)), "a/bias": np.zeros(4)}
    return Weights(tensors, tiny_recipe, facts, "ab" * 32)


@pytest.fixture(scope="module")
def found(weights: Weights, samples: tuple[Sample, ...], margins: Any) -> dict[str, Any]:
    return measure(weights, margins, samples, near_duplicates=[0, 1, 29], resamples=20)


def test_scores_are_calibrated_and_judged_at_the_threshold_of_the_weights(
    found: dict[str, Any], samples: tuple[Sample, ...], margins: Any
) -> None:
    labels, scores = labels_of(samples), expit(SLOPE * margins + INTERCEPT)
    assert found["scores"] == pytest.approx(scores.tolist())
    figures = found["evaluation"]["figures"]
    assert figures["accuracy"]["value"] == accuracy_score(labels, scores >= THRESHOLD)
    assert figures["auc"]["value"] == found["roc"]["area"]["value"] == roc_auc_score(labels, scores)
    assert (found["threshold"], found["threshold_chosen_on"]) == (THRESHOLD, "other films")
    assert found["parameters"] == 16
    json.dumps(found, allow_nan=False)


def test_calibration_is_measured_before_and_after(
    found: dict[str, Any], samples: tuple[Sample, ...], margins: Any
) -> None:
    labels = labels_of(samples)
    before, after = (found["reliability"][when]["brier"]["value"] for when in ("before", "after"))
    assert before == pytest.approx(brier_score_loss(labels, expit(margins)))
    assert after == pytest.approx(brier_score_loss(labels, expit(SLOPE * margins + INTERCEPT)))


def test_near_duplicates_are_left_out(
    found: dict[str, Any], samples: tuple[Sample, ...], margins: Any
) -> None:
    kept = found["without_near_duplicates"]
    assert (kept["images"], kept["positives"]) == (27, 17)
    auc = roc_auc_score(labels_of(samples)[2:29], margins[2:29])
    assert kept["figures"]["auc"]["value"] == pytest.approx(auc)


def test_near_duplicates_may_leave_one_label(
    weights: Weights, samples: tuple[Sample, ...], margins: Any
) -> None:
    found = measure(weights, margins, samples, near_duplicates=range(12), resamples=2)
    assert found["without_near_duplicates"] is None
    assert found["evaluation"]["images"] == 30


def test_recall_is_split_by_subtype(found: dict[str, Any], margins: Any) -> None:
    assert set(found["subtypes"]) == {"bacteria", "virus"}
    called = expit(SLOPE * margins + INTERCEPT) >= THRESHOLD
    for name, chosen in (("bacteria", slice(12, 22)), ("virus", slice(22, 30))):
        subtype = found["subtypes"][name]
        recall = subtype["recall"]
        assert subtype["images"] == len(called[chosen])
        assert recall["value"] == pytest.approx(called[chosen].mean())
        assert 0 <= recall["low"] < recall["value"] <= recall["high"] <= 1
        wins = margins[chosen][:, None] > margins[:12]
        assert subtype["auc"]["value"] == pytest.approx(wins.mean())


def test_weights_without_a_decision_are_refused(
    tiny_recipe: Recipe, samples: tuple[Sample, ...], margins: Any
) -> None:
    points = [{"name": "uncertain", "threshold": 0.1}]
    calibration = {"slope": 1.0, "intercept": 0.0}
    for facts in (
        {},
        {"operating_points": points},
        {"operating_points": points, "calibration": calibration},
    ):
        with pytest.raises(DataRefused) as refusal:
            measure(Weights({}, tiny_recipe, facts), margins, samples)
        assert refusal.value.code == "untrained_weights"


def test_comparison_is_at_each_networks_own_threshold(
    found: dict[str, Any], samples: tuple[Sample, ...]
) -> None:
    # The same scores, but the second refers every film.
    second = {**found, "threshold": 0.0}
    pair = compare(labels_of(samples), found, second, resamples=20)
    assert pair["delong"]["p_value"] == 1.0
    first_recall = found["evaluation"]["figures"]["recall"]["value"]
    assert pair["differences"]["recall"]["value"] == pytest.approx(1 - first_recall)
    confusion = found["evaluation"]["confusion"]
    assert pair["mcnemar"]["first_only"] == confusion["true_negative"]
    assert pair["mcnemar"]["second_only"] == confusion["false_negative"]


def test_seeds_are_summed_up_by_mean_and_range() -> None:
    runs = [{"evaluation": {"figures": {"auc": {"value": v}}}} for v in (0.9, 0.96, 0.93)]
    assert over_seeds(runs)["auc"] == pytest.approx({"mean": 0.93, "low": 0.9, "high": 0.96})
