"""Weights are measured on the split asked for, through the kiosk's own preprocessing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edge.errors import DataRefused
from edge.preprocess import preprocess
from train.assessment import SPLITS, assess
from train.datasets import Sample, list_samples, read_pixels
from train.evaluation import margin
from train.network import build
from train.recipe import Recipe
from train.splits import load_training_data
from train.weights import Weights, weights_of

SLOPE, INTERCEPT = 3.0, -0.4
Result = tuple[dict[str, Any], dict[str, float]]


def name_of(sample: Sample) -> str:
    return f"{sample.path.parent.name}/{sample.path.name}"


@pytest.fixture(scope="module")
def network(tiny_recipe: Recipe) -> Any:
    keras.utils.set_random_seed(1)
    return build(tiny_recipe.network, keras)


@pytest.fixture(scope="module")
def expected(network: Any, tiny_recipe: Recipe, chest_xray: Path) -> dict[str, float]:
    """The calibrated score of every test image, one image at a time."""
    scores = {}
    for sample in list_samples(chest_xray, "test"):
        image = preprocess(read_pixels(sample.path), tiny_recipe.input)
        value = margin(np.asarray(network.predict_on_batch(image[None])))[0]
        scores[name_of(sample)] = 1 / (1 + np.exp(-(SLOPE * value + INTERCEPT)))
    return scores


@pytest.fixture(scope="module")
def weights(network: Any, tiny_recipe: Recipe, expected: dict[str, float]) -> Weights:
    points = {"uncertain": 0.01, "refer": float(np.median(list(expected.values())))}
    facts = {
        "calibration": {"slope": SLOPE, "intercept": INTERCEPT},
        "operating_points": [{"name": n, "threshold": t} for n, t in points.items()],
    }
    return replace(weights_of(network, tiny_recipe, facts), sha256="ef" * 32)


@pytest.fixture(scope="module")
def measured(weights: Weights, chest_xray: Path) -> dict[str, Result]:
    return {split: assess(weights, chest_xray, split) for split in SPLITS}


def test_scores_are_calibrated_and_belong_to_their_files(
    measured: dict[str, Result], expected: dict[str, float]
) -> None:
    _, scores = measured["test"]
    assert scores == pytest.approx(expected, abs=1e-5)
    assert np.std(list(scores.values())) > 1e-3


def test_threshold_is_the_one_for_referral(weights: Weights, measured: dict[str, Result]) -> None:
    result, scores = measured["test"]
    assert result["threshold"] == weights.facts["operating_points"][1]["threshold"]
    called = [name for name, score in scores.items() if score >= result["threshold"]]
    assert 0 < len(called) < len(scores)
    right = sum(name.startswith("PNEUMONIA/") for name in called)
    assert result["confusion"]["true_positive"] == right
    assert result["confusion"]["false_positive"] == len(called) - right
    assert result["weights_sha256"] == "ef" * 32
    assert result["training_seed"] == weights.recipe.seed


def test_splits_are_those_of_training(
    weights: Weights, measured: dict[str, Result], chest_xray: Path
) -> None:
    recipe = weights.recipe
    images = load_training_data(
        chest_xray, recipe.validation_fraction, recipe.split_seed, progress=False
    )
    wanted = {
        "train": images.training.samples,
        "validation": images.validation.samples,
        "test": list_samples(chest_xray, "test"),
    }
    for split, samples in wanted.items():
        result, scores = measured[split]
        assert scores.keys() == {name_of(sample) for sample in samples}
        assert result["images"] == len(samples)
        assert result["data"] == SPLITS[split]


def test_untrained_weights_are_refused(weights: Weights, chest_xray: Path) -> None:
    with pytest.raises(DataRefused) as refusal:
        assess(replace(weights, facts={}), chest_xray, "test")
    assert refusal.value.code == "untrained_weights"
