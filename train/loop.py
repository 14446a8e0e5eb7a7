"""Epochs of training, by Keras' own loop, each one seeded, logged and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from edge.errors import DataRefused, WorkFailed
from train.batches import TrainingBatches
from train.devices import feed, share_statistics
from train.losses import AttentiveCrossentropy, KnownCrossentropy, main_outputs
from train.recipe import Recipe
from train.run import Row, Run
from train.schedule import optimizer_rate, plateau_rate

HEAD = ("dense", "logits")
"""Layers that learn while the others are frozen."""

Validate = Callable[[Any], Row]


def run_epochs(
    model: Any,
    recipe: Recipe,
    batches: TrainingBatches,
    validate: Validate,
    run: Run,
    log: list[Row],
    *,
    watch: str,
    positive_weights: Sequence[float] | None = None,
    progress: bool = True,
) -> list[Row]:
    """Train from the epoch after the log's last to the recipe's last.

    Args:
        model: compiled where the log has rows, with the optimizer as it was then.
        recipe: how to train.
        batches: what to learn from.
        validate: measures the model after each epoch; its figures go into the log.
        run: keeps a checkpoint of each epoch.
        log: rows of finished epochs.
        watch: the figure of ``validate`` whose plateau lowers the rate.
        positive_weights: of the outputs' positive targets.
        progress: show a bar for each epoch.

    Returns:
        The whole log.

    Raises:
        DataRefused: ``too_few_images``.
        WorkFailed: ``diverged``.
    """
    steps = len(batches)
    if not steps:
        raise DataRefused(
            "too_few_images", f"The training images do not fill a batch of {recipe.batch}."
        )
    share_statistics(model)
    for epoch in range(len(log), recipe.epochs):
        started = time.perf_counter()
        if epoch in (0, recipe.frozen_epochs):
            frozen = epoch < recipe.frozen_epochs
            compile_model(model, recipe, steps, positive_weights, frozen)
        if recipe.schedule == "plateau":
            model.optimizer.learning_rate = plateau_rate(recipe, [row[watch] for row in log])
        batches.start(epoch)
        _seed_dropout(model, recipe.seed, epoch)
        title = f"epoch {epoch + 1}/{recipe.epochs}"
        _build_loss(model, len(recipe.outputs))
        data = feed(batches)
        bar = tqdm(total=steps, desc=title, disable=not progress)
        with bar:
            history = model.fit(data, callbacks=[_Watch(bar, title)], verbose=0, shuffle=False)
        trained = time.perf_counter()
        row = {
            "epoch": epoch + 1,
            "loss": float(history.history["loss"][0]),
            **validate(model),
            "learning_rate": float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
            "images_per_second": round(steps * recipe.batch / (trained - started), 2),
            "seconds": round(time.perf_counter() - started, 2),
        }
        log = [*log, row]
        run.checkpoint(model, log)
    return log


def compile_model(
    model: Any,
    recipe: Recipe,
    steps: int,
    positive_weights: Sequence[float] | None = None,
    frozen: bool = False,
) -> None:
    """Give a model the recipe's loss and a fresh optimizer.

    Args:
        model: of the recipe's outputs, and with its map where the recipe has ``attention``.
        recipe: how to train.
        steps: of one epoch.
        positive_weights: of the outputs' positive targets.
        frozen: let the dense layers alone learn.
    """
    given = (main_outputs(recipe.outputs), recipe.auxiliary, positive_weights)
    loss = KnownCrossentropy(*given)
    if recipe.attention:
        loss = AttentiveCrossentropy(*given, attention=recipe.attention)
    for layer in model.layers:
        layer.trainable = not frozen or layer.name in HEAD
    rate: Any = recipe.learning_rate
    if not frozen:
        rate = optimizer_rate(recipe, (recipe.epochs - recipe.frozen_epochs) * steps)
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    else:
        optimizer = keras.optimizers.Adam(rate)
    # XLA on a processor is slower than none; JAX compiles by itself and must be asked to.
    model.compile(optimizer, loss, jit_compile=keras.backend.backend() == "jax")


def _build_loss(model: Any, outputs: int) -> None:
    """Make the loss ready, or Keras takes the first batch for it and training never sees that."""
    blank = keras.ops.zeros((1, outputs))
    model.compute_loss(y=blank, y_pred=blank)


def _seed_dropout(model: Any, seed: int, epoch: int) -> None:
    """Let dropout depend on seed and epoch alone: a saved model forgets its random state."""
    for place, layer in enumerate(model.layers):
        if (generator := getattr(layer, "seed_generator", None)) is not None:
            first = np.random.default_rng([seed, epoch, place]).integers(2**31)
            generator.state.assign([first, 0])


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Moves the bar and stops training whose loss is no number any more."""

    def __init__(self, bar: Any, title: str) -> None:
        super().__init__()
        self._bar, self._title = bar, title

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = float((logs or {})["loss"])
        if not np.isfinite(loss):
            raise WorkFailed(
                "diverged", f"The loss is not a number in {self._title}, step {batch + 1}."
            )
        self._bar.update()
        self._bar.set_postfix(loss=f"{loss:.4f}")
