"""Pre-train a network on the findings of ChestX-ray14."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from edge.errors import DataRefused
from train.batches import TrainingBatches, targets
from train.chestxray14 import FINDINGS, split_chestxray14
from train.datasets import load_images
from train.devices import on_devices
from train.evaluation import Floats, Labels, bootstrap, predict
from train.fit import Beginning, begin, made_by
from train.loop import run_epochs
from train.losses import balancing_weights
from train.recipe import Recipe
from train.run import Row, Run
from train.weights import as_stored, build_trained, save_weights, weights_of


def pretrain(
    recipe: Recipe,
    root: Path,
    out: Path,
    *,
    resume: bool = False,
    beginning: Beginning = Beginning(),  # noqa: B008  # frozen
    devices: int = 1,
    progress: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Train a network on multi-label findings and write ``out/weights.safetensors``.

    A positive counts as many times more as negatives are more frequent, at most ten times.

    Args:
        recipe: how to train; its outputs are findings.
        root: a ChestX-ray14 folder as published; the held-out fifth of the patients is not read.
        out: folder of this run.
        resume: go on from the last finished epoch of the same recipe and beginning.
        beginning: what to start from instead of random weights.
        devices: how many devices share each batch.
        progress: show progress bars.
        say: receives what was read and loaded, in sentences.

    Returns:
        The weights file; its facts give the AUC of each finding on validation patients, with
        intervals.

    Raises:
        DataRefused: ``unknown_finding``, or as `train.fit.fit`.
        WorkFailed: ``diverged``.
    """
    if unknown := set(recipe.outputs) - set(FINDINGS):
        raise DataRefused(
            "unknown_finding",
            f"Outputs of pre-training are findings of ChestX-ray14. Received: "
            f"{', '.join(sorted(unknown))}.",
        )
    run = Run(out)
    run.claim(recipe, str(beginning), resume)
    keras.utils.set_random_seed(recipe.seed)
    split = split_chestxray14(root, recipe.validation_fraction, recipe.split_seed)
    say(f"ChestX-ray14: {split.summary}")
    training, validation = (load_images(s, progress) for s in (split.training, split.validation))
    wanted = targets(validation.samples, recipe.outputs)
    with on_devices(recipe, devices):
        model, log = run.latest()
        if model is None:
            model = begin(recipe, beginning, say)
        log = run_epochs(
            model,
            recipe,
            TrainingBatches(training, recipe),
            lambda model: _validate(model, recipe, validation.pixels, wanted),
            run,
            log,
            watch="val_auc",
            positive_weights=balancing_weights(targets(training.samples, recipe.outputs)),
            progress=progress,
        )
        stored = as_stored(weights_of(model, recipe))
        origin = made_by(model, log, devices)
    probabilities = predict(build_trained(stored, keras), validation.pixels, recipe.input)
    facts = {
        "findings": _by_finding(recipe, wanted, probabilities),
        "trained_on": {
            "data": "ChestX-ray14 without a held-out fifth of the patients",
            "found": split.summary,
            "training_images": len(training.samples),
            "validation_images": len(validation.samples),
            "started_from": str(beginning),
        },
        "made_by": origin,
    }
    path = out / "weights.safetensors"
    save_weights(path, replace(stored, facts=facts))
    return path


def _validate(model: Any, recipe: Recipe, pixels: Any, wanted: Any) -> Row:
    given = np.clip(predict(model, pixels, recipe.input), 1e-7, 1 - 1e-7)
    aucs = [
        roc_auc_score(wanted[:, k], given[:, k])
        for k in range(wanted.shape[1])
        if len(np.unique(wanted[:, k])) == 2
    ]
    entropy = -(wanted * np.log(given) + (1 - wanted) * np.log(1 - given))
    return {"val_loss": float(entropy.mean()), "val_auc": float(np.mean(aucs)) if aucs else 0.5}


def _by_finding(recipe: Recipe, wanted: Any, given: Floats) -> dict[str, Any]:
    """AUC of each finding with its interval; without one where only one label occurs."""

    def auc(labels: Labels, scores: Floats) -> dict[str, float]:
        return {"auc": float(roc_auc_score(labels, scores))}

    found: dict[str, Any] = {}
    for k, name in enumerate(recipe.outputs):
        labels = wanted[:, k].astype(np.int64)
        found[name] = {"positives": int(labels.sum())}
        if 0 < labels.sum() < len(labels):
            estimate = bootstrap(labels, given[:, k], auc, resamples=1000, seed=0)["auc"]
            found[name] |= vars(estimate)
    return found
