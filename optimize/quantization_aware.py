"""Quantization-aware training: a network learns to say in int8 what it says in float.

tensorflow-model-optimization lets the tf-keras twin round kernels and activations in training as
the int8 file will. The twin's teacher is the network itself: it learns the same features and the
same margin, of training images and no labels, so that its calibration and thresholds stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from tqdm import tqdm

from edge.errors import DataRefused, WorkFailed
from optimize.calibration import Range
from optimize.int8 import Int8, Int8Converter
from train.attention import Head, head_of
from train.batches import TrainingBatches
from train.recipe import Recipe
from train.weights import Weights, build_trained, tensors_of

RATE = 0.02
"""The highest learning rate, as a share of the recipe's: at a tenth the network forgets first."""
WARMUP = 10
"""Steps over which the rate rises, at most."""


@dataclass(frozen=True)
class Tuning:
    """How long a network learns.

    Attributes:
        epochs: passes over the training images; a fraction is a part of one.
        batch: images a step; the recipe's where None.
    """

    epochs: float = 1.0
    batch: int | None = None

    def __post_init__(self) -> None:
        if not self.epochs > 0.0 or (self.batch is not None and self.batch < 1):
            raise DataRefused(
                "invalid_tuning",
                f"epochs must be above 0 and batch at least 1. Received: {self.epochs}, "
                f"{self.batch}.",
            )

    def recipe(self, weights: Weights) -> Recipe:
        """The recipe that training images are drawn and changed by."""
        return replace(weights.recipe, batch=self.batch or weights.recipe.batch)


# The library has no types.
class PerChannel(tfmot.quantization.keras.quantizers.LastValueQuantizer):  # type: ignore[misc]
    """Rounds a kernel as the converter does: symmetric, with a step for each output channel."""

    def __init__(self, depthwise: bool) -> None:
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)
        self._order = (0, 1, 3, 2) if depthwise else (0, 1, 2, 3)

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Make the variables that keep the range of a kernel."""
        shape = (tensor_shape[self._order[-1]],)
        return {
            f"{end}_var": layer.add_weight(f"{name}_{end}", shape=shape, trainable=False)
            for end in ("min", "max")
        }

    def __call__(self, inputs: Any, training: Any, weights: Any, **options: Any) -> Any:
        """Round a kernel."""
        turned = tf.transpose(inputs, self._order)
        given = super().__call__(turned, training, weights, **options)
        return tf.transpose(given, self._order)


class Rounding(tfmot.quantization.keras.QuantizeConfig):  # type: ignore[misc]
    """What of a layer is rounded: its kernel, its output, both or neither."""

    def __init__(self, kernel: str = "", output: Range | None = None) -> None:
        self.kernel = kernel
        self.output = output

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        """The kernel and what rounds it."""
        quantizer = PerChannel(self.kernel == "depthwise_kernel")
        return [(getattr(layer, self.kernel), quantizer)] if self.kernel else []

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        """Put the rounded kernel in its place."""
        for kernel in quantize_weights:
            setattr(layer, self.kernel, kernel)

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        """What rounds the output."""
        if self.output is None:
            return []
        low, high = self.output
        return [tfmot.quantization.keras.quantizers.FixedQuantizer(8, low, high, False)]

    def get_activations_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        """None: activations are layers of their own."""
        return []

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """Put none anywhere."""
        return None

    def get_config(self) -> dict[str, Any]:
        """What rebuilds it."""
        return {"kernel": self.kernel, "output": self.output}


def learn_int8(
    weights: Weights,
    batches: TrainingBatches,
    converter: Int8Converter,
    settings: Int8,
    tuning: Tuning,
    progress: bool = True,
) -> tuple[Weights, list[str]]:
    """Train a network for int8.

    Args:
        weights: to begin with, and to learn from.
        batches: of training images, by the recipe of ``tuning``; their targets are not looked at.
        converter: of ``weights``.
        settings: the int8 file to train for.
        tuning: how long.
        progress: show a bar.

    Returns:
        The weights, float32 still, and the layers that have learnt, as `Int8Converter` wants them.

    Raises:
        DataRefused: ``too_few_images``.
        WorkFailed: ``diverged``.
    """
    if not len(batches):
        raise DataRefused(
            "too_few_images",
            f"The training images do not fill a batch of {batches.recipe.batch}.",
        )
    model = build_trained(weights, tf_keras)
    begun = build_trained(_corrected(weights, converter, settings), tf_keras)
    student = _rounding(_to_features(begun), converter, settings)
    steps = max(1, round(tuning.epochs * len(batches)))
    rate = _rate(weights.recipe.learning_rate * RATE, steps)
    learn = _learning(_to_features(model), student, head_of(model), rate)
    for images in tqdm(_drawn(batches, steps), "learning int8", steps, disable=not progress):
        if not np.isfinite(float(learn(images))):
            raise WorkFailed("diverged", "The loss of quantization-aware training is not a number.")
    learnt = _tensors(student, weights)
    layers = sorted({name.partition("/")[0] for name in learnt})
    return replace(weights, tensors={**weights.tensors, **learnt}), layers


def _corrected(weights: Weights, converter: Int8Converter, settings: Int8) -> Weights:
    """Take off each batch normalisation what rounding the kernel before it adds on average.

    Training would find it too, but moves slowly.
    """
    graph, tensors = converter.graph, dict(weights.tensors)
    for convolution in graph.convolutions[int(settings.float_ends) :]:
        for layer in graph.layers(convolution.output):
            if (beta := f"{layer}/beta") in tensors:
                tensors[beta] = tensors[beta] - converter.shift(convolution, settings)
    return replace(weights, tensors=tensors)


def _to_features(model: Any) -> Any:
    return tf_keras.Model(model.input, model.get_layer("features").output)


def _rounding(model: Any, converter: Int8Converter, settings: Int8) -> Any:
    """The same model with kernels and activations rounded where the int8 file rounds them."""
    layers, library = tf_keras.layers, tfmot.quantization.keras
    graph, ranges = converter.graph, converter.ranges(settings)
    # A tensor is the output of the last of the layers that were fused to give it.
    outputs = {names[0]: r for tensor, r in ranges.items() if (names := graph.layers(tensor))}
    untouched = _stem(model) if settings.float_ends else set()

    def annotate(layer: Any) -> Any:
        if isinstance(layer, layers.InputLayer) or layer.name in untouched:
            return layer
        kernel = ""
        if isinstance(layer, layers.DepthwiseConv2D):
            kernel = "depthwise_kernel"
        elif isinstance(layer, layers.Conv2D):
            kernel = "kernel"
        # All are annotated: the library rounds what comes before an annotated one as it likes.
        return library.quantize_annotate_layer(layer, Rounding(kernel, outputs.get(layer.name)))

    annotated = tf_keras.models.clone_model(model, clone_function=annotate)
    with library.quantize_scope({"Rounding": Rounding}):
        student = library.quantize_apply(annotated)
    for layer in student.layers:
        # Its statistics are those of all the training that was: a few steps would spoil them.
        if isinstance(inner := getattr(layer, "layer", layer), layers.BatchNormalization):
            inner.trainable = False
    for variable in student.variables:  # of the layer that the library adds to round the image
        for end, limit in zip(("min", "max"), ranges[graph.entry], strict=True):
            if variable.name == f"quantize_layer/quantize_layer_{end}:0":
                variable.assign(limit)
    return student


def _stem(model: Any) -> set[str]:
    """Names of the first convolution, of what comes before it and of its batch normalisation."""
    names = set()
    for layer in model.layers:
        names.add(layer.name)
        if isinstance(layer, tf_keras.layers.Conv2D):
            break
    return names | {node.outbound_layer.name for node in layer.outbound_nodes}


def _rate(highest: float, steps: int) -> Any:
    warmup = min(WARMUP, steps // 2)
    return tf_keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else highest, steps - warmup,
        warmup_target=highest if warmup else None, warmup_steps=warmup,
    )  # fmt: skip


def _learning(teacher: Any, student: Any, head: Head, rate: Any) -> Callable[[Any], Any]:
    """One step of training: images to the loss."""
    optimizer = tf_keras.optimizers.Adam(rate)
    variables = [v for v in student.trainable_variables if v.name.endswith("kernel:0")]

    def margin(features: Any) -> Any:
        hidden = tf.nn.relu(tf.reduce_mean(features, [1, 2]) @ head.hidden + head.hidden_bias)
        return tf.linalg.matvec(hidden, head.direction) + head.offset

    def learn(images: Any) -> Any:
        wanted = teacher(images, training=False)
        with tf.GradientTape() as tape:
            found = student(images, training=True)
            loss = tf.reduce_mean((margin(found) - margin(wanted)) ** 2)
            # The margin alone says too little of each image; the map needs the features besides.
            loss += tf.reduce_mean((found - wanted) ** 2) / tf.reduce_mean(wanted**2)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    step: Callable[[Any], Any] = tf.function(learn)
    return step


def _drawn(batches: TrainingBatches, steps: int) -> Iterator[npt.NDArray[np.float32]]:
    """Images of so many batches, epoch after epoch."""
    for step in range(steps):
        epoch, place = divmod(step, len(batches))
        if not place:
            batches.start(epoch)
        yield batches[place][0]


def _tensors(student: Any, weights: Weights) -> dict[str, npt.NDArray[Any]]:
    """What the student has learnt, by the names that the network's weights have."""
    held = {name.removeprefix("quant_"): value for name, value in tensors_of(student).items()}
    return {name: value for name, value in held.items() if name in weights.tensors}
