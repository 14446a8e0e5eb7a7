"""A trained network becomes a LiteRT file that gives a margin and an attention map.

The converter fuses dilated convolutions and batch normalisation only for a graph with a static
batch. So a tf-keras twin of the network is saved with one concrete signature, and what comes out
is inspected before anyone may use it.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras
from tensorflow.lite.python.convert import ConverterError

from edge.errors import WorkFailed
from optimize.delegation import Operation, delegation
from train.attention import head_of
from train.weights import Weights, build_trained

Images = Sequence[npt.NDArray[np.float32]]

FORBIDDEN = ("SPACE_TO_BATCH", "BATCH_TO_SPACE", "VAR_HANDLE", "READ_VARIABLE", "CALL_ONCE", "Flex")
"""How operations begin that mean that the converter did not fold the graph."""

STORED_AS = {"float32": [], "float16": [tf.float16], "int8": []}
"""How a file that computes in float32 may keep its weights, and what the converter calls it. Those
in int8 meet activations that are rounded anew for each image (dynamic range)."""


@dataclass(frozen=True)
class Census:
    """What is inside a LiteRT file.

    Attributes:
        operations: how often each operation occurs.
        partitions: pieces that the XNNPACK delegate runs; 1 is best.
        left_behind: operations that it does not run, and that divide the pieces.
    """

    operations: dict[str, int]
    partitions: int
    left_behind: tuple[Operation, ...]

    @property
    def forbidden(self) -> list[str]:
        """Operations that no artifact may hold."""
        return [name for name in self.operations if name.startswith(FORBIDDEN) or name == "CUSTOM"]


class InferenceTwin(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """The network for one image, without its training parts, with the attention map in its graph.

    The map has the closed form of `train.attention`, so the clinic needs no gradients.
    """

    def __init__(self, model: Any) -> None:
        """Wrap a trained tf-keras model from `train.network.build`."""
        super().__init__()
        self._features = tf_keras.Model(model.input, model.get_layer("features").output)
        head = head_of(model)
        # The dense layers become 1x1 convolutions: the int8 delegate wants four dimensions.
        self._hidden = tf.constant(head.hidden[None, None])
        self._hidden_bias = tf.constant(head.hidden_bias)
        self._direction = tf.constant(head.direction[None, None, :, None])
        self._back = tf.constant((head.hidden * head.direction / 6).T[None, None])
        self._sum = tf.ones((1, 1, len(head.hidden), 1))
        self._offset = tf.constant(head.offset, tf.float32)

    def predict(self, image: Any) -> dict[str, Any]:
        """(1, size, size, 1) to ``margin`` (1, 1) and ``attention`` (1, h, w, 1), at least 0."""
        features = self._features(image, training=False)
        pooled = tf.reduce_mean(features, [1, 2], keepdims=True)
        hidden = tf.nn.relu(tf.nn.conv2d(pooled, self._hidden, 1, "VALID") + self._hidden_bias)
        margin = tf.nn.conv2d(hidden, self._direction, 1, "VALID") + self._offset
        # 6 where a unit is active. In int8 the delegate takes no MINIMUM, no RELU unless it ends a
        # MUL or CONV_2D, and no MUL whose product has steps 256 times as large as the result's:
        # hence two of them. A comparison and a cast would split it in float as well.
        mask = tf.nn.relu6(3e4 * tf.nn.relu6(100.0 * hidden))
        weights = tf.nn.conv2d(mask, self._back, 1, "VALID")
        attention = tf.nn.relu(tf.nn.conv2d(features * weights, self._sum, 1, "VALID"))
        return {"margin": tf.reshape(margin, (1, 1)), "attention": attention}


def convert(
    weights: Weights, calibration: Images | None = None, stored_as: str = "float32"
) -> bytes:
    """Convert a trained network to a LiteRT file.

    Args:
        weights: of the network.
        calibration: preprocessed images, each (size, size, 1), to take the ranges of a full int8
            conversion from (per channel for weights), the widest that occur; `optimize.int8`
            comes closer to the network. None computes in float32.
        stored_as: without ``calibration``, one of `STORED_AS`.

    Returns:
        The file. Its signature ``serving_default`` has the input ``image`` and the outputs
        ``margin`` and ``attention``, all float32.

    Raises:
        WorkFailed: ``conversion_failed``.
    """
    with _converter(weights) as converter:
        if calibration is not None:
            _ask_for_int8(converter, calibration)
        elif stored_as != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = STORED_AS[stored_as]
        return bytes(converter.convert())


def convert_with_ranges(weights: Weights, image: npt.NDArray[np.float32]) -> bytes:
    """Convert to the float32 file from which the converter itself goes on to int8.

    Args:
        weights: of the network.
        image: (size, size, 1). The ranges that the tensors carry are those of it alone.
    """
    with _converter(weights) as converter:
        _ask_for_int8(converter, [image])
        # No public setting stops it here; TensorFlow's own QuantizationDebugger sets this one.
        converter._experimental_calibrate_only = True
        return bytes(converter.convert())


@contextmanager
def _converter(weights: Weights) -> Iterator[Any]:
    """A converter of the network's twin, which lies in a temporary folder meanwhile.

    Raises:
        WorkFailed: ``conversion_failed``: no room for the twin, or the converter's own reason.
    """
    twin = InferenceTwin(build_trained(weights, tf_keras))
    config = weights.recipe.network
    shape = (1, config.input_size, config.input_size, config.channels)
    function = tf.function(
        twin.predict, input_signature=[tf.TensorSpec(shape, tf.float32, name="image")]
    )
    with tempfile.TemporaryDirectory() as folder:
        try:
            signature = {"serving_default": function.get_concrete_function()}
            tf.saved_model.save(twin, folder, signatures=signature)
            yield tf.lite.TFLiteConverter.from_saved_model(folder)
        except (tf.errors.OpError, ConverterError) as error:
            raise WorkFailed("conversion_failed", f"TensorFlow cannot convert: {error}") from error


def _ask_for_int8(converter: Any, calibration: Images) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


def census(content: bytes) -> Census:
    """Count the operations and delegate partitions of a LiteRT file."""
    found = delegation(content)
    counts = Counter(operation.name for operation in found.operations)
    return Census(dict(sorted(counts.items())), found.partitions, found.left_behind)
