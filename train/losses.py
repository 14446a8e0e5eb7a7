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
    """Weighted sum of the binary cross-entropies of the outputs whose target is a number.

    Args:
        weights: of each output in the sum, (outputs,).
        positive_weights: of each output's positive targets, (outputs,); all 1 where none.
    """

    def __init__(
        self,
        weights: Sequence[float],
        positive_weights: Sequence[float] | None = None,
        name: str = "known_crossentropy",
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        self.weights = list(weights)
        self.positive_weights = list(positive_weights or [1.0] * len(self.weights))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """(batch, outputs) targets and probabilities to (batch,) losses."""
        known = ops.logical_not(ops.isnan(y_true))
        wanted = ops.where(known, y_true, ops.zeros_like(y_true))
        given = ops.clip(y_pred, 1e-7, 1 - 1e-7)
        positive = wanted * ops.log(given) * ops.cast(self.positive_weights, given.dtype)
        entropy = -positive - (1 - wanted) * ops.log(1 - given)
        weighted = entropy * ops.cast(self.weights, given.dtype)
        return ops.sum(ops.where(known, weighted, ops.zeros_like(weighted)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Settings that rebuild the loss from a checkpoint."""
        own = {"weights": self.weights, "positive_weights": self.positive_weights}
        return {**super().get_config(), **own}


def output_weights(outputs: Sequence[str], auxiliary: float) -> list[float]:
    """The two outputs that decide share a weight of 1; all others share ``auxiliary``."""
    others = sum(name not in OUTPUTS for name in outputs)
    return [1 / len(OUTPUTS) if name in OUTPUTS else auxiliary / others for name in outputs]


def balancing_weights(targets: npt.NDArray[np.float32], largest: float = 10.0) -> list[float]:
    """How much more a positive counts than a negative for each output: at most ``largest``.

    Args:
        targets: (n, outputs) of 0, 1 or not a number.
        largest: the rarest findings would otherwise drown the others in noise.
    """
    positive = np.nansum(targets == 1, axis=0)
    negative = np.nansum(targets == 0, axis=0)
    return [float(w) for w in np.clip(negative / np.maximum(positive, 1), 1.0, largest)]
