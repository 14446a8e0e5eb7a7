"""Train a screening network by a recipe, in a folder that a killed run can be resumed from."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

import edge
from edge.errors import DataRefused
from train.attentive import attentive
from train.batches import TrainingBatches
from train.chestxray14 import decided, split_chestxray14
from train.datasets import LabelledImages, load_images
from train.devices import on_devices
from train.evaluation import predict_margins
from train.loop import run_epochs
from train.network import OUTPUTS
from train.operating import choose_operation, shifted_margins
from train.other_hospital import adult_aucs
from train.recipe import Recipe
from train.rivals import NO_IMAGENET, RIVALS, build_network, build_rival
from train.run import RANDOM_START, Row, Run
from train.splits import TrainingData, load_training_data
from train.teaching import Teachers
from train.throughput import summary
from train.transfer import transfer
from train.weights import Weights, as_stored, build_trained, save_weights, weights_of


@dataclass(frozen=True)
class Beginning:
    """What a network starts from.

    Attributes:
        weights: of an earlier training; random where none.
        imagenet: for a rival: ``"none"``, ``"download"``, or a file.
    """

    weights: Weights | None = None
    imagenet: str = NO_IMAGENET

    def __str__(self) -> str:
        if self.weights is not None:
            return self.weights.sha256
        if self.imagenet == NO_IMAGENET:
            return RANDOM_START
        return f"ImageNet: {Path(self.imagenet).name}"

    @property
    def descends_from_imagenet(self) -> bool:
        """Whether ImageNet weights are at its root, however many trainings ago."""
        if self.weights is None:
            return self.imagenet != NO_IMAGENET
        origin = self.weights.facts.get("trained_on", {})
        # Files of before this was kept say it in words.
        return bool(origin.get("imagenet", "ImageNet" in origin.get("started_from", "")))


def fit(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    chestxray14: Path | None = None,
    resume: bool = False,
    beginning: Beginning = Beginning(),  # frozen
    teachers: Sequence[Weights] = (),
    devices: int = 1,
    progress: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Train a network and write ``out/weights.safetensors``.

    The folder also keeps ``log.csv`` (a row an epoch), ``recipe.json``, what training started from
    (``started_from.txt``) and the checkpoint of the last finished epoch.

    Args:
        recipe: how to train.
        data: a ``chest_xray`` folder as published; only its training folder is read.
        out: folder of this run.
        chestxray14: a ChestX-ray14 folder as published, where the recipe draws from it; its
            held-out fifth of the patients is not read.
        resume: go on from the last finished epoch of the same recipe and beginning.
        beginning: what to start from instead of random weights.
        teachers: networks to learn from, where the recipe asks for it.
        devices: how many devices share each batch.
        progress: show progress bars.
        say: receives what was loaded from where, in sentences.

    Returns:
        The weights file.

    Raises:
        DataRefused: ``run_exists``, ``recipe_changed``, ``start_changed``, ``too_few_images``,
            ``missing_chestxray14``, ``missing_teacher``, ``idle_teacher``, ``not_screening``, or
            what is wrong with the data or weights.
        WorkFailed: ``diverged``.
    """
    if recipe.outputs[: len(OUTPUTS)] != OUTPUTS:
        raise DataRefused(
            "not_screening",
            f"A network that screens has outputs beginning with {', '.join(OUTPUTS)}. "
            f"Received: {', '.join(recipe.outputs)}.",
        )
    run = Run(out)
    taught = Teachers(teachers, recipe)
    origins = [str(beginning), *(f"taught by {teacher.sha256}" for teacher in teachers)]
    run.claim(recipe, "; ".join(origins), resume)
    keras.utils.set_random_seed(recipe.seed)
    images = load_training_data(data, recipe.validation_fraction, recipe.split_seed, progress)
    also, adults = _adults(recipe, chestxray14, progress, say)
    with on_devices(recipe, devices):
        model, log = run.latest()
        if model is None:
            model = begin(recipe, beginning, say)
            model = attentive(model) if recipe.attention else model
        batches = TrainingBatches(images.training, recipe, also=also, teachers=taught)
        log = run_epochs(
            model,
            recipe,
            batches,
            lambda model: _validate(model, recipe, images.validation, adults),
            run,
            log,
            watch="val_accuracy",
            progress=progress,
        )
        stored = as_stored(weights_of(model, recipe))
        origin = made_by(model, log, devices)
    # Calibration and thresholds belong to the weights as they are stored, at full precision.
    model = build_trained(stored, keras)
    margins = shifted_margins(model, images.validation, recipe, progress)
    facts = {
        **choose_operation(margins, images.validation.labels),
        "trained_on": {
            **_trained_on(images, also, "; ".join(origins)),
            "imagenet": beginning.descends_from_imagenet,
        },
        "made_by": origin,
    }
    if adults is not None:
        facts["validation_adults"] = adult_aucs(model, adults, recipe.input)
    path = out / "weights.safetensors"
    save_weights(path, replace(stored, facts=facts))
    return path


def made_by(model: Any, log: list[Row], devices: int) -> dict[str, Any]:
    """Versions, machine and cost of a training."""
    return {
        "pneumokiosk": edge.__version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
        "seconds": round(sum(row["seconds"] for row in log), 1),
        "throughput": summary(model, log, devices),
    }


def _adults(
    recipe: Recipe, root: Path | None, progress: bool, say: Callable[[str], None]
) -> tuple[LabelledImages | None, LabelledImages | None]:
    """Images of ChestX-ray14 to learn from, and those that decide for validation."""
    if not recipe.chestxray14:
        return None, None
    if root is None:
        raise DataRefused(
            "missing_chestxray14",
            f"The recipe draws {recipe.chestxray14:.0%} of its images from ChestX-ray14; "
            "name its folder by --chestxray14.",
        )
    split = split_chestxray14(root, recipe.validation_fraction, recipe.split_seed)
    say(f"ChestX-ray14: {split.summary}")
    validation = load_images(decided(split.validation), progress)
    return load_images(split.training, progress), validation


def begin(recipe: Recipe, beginning: Beginning, say: Callable[[str], None]) -> Any:
    """Build the network of a recipe and fill it with what it begins with.

    Raises:
        DataRefused: ``two_beginnings``, ``not_a_rival``: ImageNet weights are for rivals alone;
            or what is wrong with the weights.
    """
    if beginning.imagenet == NO_IMAGENET:
        model = build_network(recipe, keras)
        if beginning.weights is not None:
            say(str(transfer(beginning.weights, model, recipe)))
        return model
    if beginning.weights is not None:
        raise DataRefused("two_beginnings", "A network begins with --from or --imagenet, not both.")
    if recipe.architecture not in RIVALS:
        raise DataRefused(
            "not_a_rival",
            f"--imagenet is for {', '.join(RIVALS)}. Received: {recipe.architecture}.",
        )
    return build_rival(recipe, keras, beginning.imagenet)


def _validate(
    model: Any, recipe: Recipe, images: LabelledImages, adults: LabelledImages | None
) -> Row:
    margins = predict_margins(model, images.pixels, recipe.input)
    signs = 2 * images.labels - 1
    row = {
        "val_loss": float(np.logaddexp(0, -signs * margins).mean()),
        "val_accuracy": float(((margins > 0) == (signs > 0)).mean()),
    }
    if adults is not None:
        auc = adult_aucs(model, adults, recipe.input)["all"]
        row["val_adults_auc"] = float("nan") if auc is None else auc
    return row


def _trained_on(
    images: TrainingData, also: LabelledImages | None, started_from: str
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "data": "Guangzhou paediatric chest X-rays, training folder",
        "training_images": len(images.training.samples),
        "validation_images": len(images.validation.samples),
        "duplicates_removed": images.duplicates,
        "started_from": started_from,
    }
    if also is not None:
        facts["data"] += "; ChestX-ray14 without a held-out fifth of the patients"
        facts["chestxray14_images"] = len(also.samples)
    return facts
