"""A tf-keras twin learns as `train.loop` would teach it, for tools that know no Keras 3."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from tqdm import tqdm

from edge.errors import DataRefused, WorkFailed
from train.batches import WORKERS, Batch, TrainingBatches
from train.losses import KnownCrossentropy, main_outputs
from train.recipe import Recipe


def train_twin(
    model: Any,
    recipe: Recipe,
    batches: TrainingBatches,
    *,
    callbacks: Sequence[Any] = (),
    folder: Path | None = None,
    progress: bool = True,
) -> None:
    """Train a tf-keras model in place.

    The rate rises over the recipe's warmup, at most a tenth of all steps, and falls to zero by a
    cosine, whatever schedule the recipe names. Arithmetic is float32, and all layers learn.

    Args:
        model: uncompiled, of the recipe's outputs.
        recipe: how to train.
        batches: what to learn from.
        callbacks: of tf-keras; they hear of the beginning, of each step and of the end of epochs.
        folder: keeps a checkpoint of the last finished epoch. A run that finds one there goes on
            from it, as if never broken but for what dropout drops. None keeps none.
        progress: show a bar for each epoch.

    Raises:
        DataRefused: ``too_few_images``; ``other_backend``: the loss is Keras 3's, and needs it to
            run on TensorFlow.
        WorkFailed: ``diverged``, or ``cannot_write`` a checkpoint.
    """
    require_tensorflow()
    if not len(batches):
        raise DataRefused(
            "too_few_images", f"The training images do not fill a batch of {recipe.batch}."
        )
    tf_keras.utils.set_random_seed(recipe.seed)
    loss = KnownCrossentropy(main_outputs(recipe.outputs), recipe.auxiliary)
    model.compile(_optimizer(recipe, recipe.epochs * len(batches)), loss.call, jit_compile=False)
    kept = _Checkpoints(model, folder)
    finished = kept.restore()
    for callback in callbacks:
        callback.set_model(model)
        callback.on_train_begin()
    for epoch in range(finished, recipe.epochs):
        batches.start(epoch)
        _train_epoch(model, batches, callbacks, f"epoch {epoch + 1}/{recipe.epochs}", progress)
        for callback in callbacks:
            callback.on_epoch_end(epoch)
        # Batch normalisation keeps the loss finite long after the weights are not.
        if not all(np.isfinite(value).all() for value in model.get_weights()):
            raise WorkFailed("diverged", f"A weight is not a number after epoch {epoch + 1}.")
        kept.save(epoch + 1)


def require_tensorflow() -> None:
    """Make sure that Keras 3 runs on TensorFlow too.

    Raises:
        DataRefused: ``other_backend``.
    """
    found = keras.backend.backend()
    if found != "tensorflow":
        raise DataRefused(
            "other_backend", f"Training with tf-keras needs KERAS_BACKEND=tensorflow, not {found}."
        )


def _optimizer(recipe: Recipe, steps: int) -> Any:
    warmup = min(recipe.warmup, steps // 10)
    rate = recipe.learning_rate
    schedule = tf_keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else rate, steps - warmup,
        warmup_target=rate if warmup else None, warmup_steps=warmup,
    )  # fmt: skip
    if recipe.optimizer != "adamw":
        return tf_keras.optimizers.Adam(schedule)
    optimizer = tf_keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def _train_epoch(
    model: Any, batches: TrainingBatches, callbacks: Sequence[Any], title: str, progress: bool
) -> None:
    bar = tqdm(_ahead(batches), title, total=len(batches), disable=not progress)
    for step, (images, wanted) in enumerate(bar):
        for callback in callbacks:
            callback.on_train_batch_begin(step)
        loss = float(model.train_on_batch(images, wanted))
        if not np.isfinite(loss):
            raise WorkFailed("diverged", f"The loss is not a number in {title}, step {step + 1}.")
        bar.set_postfix(loss=f"{loss:.4f}")


def _ahead(batches: TrainingBatches) -> Iterator[Batch]:
    """The batches in order, a few of them made ahead by threads."""
    waiting: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        for step in range(len(batches)):
            waiting.append(pool.submit(batches.__getitem__, step))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _Checkpoints:
    """Weights, masks and optimizer after the last finished epoch, in a folder or nowhere."""

    def __init__(self, model: Any, folder: Path | None) -> None:
        self._manager = None
        if folder is not None:
            model.optimizer.build(model.trainable_variables)
            state = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
            self._manager = tf.train.CheckpointManager(state, str(folder), max_to_keep=1)

    def restore(self) -> int:
        """Load what is there; how many epochs it has seen."""
        if self._manager is None or (latest := self._manager.latest_checkpoint) is None:
            return 0
        self._manager.checkpoint.restore(latest).assert_existing_objects_matched()
        return int(latest.rpartition("-")[2])

    def save(self, finished: int) -> None:
        """Keep the state after so many epochs."""
        if self._manager is None:
            return
        try:
            self._manager.save(checkpoint_number=finished)
        except (OSError, tf.errors.OpError) as error:
            folder = self._manager.directory
            raise WorkFailed("cannot_write", f"{folder} cannot be written: {error}") from error
