"""The dilated residual network of Liang & Zheng (2019), at any width and depth, in any Keras.

Source: G. Liang and L. Zheng, "A transfer learning method with deep residual network for
pediatric pneumonia diagnosis", Computer Methods and Programs in Biomedicine, 2019,
doi 10.1016/j.cmpb.2019.06.023. The bottleneck follows He et al., "Deep residual learning
for image recognition", CVPR 2016; the dilation follows Yu et al., "Dilated residual
networks", CVPR 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

EXPANSION = 4
"""A bottleneck gives this many times the channels of its 3x3 convolution (He et al. 2016)."""

OUTPUTS = ("normal", "pneumonia")
"""What the first two sigmoid outputs stand for, in order; a recipe may ask for more."""


def direction(outputs: int) -> npt.NDArray[np.float32]:
    """(outputs,) logits times this is the margin: logit of pneumonia minus logit of normal."""
    return np.array([-1.0, 1.0] + [0.0] * (outputs - len(OUTPUTS)), np.float32)


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of one member of the family.

    Attributes:
        width: channels of the stem; stage s has ``width * 2**s`` channels inside its bottlenecks.
        depths: bottlenecks per stage.
        strides: spatial stride of each stage's first bottleneck.
        dilations: dilation of the 3x3 convolutions of each stage.
        input_size: side of the square input, in pixels.
        channels: channels of the input.
        dense: units of the hidden dense layer.
        dropout: share of the final feature map dropped in training, in [0, 1).
        outputs: independent sigmoid outputs.
        pruned: channels of each of `groups`, in their order, where they are fewer than ``width``
            says; empty for a network that nothing was taken from.
    """

    width: int = 64
    depths: tuple[int, ...] = (3, 4, 6, 3)
    strides: tuple[int, ...] = (1, 2, 1, 1)
    dilations: tuple[int, ...] = (1, 1, 2, 4)
    input_size: int = 150
    channels: int = 1
    dense: int = 128
    dropout: float = 0.5
    outputs: int = len(OUTPUTS)
    pruned: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.depths) == len(self.strides) == len(self.dilations) > 0:
            raise ValueError(
                "depths, strides and dilations need one entry for each stage. Received: "
                f"depths={self.depths}, strides={self.strides}, dilations={self.dilations}"
            )
        sizes = (self.width, self.input_size, self.channels, self.dense, self.outputs)
        if min(sizes + self.depths + self.strides + self.dilations) < 1:
            raise ValueError(f"Every size of the network must be at least 1. Received: {self}")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout must be in [0, 1). Received: {self.dropout}")
        whole = self._unpruned()
        if self.pruned and not (
            len(self.pruned) == len(whole)
            and all(1 <= n <= most for n, most in zip(self.pruned, whole.values(), strict=True))
        ):
            raise ValueError(
                "pruned must leave at least one channel of each group and at most all of them, "
                f"{whole}. Received: {self.pruned}"
            )

    @property
    def features(self) -> int:
        """Channels of the final feature map."""
        return self.groups[f"stage{len(self.depths)}"]

    @property
    def groups(self) -> dict[str, int]:
        """Channels by group: those that only go together, because they are added to one another.

        They are ``stem``; then for each stage ``stage1``, what all its bottlenecks give and its
        projection too; and ``stage1_block1_1`` and ``stage1_block1_2`` and so on, what the first
        two convolutions of each bottleneck give.
        """
        whole = self._unpruned()
        return dict(zip(whole, self.pruned, strict=True)) if self.pruned else whole

    def _unpruned(self) -> dict[str, int]:
        groups = {"stem": self.width}
        for stage, depth in enumerate(self.depths):
            inner = self.width * 2**stage
            groups[f"stage{stage + 1}"] = inner * EXPANSION
            for block in range(depth):
                name = f"stage{stage + 1}_block{block + 1}"
                groups |= {f"{name}_1": inner, f"{name}_2": inner}
        return groups


def build(config: NetworkConfig, keras: Any) -> Any:
    """Build the network with the layers of one Keras.

    Layer names do not depend on the namespace, so weights move between Keras 3 and tf-keras by
    name (`copy_weights`). Every convolution is free of bias and followed by batch normalisation.

    Args:
        config: shape of the network.
        keras: the module to take layers from: ``keras`` (Keras 3) or ``tf_keras``.

    Returns:
        An uncompiled model from ``(batch, size, size, channels)`` standardised grey values to
        ``(batch, outputs)`` probabilities in [0, 1]. Layer ``features`` holds the final
        ``(batch, h, w, config.features)`` feature map and layer ``logits`` the values before the
        sigmoid.
    """
    layers = keras.layers
    size, groups = config.input_size, config.groups
    inputs = keras.Input((size, size, config.channels), name="image")
    x = _convolution(layers, inputs, "stem", groups["stem"], 3, stride=2)
    x = layers.Activation("relu", name="stem_relu")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x)
    stages = zip(config.depths, config.strides, config.dilations, strict=True)
    for stage, (depth, stride, dilation) in enumerate(stages):
        for block in range(depth):
            name = f"stage{stage + 1}_block{block + 1}"
            x = _bottleneck(
                layers,
                x,
                name,
                (groups[f"{name}_1"], groups[f"{name}_2"], groups[f"stage{stage + 1}"]),
                stride=stride if block == 0 else 1,
                dilation=dilation,
                project=block == 0,
            )
    x = layers.Activation("linear", name="features")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(config.dense, activation="relu", name="dense")(x)
    x = layers.Dense(config.outputs, name="logits")(x)
    # Probabilities stay float32 under mixed precision: half precision has no room near 0 and 1.
    x = layers.Activation("sigmoid", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, x, name=f"dilated_resnet_w{config.width}")


def copy_weights(source: Any, target: Any) -> None:
    """Copy every weight from one model to another of the same layer names, across namespaces.

    Raises:
        ValueError: a layer with weights stands in one model only, or its shapes differ.
    """
    theirs = {layer.name: layer for layer in source.layers if layer.weights}
    ours = {layer.name: layer for layer in target.layers if layer.weights}
    if theirs.keys() != ours.keys():
        raise ValueError(
            "Both models need the same named layers. Received layers in one only: "
            f"{sorted(theirs.keys() ^ ours.keys())}"
        )
    for name, layer in ours.items():
        layer.set_weights(theirs[name].get_weights())


def _convolution(
    layers: Any, x: Any, name: str, filters: int, kernel: int, stride: int = 1, dilation: int = 1
) -> Any:
    """A convolution and its batch normalisation."""
    x = layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        dilation_rate=dilation,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def _bottleneck(
    layers: Any,
    x: Any,
    name: str,
    filters: tuple[int, int, int],
    *,
    stride: int,
    dilation: int,
    project: bool,
) -> Any:
    """1x1 down, 3x3 dilated, 1x1 up, added to the input (projected where the shape changes)."""
    first, second, out = filters
    shortcut = x
    if project:
        shortcut = _convolution(layers, x, f"{name}_0", out, 1, stride)
    x = _convolution(layers, x, f"{name}_1", first, 1, stride)
    x = layers.Activation("relu", name=f"{name}_1_relu")(x)
    x = _convolution(layers, x, f"{name}_2", second, 3, dilation=dilation)
    x = layers.Activation("relu", name=f"{name}_2_relu")(x)
    x = _convolution(layers, x, f"{name}_3", out, 1)
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x)
