"""A trained network against a split of the data, at the threshold that validation chose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

import edge
from train.datasets import Sample, list_samples, read_pixels
from train.evaluation import evaluate, predict_margins
from train.operating import calibrate, decision_from
from train.splits import load_training_data
from train.weights import Weights, build_trained

SPLITS = {
    "train": "Guangzhou, training patients of the training folder",
    "validation": "Guangzhou, held-out patients of the training folder",
    "test": "Guangzhou, official test folder",
}


def samples_of(split: str, data: Path, weights: Weights) -> tuple[Sample, ...]:
    """The images of one split.

    Args:
        split: a key of `SPLITS`.
        data: a ``chest_xray`` folder as published.
        weights: their recipe names the patients held out.
    """
    if split == "test":
        return tuple(list_samples(data, "test"))
    recipe = weights.recipe
    images = load_training_data(data, recipe.validation_fraction, recipe.split_seed)
    return (images.training if split == "train" else images.validation).samples


def assess(weights: Weights, data: Path, split: str) -> tuple[dict[str, Any], dict[str, float]]:
    """Measure trained weights on one split.

    Every file goes through the kiosk's own reading and preprocessing, at its own size.

    Returns:
        The evaluation as plain values, and the calibrated score of each file by name.

    Raises:
        DataRefused: ``untrained_weights``, or what is wrong with the data.
    """
    decision = decision_from(weights.facts)
    samples = samples_of(split, data, weights)
    pixels = [read_pixels(sample.path) for sample in samples]
    model = build_trained(weights, keras)
    margins = predict_margins(model, pixels, weights.recipe.input, progress=True)
    scores = calibrate(margins, decision.calibration)
    labels = np.array([sample.label for sample in samples], np.int64)
    result = {
        "data": SPLITS[split],
        **evaluate(labels, scores, decision.threshold).to_dict(),
        "threshold_chosen_on": decision.chosen_on,
        "weights_sha256": weights.sha256,
        "training_seed": weights.recipe.seed,
        "versions": {"pneumokiosk": edge.__version__, "keras": keras.__version__},
    }
    return result, {
        f"{sample.path.parent.name}/{sample.path.name}": float(score)
        for sample, score in zip(samples, scores, strict=True)
    }
