"""Several devices share each batch, by the backend's own means; half precision where asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from edge.errors import DataRefused
from train.recipe import Recipe


@contextmanager
def on_devices(recipe: Recipe, count: int) -> Iterator[None]:
    """Build and train inside: at the recipe's precision, each batch shared by ``count`` devices.

    On JAX by `keras.distribution.DataParallel`, on TensorFlow by `tf.distribute.MirroredStrategy`.

    Args:
        recipe: gives the precision, and the batch that the devices share equally.
        count: devices, at least 1.

    Raises:
        DataRefused: ``too_few_devices``, ``uneven_batch``, or ``unknown_backend`` for more than
            one device.
    """
    if recipe.batch % count:
        raise DataRefused(
            "uneven_batch", f"A batch of {recipe.batch} is not shared equally by {count} devices."
        )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        if count == 1:
            yield
        elif keras.backend.backend() == "jax":
            with _jax(count):
                yield
        elif keras.backend.backend() == "tensorflow":
            with _tensorflow(count):
                yield
        else:
            raise DataRefused(
                "unknown_backend", f"Keras on {keras.backend.backend()} trains on one device here."
            )
    finally:
        keras.config.set_dtype_policy(before)


def share_statistics(model: Any) -> None:
    """Let batch normalisation see the whole batch, as on one device.

    JAX computes over the whole batch anyway; the replicas of TensorFlow must be asked to.
    """
    if _replicas() > 1:
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True


def feed(batches: Any) -> Any:
    """What Keras' loop shall read to see each batch once, in order.

    Args:
        batches: a `keras.utils.PyDataset` of float32 inputs and targets.

    Returns:
        The batches; on several TensorFlow replicas, as `tf.data`: these open their input twice,
        and two readers of one `PyDataset` with threads take the batches from each other.
    """
    if _replicas() == 1:
        return batches
    import tensorflow as tf

    shapes = [part.shape for part in batches[0]]

    def read(step: Any) -> Any:
        parts = tf.numpy_function(lambda k: batches[int(k)], [step], [tf.float32] * len(shapes))
        return tuple(tf.ensure_shape(*pair) for pair in zip(parts, shapes, strict=True))

    steps = tf.data.Dataset.range(len(batches))
    made = steps.map(read, num_parallel_calls=batches.workers, deterministic=True)
    return made.prefetch(batches.max_queue_size)


def _replicas() -> int:
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


@contextmanager
def _jax(count: int) -> Iterator[None]:
    found = keras.distribution.list_devices()
    _require(count, len(found))
    before = keras.distribution.distribution()
    parallel = keras.distribution.DataParallel(devices=found[:count], auto_shard_dataset=False)
    keras.distribution.set_distribution(parallel)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


@contextmanager
def _tensorflow(count: int) -> Iterator[None]:
    import tensorflow as tf

    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    _require(count, len(found))
    with tf.distribute.MirroredStrategy([device.name for device in found[:count]]).scope():
        yield


def _require(count: int, found: int) -> None:
    if not 1 <= count <= found:
        raise DataRefused(
            "too_few_devices", f"--devices {count} asked for, {found} found by the backend."
        )
