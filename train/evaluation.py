"""How well scores separate pneumonia from normal, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from sklearn.metrics import auc, roc_curve
from tqdm import tqdm

from edge.preprocess import InputContract, preprocess

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
RECALLS = (0.90, 0.95, 0.967, 0.99)


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % bootstrap interval over images."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes:
        images: how many images, and of these with pneumonia ``positives``.
        threshold: scores at or above it count as pneumonia.
        confusion: true and false negatives and positives.
        figures: accuracy, precision, recall, specificity, f1, auc, and specificity at fixed recall.
        resamples: bootstrap samples.
        seed: of the bootstrap.
    """

    images: int
    positives: int
    threshold: float
    confusion: dict[str, int]
    figures: dict[str, Estimate]
    resamples: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """The evaluation as plain values."""
        return asdict(self)


def predict(
    model: Any,
    images: npt.NDArray[Any] | list[npt.NDArray[Any]],
    contract: InputContract,
    batch: int = 64,
    progress: bool = False,
) -> Floats:
    """Run n grey images through a Keras network: (n, outputs) probabilities."""
    found = []
    for start in tqdm(range(0, len(images), batch), "scoring", disable=not progress):
        inputs = np.stack([preprocess(p, contract) for p in images[start : start + batch]])
        # Of several TensorFlow replicas each answers for the whole batch, one after the other.
        found.append(np.asarray(model.predict_on_batch(inputs), np.float64)[: len(inputs)])
    return np.concatenate(found)


def predict_margins(
    model: Any,
    images: npt.NDArray[Any] | list[npt.NDArray[Any]],
    contract: InputContract,
    batch: int = 64,
    progress: bool = False,
) -> Floats:
    """Run n grey images through a Keras network that screens.

    Returns:
        (n,) logit of the pneumonia output minus logit of the normal output.
    """
    return margin(predict(model, images, contract, batch, progress))


def margin(probabilities: npt.NDArray[Any]) -> Floats:
    """(n, outputs) probabilities, normal and pneumonia first, to (n,) difference of logits."""
    clipped = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.asarray(logit(clipped[:, 1]) - logit(clipped[:, 0]), np.float64)


def evaluate(
    labels: Labels, scores: Floats, threshold: float, resamples: int = 2000, seed: int = 0
) -> Evaluation:
    """Measure scores against labels.

    Args:
        labels: (n,) 0 for normal, 1 for pneumonia; both must occur.
        scores: (n,) higher for pneumonia.
        threshold: decides; chosen elsewhere, never on these images.
        resamples: bootstrap samples, stratified by label.
        seed: of the bootstrap.

    Raises:
        ValueError: only one label occurs.
    """
    if len(np.unique(labels)) != 2:
        raise ValueError("Both labels must occur among the images.")
    decided = scores >= threshold
    positive = labels == 1
    confusion = {
        "true_positive": int((decided & positive).sum()),
        "false_positive": int((decided & ~positive).sum()),
        "true_negative": int((~decided & ~positive).sum()),
        "false_negative": int((~decided & positive).sum()),
    }

    def figures(y: Labels, s: Floats) -> dict[str, float]:
        return figures_at(y, s, threshold)

    return Evaluation(
        images=len(labels),
        positives=int(positive.sum()),
        threshold=threshold,
        confusion=confusion,
        figures=bootstrap(labels, scores, figures, resamples, seed),
        resamples=resamples,
        seed=seed,
    )


def bootstrap(
    labels: Labels,
    scores: Floats,
    figures: Callable[[Labels, Floats], dict[str, float]],
    resamples: int,
    seed: int,
) -> dict[str, Estimate]:
    """Percentile intervals (2.5 and 97.5) over resamples of the images, stratified by label.

    Args:
        labels: (n,) 0 for normal, 1 for pneumonia.
        scores: (n,), or (n, k) where figures compare k networks on the same images.
        figures: from labels and scores to figures by name.
        resamples: bootstrap samples.
        seed: of the bootstrap.
    """
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(labels == label) for label in (0, 1)]
    samples: dict[str, list[float]] = {}
    for _ in range(resamples):
        chosen = np.concatenate([rng.choice(group, len(group)) for group in groups])
        for name, value in figures(labels[chosen], scores[chosen]).items():
            samples.setdefault(name, []).append(value)
    return {
        name: Estimate(value, *(float(q) for q in np.percentile(samples[name], [2.5, 97.5])))
        for name, value in figures(labels, scores).items()
    }


def specificity_at_recall(labels: Labels, scores: Floats, recall: float) -> float:
    """The best specificity of any threshold whose recall is at least the given one."""
    false_positive, true_positive, _ = roc_curve(labels, scores, drop_intermediate=False)
    return _specificity(false_positive, true_positive, recall)


def _specificity(false_positive: Floats, true_positive: Floats, recall: float) -> float:
    return float(1 - false_positive[true_positive >= recall].min())


def figures_at(labels: Labels, scores: Floats, threshold: float) -> dict[str, float]:
    """The figures of an `Evaluation` without intervals: those at a threshold, and those of none.

    Args:
        labels: (n,) 0 for normal, 1 for pneumonia; both must occur.
        scores: (n,) higher for pneumonia.
        threshold: scores at or above it count as pneumonia.
    """
    decided = scores >= threshold
    positive = labels == 1
    hits = float((decided & positive).sum())
    recall = hits / float(positive.sum())
    precision = hits / max(float(decided.sum()), 1.0)
    # One curve serves all of them: a bootstrap comes here thousands of times.
    false_positive, true_positive, _ = roc_curve(labels, scores, drop_intermediate=False)
    return {
        "accuracy": float((decided == positive).mean()),
        "precision": precision,
        "recall": recall,
        "specificity": float((~decided & ~positive).sum() / (~positive).sum()),
        "f1": 2 * precision * recall / max(precision + recall, 1e-12),
        "auc": float(auc(false_positive, true_positive)),
        **{
            f"specificity_at_recall_{r}": _specificity(false_positive, true_positive, r)
            for r in RECALLS
        },
    }
