"""The attention map of a network in closed form: Grad-CAM without gradients.

With global average pooling and two dense layers the Grad-CAM weights (Selvaraju et al., ICCV
2017) have a closed form: the gradient of the margin with respect to the pooled features is
``W1 (mask * w)``, where ``mask`` marks the active hidden units and ``w`` is the difference of the
output columns of pneumonia and normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from train.network import direction

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """What follows the pooled features of a network, as far as the margin needs it.

    Attributes:
        hidden: (features, units) kernel of the hidden dense layer.
        hidden_bias: (units,).
        direction: (units,) output column of pneumonia minus that of normal.
        offset: of the margin.
    """

    hidden: Floats
    hidden_bias: Floats
    direction: Floats
    offset: float


def head_of(model: Any) -> Head:
    """Take the head out of a Keras 3 or tf-keras model with the layers ``dense`` and ``logits``."""
    hidden, hidden_bias = model.get_layer("dense").get_weights()
    output, output_bias = model.get_layer("logits").get_weights()
    along = direction(output.shape[1])
    return Head(hidden, hidden_bias, output @ along, float(output_bias @ along))


def attention_maps(head: Head, features: npt.NDArray[Any]) -> Floats:
    """What the network looked at, not an outline of disease.

    Args:
        head: of the network.
        features: (n, h, w, channels) output of its layer ``features``.

    Returns:
        (n, h, w), at least 0: how much each place speaks for pneumonia.
    """
    maps = np.asarray(features, np.float32)
    active = maps.mean(axis=(1, 2)) @ head.hidden + head.hidden_bias > 0
    weights = (active * head.direction) @ head.hidden.T
    return np.asarray(np.maximum(np.einsum("nhwc,nc->nhw", maps, weights), 0), np.float32)
