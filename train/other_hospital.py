"""Whether a network knows pneumonia on the films of another hospital's adults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from edge.errors import DataRefused
from edge.preprocess import InputContract
from train.chestxray14 import AdultSample, decided, split_chestxray14
from train.datasets import LabelledImages, load_images
from train.evaluation import Floats, Labels, bootstrap, predict_margins
from train.weights import Weights, build_trained

VIEWS = ("PA", "AP")
SPLITS = {
    "validation": "ChestX-ray14, validation patients",
    "test": "ChestX-ray14, held-out fifth of the patients",
}


def adult_aucs(
    model: Any, images: LabelledImages, contract: InputContract
) -> dict[str, float | None]:
    """AUC of pneumonia or consolidation against no finding, over all films and by view.

    Args:
        model: a Keras network that screens.
        images: of `train.chestxray14.AdultSample`, every one decided.
        contract: what the network receives.

    Returns:
        ``"all"``, ``"PA"`` and ``"AP"`` to AUC; None where a view lacks a label.
    """
    margins = predict_margins(model, images.pixels, contract)
    found = {
        name: _auc(images.labels[chosen], margins[chosen])
        for name, chosen in _by_view(images).items()
    }
    return {name: None if np.isnan(auc) else auc for name, auc in found.items()}


def assess_adults(
    weights: Weights, root: Path, split: str, resamples: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Measure a network on ChestX-ray14 with 95 % bootstrap intervals.

    Args:
        weights: of a network that screens.
        root: a ChestX-ray14 folder as published.
        split: ``"test"`` for the held-out fifth of the patients, or ``"validation"``.
        resamples: bootstrap samples, stratified by label.
        seed: of the bootstrap.

    Returns:
        For ``"all"``, ``"PA"`` and ``"AP"``: images, positives and AUC with its interval, None
        where one label only occurs.
    """
    if split not in SPLITS:
        raise DataRefused("unknown_split", f"ChestX-ray14 is measured on {', '.join(SPLITS)}.")
    recipe = weights.recipe
    found = split_chestxray14(root, recipe.validation_fraction, recipe.split_seed)
    samples = found.held_out if split == "test" else found.validation
    images = load_images(decided(samples))
    model = build_trained(weights, keras)
    margins = predict_margins(model, images.pixels, recipe.input, progress=True)
    result: dict[str, Any] = {"data": SPLITS[split], "weights_sha256": weights.sha256}
    for name, chosen in _by_view(images).items():
        labels = images.labels[chosen]
        figures = bootstrap(labels, margins[chosen], _figures, resamples, seed)
        result[name] = {
            "images": int(chosen.sum()),
            "positives": int(labels.sum()),
            "auc": None if np.isnan(figures["auc"].value) else vars(figures["auc"]),
        }
    return result


def _by_view(images: LabelledImages) -> dict[str, Any]:
    views = np.array([s.view if isinstance(s, AdultSample) else "" for s in images.samples])
    return {"all": np.ones(len(views), bool), **{view: views == view for view in VIEWS}}


def _figures(labels: Labels, scores: Floats) -> dict[str, float]:
    return {"auc": _auc(labels, scores)}


def _auc(labels: Labels, scores: Floats) -> float:
    if len(np.unique(labels)) != 2:
        return float("nan")
    return float(roc_auc_score(labels, scores))
