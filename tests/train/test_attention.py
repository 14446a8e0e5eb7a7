"""The closed form is Grad-CAM: its weights are the gradient of the margin."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from train.attention import attention_maps, head_of
from train.network import NetworkConfig, build

CONFIG = NetworkConfig(
    width=1, depths=(1, 1), strides=(1, 2), dilations=(1, 2), input_size=32, dense=12, outputs=3
)


@pytest.fixture(scope="module")
def model() -> Any:
    keras.utils.set_random_seed(3)
    return build(CONFIG, keras)


@pytest.fixture(scope="module")
def features() -> Any:
    rng = np.random.default_rng(0)
    return rng.exponential(size=(6, 4, 4, CONFIG.features)).astype(np.float32)


@pytest.fixture(scope="module")
def layers(model: Any) -> Any:
    """The network's own layers from the final feature map to the logits."""
    return keras.Model(model.get_layer("features").output, model.get_layer("logits").output)


def margins(layers: Any, features: Any) -> Any:
    logits = np.asarray(layers.predict_on_batch(features), np.float64)
    return logits[:, 1] - logits[:, 0]


def test_head_gives_the_margin(model: Any, layers: Any, features: Any) -> None:
    head = head_of(model)
    hidden = np.maximum(features.mean(axis=(1, 2)) @ head.hidden + head.hidden_bias, 0)
    assert 0.1 < (hidden > 0).mean() < 0.9  # some units rest, or the mask would do nothing
    found = hidden @ head.direction + head.offset
    np.testing.assert_allclose(found, margins(layers, features), atol=1e-5)


def test_maps_are_weighted_by_the_gradient(model: Any, layers: Any, features: Any) -> None:
    step = 1e-3  # small enough that no hidden unit wakes or rests by it
    before = margins(layers, features)
    gradient = np.empty((len(features), CONFIG.features))
    for channel in range(CONFIG.features):
        moved = features.copy()
        moved[..., channel] += step
        gradient[:, channel] = (margins(layers, moved) - before) / step
    wanted = np.maximum((features * gradient[:, None, None, :]).sum(axis=-1), 0)
    found = attention_maps(head_of(model), features)
    assert found.shape == (6, 4, 4) and found.max() > 0.1
    np.testing.assert_allclose(found, wanted, atol=5e-3)
