"""Everything that the report says of one network on one set of images, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from train.datasets import Sample
from train.evaluation import Evaluation, Floats, Labels, bootstrap, evaluate, figures_at
from train.operating import calibrate, decision_from
from train.reporting.comparison import delong_test, mcnemar_test, paired_differences
from train.reporting.curves import precision_recall, roc
from train.reporting.reliability import reliability, share_with_interval
from train.weights import Weights

UNCALIBRATED = {"slope": 1.0, "intercept": 0.0}
"""Platt scaling that leaves the network's own probability."""

Plain = dict[str, Any]


def measure(
    weights: Weights,
    margins: Floats,
    samples: Sequence[Sample],
    near_duplicates: Sequence[int] = (),
    resamples: int = 2000,
    seed: int = 0,
) -> Plain:
    """Measure one network.

    Args:
        weights: their decision is taken as it is: nothing is chosen here.
        margins: (n,) of the network on the samples.
        samples: n samples; both labels must occur.
        near_duplicates: indices of samples that are left out in a second evaluation, which is None
            where that leaves one label only.
        resamples: bootstrap samples.
        seed: of the bootstrap.

    Raises:
        DataRefused: ``untrained_weights``.
    """
    decision = decision_from(weights.facts)
    labels = labels_of(samples)
    scores = calibrate(margins, decision.calibration)
    own = calibrate(margins, UNCALIBRATED)
    found = evaluate(labels, scores, decision.threshold, resamples, seed)
    return {
        "weights_sha256": weights.sha256,
        "training_seed": weights.recipe.seed,
        "recipe": weights.recipe.to_dict(),
        "parameters": sum(int(tensor.size) for tensor in weights.tensors.values()),
        "threshold": decision.threshold,
        "threshold_chosen_on": decision.chosen_on,
        "calibration": decision.calibration,
        "evaluation": found.to_dict(),
        "without_near_duplicates": _without(near_duplicates, labels, scores, found),
        "subtypes": _by_subtype(samples, scores, decision.threshold, resamples, seed),
        "roc": asdict(roc(labels, scores, resamples, seed)),
        "precision_recall": asdict(precision_recall(labels, scores, resamples, seed)),
        "reliability": {
            "before": asdict(reliability(labels, own, resamples, seed)),
            "after": asdict(reliability(labels, scores, resamples, seed)),
        },
        "scores": scores.tolist(),
    }


def compare(
    labels: Labels, first: Plain, second: Plain, resamples: int = 2000, seed: int = 0
) -> Plain:
    """Compare two networks on the same images, each at its own threshold.

    Args:
        labels: (n,) of the images.
        first: what `measure` says of one network.
        second: what it says of the other.
        resamples: samples of the paired bootstrap.
        seed: of the bootstrap.
    """
    thresholds = first["threshold"], second["threshold"]
    scores = np.stack([first["scores"], second["scores"]], axis=1)
    decided = [(scores[:, i] >= t).astype(np.int64) for i, t in enumerate(thresholds)]

    def at(threshold: float) -> Any:
        return lambda y, s: figures_at(y, s, threshold)

    figures = at(thresholds[0]), at(thresholds[1])
    differences = paired_differences(labels, scores, figures, resamples, seed)
    return {
        "delong": asdict(delong_test(labels, scores[:, 0], scores[:, 1])),
        "mcnemar": asdict(mcnemar_test(labels, decided[0], decided[1])),
        "differences": {name: asdict(difference) for name, difference in differences.items()},
    }


def over_seeds(runs: Sequence[Plain]) -> dict[str, Plain]:
    """Mean and range of every figure over several trainings of one recipe.

    Args:
        runs: what `measure` says of each.
    """
    figures = [run["evaluation"]["figures"] for run in runs]
    values = {name: [float(f[name]["value"]) for f in figures] for name in figures[0]}
    return {
        name: {"mean": float(np.mean(v)), "low": min(v), "high": max(v)}
        for name, v in values.items()
    }


def labels_of(samples: Sequence[Sample]) -> Labels:
    """(n,) 0 for normal, 1 for pneumonia."""
    return np.array([sample.label for sample in samples], np.int64)


def _without(
    left_out: Sequence[int], labels: Labels, scores: Floats, whole: Evaluation
) -> Plain | None:
    kept = np.setdiff1d(np.arange(len(labels)), left_out)
    if len(np.unique(labels[kept])) < 2:
        return None
    again = evaluate(labels[kept], scores[kept], whole.threshold, whole.resamples, whole.seed)
    return again.to_dict()


def _by_subtype(
    samples: Sequence[Sample], scores: Floats, threshold: float, resamples: int, seed: int
) -> dict[str, Plain]:
    """Recall, and AUC against all normal images, of each subtype of pneumonia."""
    labels = labels_of(samples)
    subtypes = np.array([sample.subtype for sample in samples])

    def auc(y: Labels, s: Floats) -> dict[str, float]:
        return {"auc": float(roc_auc_score(y, s))}

    found = {}
    for subtype in sorted(set(subtypes[labels == 1])):
        own = (subtypes == subtype) & (labels == 1)
        chosen = own | (labels == 0)
        figures = bootstrap(labels[chosen], scores[chosen], auc, resamples, seed)
        hits = int((scores[own] >= threshold).sum())
        found[str(subtype)] = {
            "images": int(own.sum()),
            "recall": asdict(share_with_interval(hits, int(own.sum()))),
            "auc": asdict(figures["auc"]),
        }
    return found
