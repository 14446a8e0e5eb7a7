"""Calibration and thresholds, chosen on validation patients and nowhere else.

Held-out patients of the training folder are nearly solved, so both are chosen on the films of
these patients under all shifts together: a clinic's films are not the training folder's either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from edge.errors import DataRefused
from train.datasets import LabelledImages
from train.evaluation import Floats, Labels, predict_margins, specificity_at_recall
from train.recipe import Recipe
from train.shifts import SHIFTS

REFER_RECALL = 0.967
"""Recall of the paper's network; the threshold above which a child is referred keeps it."""
UNCERTAIN_RECALL = 0.99
CHOSEN_ON = "validation patients of the training folder, under all shifts together"


def shifted_margins(
    model: Any, images: LabelledImages, recipe: Recipe, progress: bool = True
) -> dict[str, Floats]:
    """Margins of the same images under every shift: name to (n,)."""
    return {
        name: predict_margins(model, np.stack([shift(p) for p in images.pixels]), recipe.input)
        for name, shift in tqdm(SHIFTS.items(), "validation shifts", disable=not progress)
    }


def calibrate(margins: Floats, calibration: dict[str, float]) -> Floats:
    """Platt scaling: (n,) margins to (n,) probabilities of pneumonia."""
    return np.asarray(expit(calibration["slope"] * margins + calibration["intercept"]), np.float64)


@dataclass(frozen=True)
class Decision:
    """How a network's margins become decisions.

    Attributes:
        calibration: slope and intercept of Platt scaling.
        threshold: a film is referred when its calibrated score is at or above it.
        chosen_on: the images that both were chosen on.
    """

    calibration: dict[str, Any]
    threshold: float
    chosen_on: str


def decision_from(facts: dict[str, Any]) -> Decision:
    """Read the decision from the facts of trained weights.

    Raises:
        DataRefused: ``untrained_weights``: they carry none.
    """
    try:
        calibration, points = facts["calibration"], facts["operating_points"]
        point = next(p for p in points if p["name"] == "refer")
    except (KeyError, StopIteration) as error:
        raise DataRefused(
            "untrained_weights", "The weights carry no operating points or no calibration."
        ) from error
    return Decision(calibration, point["threshold"], point.get("chosen_on", CHOSEN_ON))


def choose_operation(margins: dict[str, Floats], labels: Labels) -> dict[str, Any]:
    """Fit the calibration and pick the thresholds.

    Args:
        margins: by shift, each (n,).
        labels: (n,).

    Returns:
        ``calibration`` (Platt 1999: slope and intercept), ``operating_points`` and ``validation``
        figures, ready for a manifest.
    """
    pooled = np.concatenate(list(margins.values()))
    truth = np.tile(labels, len(margins))
    platt = LogisticRegression(C=1e6).fit(pooled[:, None], truth)
    calibration = {"slope": float(platt.coef_[0, 0]), "intercept": float(platt.intercept_[0])}
    positives = calibrate(pooled[truth == 1], calibration)
    points = [
        {
            "name": name,
            # "lower" keeps the recall: the threshold is the score of a film that it must catch.
            "threshold": float(np.quantile(positives, 1 - recall, method="lower")),
            "rule": f"recall {recall} or more",
            "chosen_on": CHOSEN_ON,
        }
        for name, recall in (("refer", REFER_RECALL), ("uncertain", UNCERTAIN_RECALL))
    ]
    by_shift = {
        name: {
            "auc": float(roc_auc_score(labels, m)),
            "specificity_at_recall_0.967": specificity_at_recall(labels, m, REFER_RECALL),
            "specificity_at_recall_0.99": specificity_at_recall(labels, m, UNCERTAIN_RECALL),
        }
        for name, m in margins.items()
    }
    return {
        "calibration": {"method": "platt", **calibration, "chosen_on": CHOSEN_ON},
        "operating_points": points,
        "validation": {
            "by_shift": by_shift,
            "pooled_auc": float(roc_auc_score(truth, pooled)),
            "pooled_specificity_at_recall_0.967": specificity_at_recall(
                truth, pooled, REFER_RECALL
            ),
            "pooled_specificity_at_recall_0.99": specificity_at_recall(
                truth, pooled, UNCERTAIN_RECALL
            ),
            "pooled_log_loss": float(
                np.logaddexp(0, -(2 * truth - 1) * _logits(pooled, calibration)).mean()
            ),
        },
    }


def _logits(margins: Floats, calibration: dict[str, float]) -> Floats:
    return calibration["slope"] * margins + calibration["intercept"]
