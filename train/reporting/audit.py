"""Does a network look at lungs, or at what the films of the two labels happen to differ in?

Normal and pneumonia films of one hospital differ in sharpness, size and exposure. A network that
learns these scores well at home and fails at the next clinic. So it is asked three things: what a
film's brightness, sharpness and size alone give away; how far its scores move when the film is
changed in ways that leave the disease in place, or hides it; and where its attention lies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import cv2
import keras
import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from tqdm import tqdm

from edge.preprocess import InputContract, preprocess
from train.attention import attention_maps, head_of
from train.augmentation import Pixels, change_gamma, compress, resample
from train.datasets import LabelledImages
from train.evaluation import Estimate, Floats, Labels, bootstrap, predict_margins
from train.operating import Decision, calibrate
from train.reporting.regions import fill, regions
from train.shifts import SHIFTS

SHARPNESS_SIDE = 150
"""Sharpness is taken after resizing to this side, as the networks see the film."""

Plain = dict[str, Any]


def _turn(pixels: Pixels, degrees: float) -> Pixels:
    side = pixels.shape[0]
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2,) * 2, degrees, 1.0)
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side)), np.uint8)


def _hide(pixels: Pixels, region: str) -> Pixels:
    return fill(pixels, regions(pixels.shape[0])[region])


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    **{name: shift for name, shift in SHIFTS.items() if name != "none"},
    "turned 5 degrees left": lambda p: _turn(p, 5),
    "turned 5 degrees right": lambda p: _turn(p, -5),
    "JPEG quality 60": lambda p: compress(p, 60),
    "gamma 0.8": lambda p: change_gamma(p, 0.8),
    "gamma 1.25": lambda p: change_gamma(p, 1.25),
    "resampled to 150": lambda p: resample(p, 150),
    "resampled to 64": lambda p: resample(p, 64),
    "border masked": lambda p: _hide(p, "border"),
    "lungs masked": lambda p: _hide(p, "lungs"),
    "thorax masked": lambda p: _hide(p, "thorax"),
}
"""Name to change, each from (side, side) uint8 to the same. The last three hide a region of
`train.reporting.regions` under the mean of the film: a network that looks at lungs keeps its AUC
without the border, and loses it without the lungs and still more without the whole thorax."""


def audit(
    model: Any,
    contract: InputContract,
    decision: Decision,
    images: LabelledImages,
    sizes: Sequence[tuple[int, int]],
    resamples: int = 2000,
    seed: int = 0,
    progress: bool = False,
) -> Plain:
    """Ask a network that screens what its scores rest on. It runs once for each of `CHANGES`.

    Args:
        model: Keras 3 network with the layers ``features``, ``dense`` and ``logits``.
        contract: what it receives.
        decision: its calibration and threshold, chosen elsewhere.
        images: n working copies; both labels must occur.
        sizes: n (height, width) of the files as published, in pixels.
        resamples: bootstrap samples, stratified by label.
        seed: of the bootstrap.
        progress: show it.

    Returns:
        Plain values; every *estimate* is ``{"value", "low", "high"}`` with its 95 % interval.

        ``images``, ``positives``, ``threshold``, ``resamples``, ``seed``: as they were.

        ``shortcuts``: for ``brightness``, ``contrast``, ``sharpness``, ``shape`` (width by height)
        and ``area`` (pixels) of a film, ``auc``: estimate of how well this number alone tells
        pneumonia from normal (0.5 not at all; below it, the number is higher in normal films),
        or None where it is the same for all films; and ``followed``: rank correlation of the
        number with the network's margin within each label, averaged over both, in [-1, 1], or
        None.

        ``changes``: by name, first ``none`` (the film as it is), then `CHANGES`: ``auc``,
        estimate; ``auc_change`` against ``none`` on the same resamples, estimate;
        ``score_change`` and ``margin_change``, means of the absolute differences (of calibrated
        scores in [0, 1], and of margins in logits); ``changed_decisions``, share of the films
        that came to the other side of the threshold, in [0, 1].

        ``attention``: ``images`` with any positive attention, ``mean_map`` (rows of the mean over
        these of the map divided by its sum), and ``regions``: for ``lungs``, ``thorax`` and
        ``border``, the share of the attention that lies there (``attention``, estimate, or None
        where no image has any) beside the region's share of the film (``area``). The
        border is all that is not thorax; the lungs are part of the thorax.

    Raises:
        ValueError: one label only, or not one size for each image.
    """
    labels = images.labels
    if len(np.unique(labels)) != 2 or len(sizes) != len(labels):
        raise ValueError(
            "Both labels must occur, with one size for each image. Received: "
            f"labels {np.unique(labels)}, {len(labels)} images, {len(sizes)} sizes"
        )
    margins = {"none": predict_margins(model, images.pixels, contract)}
    for name, change in tqdm(CHANGES.items(), "audit", disable=not progress):
        changed = np.stack([change(pixels) for pixels in images.pixels])
        margins[name] = predict_margins(model, changed, contract)
    return {
        "images": len(labels),
        "positives": int(labels.sum()),
        "threshold": decision.threshold,
        "resamples": resamples,
        "seed": seed,
        "shortcuts": _shortcuts(images, sizes, margins["none"], resamples, seed),
        "changes": _changes(labels, margins, decision, resamples, seed),
        "attention": _attention(model, contract, images, resamples, seed),
    }


def _shortcuts(
    images: LabelledImages,
    sizes: Sequence[tuple[int, int]],
    margins: Floats,
    resamples: int,
    seed: int,
) -> dict[str, Plain]:
    height, width = np.array(sizes, np.float64).T
    values = {
        "brightness": images.pixels.mean(axis=(1, 2)),
        "contrast": images.pixels.std(axis=(1, 2)),
        "sharpness": np.array([_sharpness(pixels) for pixels in images.pixels]),
        "shape": width / height,
        "area": width * height,
    }
    labels = images.labels
    aucs = _aucs_with_intervals(labels, values, resamples, seed)
    return {
        name: {
            "auc": asdict(aucs[name]) if np.ptp(value) > 0 else None,
            "followed": _followed(labels, value, margins),
        }
        for name, value in values.items()
    }


def _sharpness(pixels: Pixels) -> float:
    """Mean absolute Laplacian, in grey levels of 255."""
    size = (SHARPNESS_SIDE, SHARPNESS_SIDE)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return float(np.abs(cv2.Laplacian(small, cv2.CV_64F)).mean())


def _followed(labels: Labels, values: Floats, margins: Floats) -> float | None:
    """Spearman's correlation within each label, averaged; None where nothing varies."""
    found = []
    for label in (0, 1):
        ranks = [rankdata(x[labels == label]) for x in (values, margins)]
        if min(np.ptp(r) for r in ranks) == 0:
            return None
        found.append(float(np.corrcoef(*ranks)[0, 1]))
    return float(np.mean(found))


def _changes(
    labels: Labels, margins: dict[str, Floats], decision: Decision, resamples: int, seed: int
) -> dict[str, Plain]:
    scores = {name: calibrate(m, decision.calibration) for name, m in margins.items()}
    decided = {name: s >= decision.threshold for name, s in scores.items()}
    aucs = _aucs_with_intervals(labels, margins, resamples, seed)
    against = _aucs_with_intervals(labels, margins, resamples, seed, reference="none")
    return {
        name: {
            "auc": asdict(aucs[name]),
            "auc_change": asdict(against[name]),
            "score_change": float(np.abs(scores[name] - scores["none"]).mean()),
            "margin_change": float(np.abs(margins[name] - margins["none"]).mean()),
            "changed_decisions": float((decided[name] != decided["none"]).mean()),
        }
        for name in margins
    }


def _aucs_with_intervals(
    labels: Labels,
    columns: dict[str, Floats],
    resamples: int,
    seed: int,
    reference: str | None = None,
) -> dict[str, Estimate]:
    """AUC of each column, or its difference from that of the reference on the same resamples."""

    def figures(y: Labels, s: Floats) -> dict[str, float]:
        found = dict(zip(columns, _aucs(y, s), strict=True))
        base = found[reference] if reference else 0.0
        return {name: value - base for name, value in found.items()}

    return bootstrap(labels, np.stack(list(columns.values()), axis=1), figures, resamples, seed)


def _aucs(labels: Labels, scores: Floats) -> list[float]:
    """AUC of each column of (n, k) at once, by the rank sum of Mann and Whitney."""
    positive = labels == 1
    p, n = int(positive.sum()), int((~positive).sum())
    sums = rankdata(scores, axis=0)[positive].sum(axis=0)
    return [float(s) for s in (sums - p * (p + 1) / 2) / (p * n)]


def _attention(
    model: Any, contract: InputContract, images: LabelledImages, resamples: int, seed: int
) -> Plain:
    maps = _maps(model, contract, images.pixels)
    mass = maps.sum(axis=(1, 2))
    seen = mass > 0
    shares = maps[seen] / mass[seen, None, None]
    side = contract.size
    found: dict[str, Plain] = {}
    for name, mask in regions(side).items():
        cells = cv2.resize(mask.astype(np.float32), maps.shape[:0:-1], interpolation=cv2.INTER_AREA)
        inside = (shares * cells).sum(axis=(1, 2))
        found[name] = {
            "attention": asdict(_mean(inside, resamples, seed)) if seen.any() else None,
            "area": float(mask.mean()),
        }
    mean_map: npt.NDArray[Any] = shares.mean(axis=0) if seen.any() else np.zeros(maps.shape[1:])
    return {"images": int(seen.sum()), "mean_map": mean_map.tolist(), "regions": found}


def _maps(
    model: Any, contract: InputContract, pixels: npt.NDArray[np.uint8], batch: int = 64
) -> npt.NDArray[np.float32]:
    features = keras.Model(model.input, model.get_layer("features").output)
    head = head_of(model)
    found = []
    for start in range(0, len(pixels), batch):
        inputs = np.stack([preprocess(p, contract) for p in pixels[start : start + batch]])
        found.append(attention_maps(head, features.predict_on_batch(inputs)))
    return np.concatenate(found)


def _mean(values: npt.NDArray[Any], resamples: int, seed: int) -> Estimate:
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high))
