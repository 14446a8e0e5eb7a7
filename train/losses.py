"""Cross-entropy of independent outputs of which an image may leave some unsaid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from train.network import OUTPUTS


@keras.saving.register_keras_serializable("pneumokiosk")
class KnownCrossentropy(keras.losses.Loss):  # type: ignore[misc]  # keras has no types
    """Mean binary cross-entropy of the outputs whose target is a number.

    Args:
        main: (outputs,) whether an output is what the network is for; the others are auxiliary.
        auxiliary: weight of the mean over the auxiliary outputs beside the mean over the main ones.
        positive_weights: (outputs,) of each output's positive targets; all 1 where none.
    """

    def __init__(
        self,
        main: Sequence[bool],
        auxiliary: float = 1.0,
        positive_weights: Sequence[float] | None = None,
        name: str = "known_crossentropy",
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        self.main = list(main)
        self.auxiliary = auxiliary
        self.positive_weights = list(positive_weights or [1.0] * len(self.main))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) targets and probabilities to (batch,) losses."""
        known = ops.logical_not(ops.isnan(y_true))
        wanted = ops.where(known, y_true, ops.zeros_like(y_true))
        given = ops.clip(y_pred, 1e-7, 1 - 1e-7)
        positive = wanted * ops.log(given) * ops.cast(self.positive_weights, given.dtype)
        entropy = -positive - (1 - wanted) * ops.log(1 - given)
        counted = ops.cast(known, given.dtype)
        main = ops.cast(self.main, given.dtype)
        return _mean(entropy, counted * main) + self.auxiliary * _mean(
            entropy, counted * (1 - main)
        )

    def get_config(self) -> dict[str, Any]:
        """Settings that rebuild the loss from a checkpoint."""
        own = {
            "main": self.main,
            "auxiliary": self.auxiliary,
            "positive_weights": self.positive_weights,
        }
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("pneumokiosk")
class AttentiveCrossentropy(KnownCrossentropy):
    """Cross-entropy, and how far the network looks elsewhere than its teachers.

    Source: S. Zagoruyko and N. Komodakis, "Paying more attention to attention: improving the
    performance of convolutional neural networks via attention transfer", ICLR 2017. They compare
    activations; here it is the map that the kiosk shows (`train.attentive`).

    Args:
        main: as of `KnownCrossentropy`.
        auxiliary: as of `KnownCrossentropy`.
        positive_weights: as of `KnownCrossentropy`.
        attention: weight of the squared difference of the maps, which is at most 4.
    """

    def __init__(
        self,
        main: Sequence[bool],
        auxiliary: float = 1.0,
        positive_weights: Sequence[float] | None = None,
        attention: float = 1.0,
        name: str = "attentive_crossentropy",
        **options: Any,
    ) -> None:
        super().__init__(main, auxiliary, positive_weights, name, **options)
        self.attention = attention

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs + cells) targets and answers, maps last, to (batch,) losses."""
        outputs = len(self.main)
        entropy = super().call(y_true[:, :outputs], y_pred[:, :outputs])
        apart = ops.square(y_true[:, outputs:] - y_pred[:, outputs:])
        return entropy + self.attention * ops.sum(apart, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Settings that rebuild the loss from a checkpoint."""
        return {**super().get_config(), "attention": self.attention}


def _mean(values: Any, weights: Any) -> Any:
    """Weighted mean over the outputs; 0 where nothing counts."""
    return ops.sum(values * weights, axis=-1) / ops.maximum(ops.sum(weights, axis=-1), 1.0)


def main_outputs(outputs: Sequence[str]) -> list[bool]:
    """The two outputs that screen; or all, of a network that does not screen."""
    screens = set(OUTPUTS) <= set(outputs)
    return [name in OUTPUTS or not screens for name in outputs]


def balancing_weights(targets: npt.NDArray[np.float32], largest: float = 10.0) -> list[float]:
    """How much more a positive counts than a negative for each output: at most ``largest``.

    Args:
        targets: (n, outputs) of 0, 1 or not a number.
        largest: the rarest findings would otherwise drown the others in noise.
    """
    positive = np.nansum(targets == 1, axis=0)
    negative = np.nansum(targets == 0, axis=0)
    return [float(w) for w in np.clip(negative / np.maximum(positive, 1), 1.0, largest)]
