"""A network that gives its attention map beside its probabilities, so that a loss can reach it.

Before it is cut off at 0, the map of `train.attention` is made of products of the features and of
the kernels of the dense layers. That has gradients on every backend.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from train.network import direction

GRID = 6
"""Side of the maps that are compared: EfficientNet-Lite0 sees no finer at 192 pixels."""
FLOOR = 1e-3
"""Smallest length of a map that is brought to 1; below, it says nothing."""


@keras.saving.register_keras_serializable("pneumokiosk")
class Attentive(keras.Model):  # type: ignore[misc]  # keras has no types
    """From images to ``(batch, outputs + GRID * GRID)``: probabilities, then the map row by row.

    The map shows what speaks for pneumonia above 0 and what speaks against it below, averaged over
    the places of the grid, with the sum of its squares 1. Its sum would not do as a measure: it can
    be 0. The layers are those of the network, so that its weights are found by the same names.
    """

    def __init__(self, network: Any, **options: Any) -> None:
        """Wrap a model from images to probabilities, features and hidden units."""
        super().__init__(**options)
        self.network = network
        self.built = True

    @property
    def layers(self) -> list[Any]:
        """The network's own."""
        return list(self.network.layers)

    def call(self, images: Any, training: bool | None = None) -> Any:
        """(batch, size, size, 1) to (batch, outputs + GRID * GRID), float32."""
        probabilities, features, hidden = self.network(images, training=training)
        features = ops.cast(features, "float32")
        head, last = (
            ops.cast(self.get_layer(name).kernel, "float32") for name in ("dense", "logits")
        )
        along = ops.matmul(last, ops.convert_to_tensor(direction(last.shape[1])[:, None]))
        active = ops.cast(hidden > 0, "float32")
        weights = ops.matmul(active * ops.transpose(along), ops.transpose(head))
        rows, columns = (ops.convert_to_tensor(averaging(n)) for n in features.shape[1:3])
        maps = ops.einsum("nhwc,nc->nhw", features, weights)
        maps = ops.einsum("gh,nhw,kw->ngk", rows, maps, columns)
        maps = ops.reshape(maps, (-1, GRID * GRID))
        squares = ops.sum(ops.square(maps), axis=-1, keepdims=True)
        return ops.concatenate(
            [probabilities, maps * ops.rsqrt(ops.maximum(squares, FLOOR**2))], axis=-1
        )

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the model from a checkpoint."""
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Attentive:
        """Rebuild the model; its weights come after."""
        network = keras.saving.deserialize_keras_object(config["network"])
        return cls(**{**config, "network": network})


def attentive(network: Any) -> Attentive:
    """Let a network of any architecture give its map; both share their weights.

    Args:
        network: what `train.rivals.build_network` makes, its outputs beginning with those of
            `train.network.OUTPUTS`.
    """
    parts = [network.output, *(network.get_layer(name).output for name in ("features", "dense"))]
    return Attentive(keras.Model(network.input, parts, name=network.name))


def averaging(places: int) -> npt.NDArray[np.float32]:
    """(GRID, places) matrix that averages over a side of a map, by shares of overlap."""
    cell, place = np.arange(GRID)[:, None], np.arange(places)[None]
    ends = np.minimum((cell + 1) / GRID, (place + 1) / places)
    starts = np.maximum(cell / GRID, place / places)
    return np.asarray(GRID * np.maximum(ends - starts, 0), np.float32)
