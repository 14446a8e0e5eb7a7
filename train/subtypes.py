"""Viral against bacterial pneumonia: what an optional output reaches; the kiosk never shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from train.assessment import SPLITS, samples_of
from train.datasets import read_pixels
from train.evaluation import Floats, Labels, bootstrap, predict
from train.weights import Weights, build_trained

OUTPUT = "viral"
KERMANY_AUC = 0.940
"""Kermany et al., Cell 2018: bacterial against viral, a network pre-trained on ImageNet."""


def assess_subtypes(
    weights: Weights, data: Path, split: str, resamples: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """AUC of the ``viral`` output among films of bacterial and viral pneumonia.

    Args:
        weights: of a network whose recipe asks for the output ``viral``.
        data: a ``chest_xray`` folder as published.
        split: as for `train.assessment.assess`.
        resamples: bootstrap samples, stratified by label.
        seed: of the bootstrap.

    Returns:
        Films, viral films among them, and the AUC with its 95 % bootstrap interval.
    """
    samples = [s for s in samples_of(split, data, weights) if OUTPUT in s.known]
    labels = np.array([int(s.known[OUTPUT]) for s in samples])
    pixels = [read_pixels(sample.path) for sample in samples]
    outputs = predict(build_trained(weights, keras), pixels, weights.recipe.input)
    scores = outputs[:, weights.recipe.outputs.index(OUTPUT)]

    def figures(labels: Labels, scores: Floats) -> dict[str, float]:
        return {"auc": float(roc_auc_score(labels, scores))}

    return {
        "data": SPLITS[split],
        "images": len(samples),
        "viral": int(labels.sum()),
        "auc": vars(bootstrap(labels, scores, figures, resamples, seed)["auc"]),
        "published": KERMANY_AUC,
    }
