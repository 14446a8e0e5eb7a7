"""Train one network by a recipe, in a folder that a killed run can be resumed from."""

from __future__ import annotations

import csv
import io
import json
import platform
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

import edge
from edge.errors import DataRefused, WorkFailed
from edge.files import write_atomically
from train.batches import TrainingBatches, targets
from train.evaluation import predict_margins
from train.network import build
from train.operating import choose_operation, shifted_margins
from train.recipe import Recipe
from train.schedule import learning_rate
from train.splits import TrainingData, load_training_data
from train.weights import Weights, as_stored, put_weights, save_weights, weights_of

RANDOM_START = "random weights"
COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")


def fit(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    start_from: Weights | None = None,
    progress: bool = True,
) -> Path:
    """Train a network and write ``out/weights.safetensors``.

    The folder also keeps ``log.csv`` (a row an epoch), ``recipe.json``, what training started from
    (``started_from.txt``) and the checkpoint of the last finished epoch.

    Args:
        recipe: how to train.
        data: a ``chest_xray`` folder as published; only its training folder is read.
        out: folder of this run.
        resume: go on from the last finished epoch of the same recipe and beginning.
        start_from: weights to begin with instead of random ones.
        progress: show progress bars.

    Returns:
        The weights file.

    Raises:
        DataRefused: ``run_exists``, ``recipe_changed``, ``start_changed``, ``too_few_images``, or
            what is wrong with the data or the weights.
        WorkFailed: ``diverged``.
    """
    started_from = start_from.sha256 if start_from else RANDOM_START
    _claim(out, recipe, started_from, resume)
    keras.utils.set_random_seed(recipe.seed)
    images = load_training_data(data, recipe.validation_fraction, recipe.seed, progress)
    epoch, model = _latest_checkpoint(out)
    if model is None:
        model = build(recipe.network, keras)
        if start_from is not None:
            put_weights(start_from, model)
        _compile(model, recipe)
    log = _read_log(out / "log.csv")[:epoch]
    for number in range(epoch, recipe.epochs):
        row = _run_epoch(model, recipe, images, number, log, progress)
        log.append(row)
        _checkpoint(out, model, number + 1, log)
    # Calibration and thresholds belong to the weights as they are stored.
    stored = as_stored(weights_of(model, recipe))
    put_weights(stored, model)
    margins = shifted_margins(model, images.validation, recipe, progress)
    facts = {
        **choose_operation(margins, images.validation.labels),
        "trained_on": {
            "data": "Guangzhou paediatric chest X-rays, training folder",
            "training_images": len(images.training.samples),
            "validation_images": len(images.validation.samples),
            "duplicates_removed": images.duplicates,
            "started_from": started_from,
        },
        "made_by": {
            "pneumokiosk": edge.__version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "python": platform.python_version(),
            "machine": platform.machine(),
            "seconds": round(sum(row["seconds"] for row in log), 1),
        },
    }
    path = out / "weights.safetensors"
    save_weights(path, replace(stored, facts=facts))
    return path


def _claim(out: Path, recipe: Recipe, started_from: str, resume: bool) -> None:
    """Make the run folder, or make sure that a resumed one has the same recipe and beginning."""
    path = out / "recipe.json"
    beginning = out / "started_from.txt"
    text = json.dumps(recipe.to_dict(), indent=2)
    if path.exists():
        if not resume:
            raise DataRefused(
                "run_exists", f"{out} already holds a run; name another folder or use --resume."
            )
        if path.read_text(encoding="utf-8") != text:
            raise DataRefused(
                "recipe_changed", f"{path} differs from the recipe given; resume needs the same."
            )
        begun = beginning.read_text(encoding="utf-8") if beginning.exists() else RANDOM_START
        if begun != started_from:
            raise DataRefused(
                "start_changed",
                f"The run in {out} started from {begun}; resume needs the same. "
                f"Received: {started_from}.",
            )
        return
    write_atomically(beginning, started_from.encode())
    write_atomically(path, text.encode())


def _compile(model: Any, recipe: Recipe) -> None:
    kinds = {
        "adam": lambda: keras.optimizers.Adam(recipe.learning_rate),
        "adamw": lambda: keras.optimizers.AdamW(
            recipe.learning_rate, weight_decay=recipe.weight_decay
        ),
    }
    optimizer = kinds[recipe.optimizer]()
    if recipe.optimizer == "adamw":
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    # XLA on a processor is slower than none; on an accelerator JAX compiles by itself.
    jit = keras.backend.backend() == "jax"
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"], jit_compile=jit)


def _run_epoch(
    model: Any,
    recipe: Recipe,
    images: TrainingData,
    epoch: int,
    log: list[dict[str, float]],
    progress: bool,
) -> dict[str, float]:
    """One pass over the training images and one look at the validation images."""
    started = time.perf_counter()
    batches = TrainingBatches(images.training, recipe, epoch)
    history = [row["val_accuracy"] for row in log]
    steps = len(batches)
    if not steps:
        raise DataRefused(
            "too_few_images",
            f"{len(images.training.samples)} training images do not fill a batch of "
            f"{recipe.batch}.",
        )
    _seed_dropout(model, recipe.seed, epoch)
    rate = 0.0
    results: dict[str, Any] = {}
    model.reset_metrics()
    bar = tqdm(range(steps), f"epoch {epoch + 1}/{recipe.epochs}", disable=not progress)
    for step in bar:
        rate = learning_rate(recipe, epoch * steps + step, steps, history)
        model.optimizer.learning_rate = rate
        inputs, wanted = batches[step]
        results = model.train_on_batch(inputs, wanted, return_dict=True)
        if not np.isfinite(results["loss"]):
            raise WorkFailed(
                "diverged", f"The loss is not a number in epoch {epoch + 1}, step {step + 1}."
            )
        bar.set_postfix(loss=f"{float(results['loss']):.4f}")
    margins = predict_margins(model, images.validation.pixels, recipe.input)
    labels = images.validation.labels
    signs = targets(labels)[:, 1] * 2 - 1
    return {
        "epoch": epoch + 1,
        "loss": float(results["loss"]),
        "accuracy": float(results["accuracy"]),
        "val_loss": float(np.logaddexp(0, -signs * margins).mean()),
        "val_accuracy": float(((margins > 0) == (labels == 1)).mean()),
        "learning_rate": rate,
        "seconds": time.perf_counter() - started,
    }


def _seed_dropout(model: Any, seed: int, epoch: int) -> None:
    """Let dropout depend on seed and epoch alone: a saved model forgets its random state."""
    for place, layer in enumerate(model.layers):
        if (generator := getattr(layer, "seed_generator", None)) is not None:
            first = np.random.default_rng([seed, epoch, place]).integers(2**31)
            generator.state.assign([first, 0])


def _checkpoint(out: Path, model: Any, epoch: int, log: list[dict[str, float]]) -> None:
    """Keep weights, optimizer and log of one finished epoch; drop the checkpoint before it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(log)
    write_atomically(out / "log.csv", text.getvalue().encode())
    temporary = out / "writing.keras"
    model.save(temporary)
    temporary.replace(out / f"checkpoint-{epoch:04d}.keras")
    for old in out.glob("checkpoint-*.keras"):
        if _epoch_of(old) < epoch:
            old.unlink()


def _latest_checkpoint(out: Path) -> tuple[int, Any]:
    """Finished epochs and model of a run; (0, None) where it has none."""
    found = sorted(out.glob("checkpoint-*.keras"), key=_epoch_of)
    if not found:
        return 0, None
    return _epoch_of(found[-1]), keras.saving.load_model(found[-1])


def _epoch_of(path: Path) -> int:
    match = re.search(r"(\d+)$", path.stem)
    return int(match.group(1)) if match else 0


def _read_log(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
