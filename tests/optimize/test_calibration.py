"""Ranges hold what matters of the values that a network's tensors were seen to take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tf_keras

from optimize.artifact import Samples
from optimize.calibration import (
    RANGES,
    SAMPLE,
    Observed,
    minmax_range,
    mse_range,
    observe,
    percentile_range,
)
from optimize.float_graph import FloatGraph
from optimize.tflite import convert_with_ranges
from train.weights import Weights, build_trained


def observed(values: Any) -> Observed:
    """As if each row were what a tensor held for one image."""
    rows = np.asarray(values, np.float32)
    return Observed(rows.min(axis=1), rows.max(axis=1), rows, rows.mean(axis=0))


@pytest.fixture(scope="module")
def wild() -> Observed:
    """Values of a bell curve, and two far from it."""
    values = np.random.default_rng(0).normal(size=(64, SAMPLE))
    values[3, 5], values[40, 7] = 90.0, -50.0
    return observed(values)


def squared_error(values: Any, low: float, high: float) -> float:
    """Of rounding to 256 steps, zero among them, and clipping."""
    step = (high - low) / 255
    zero = np.round(-low / step)
    integers = np.clip(np.round(values / step) + zero, 0, 255)
    return float((((integers - zero) * step - values) ** 2).mean())


def test_minmax_holds_every_value(wild: Observed) -> None:
    assert minmax_range(wild) == (-50.0, 90.0)


def test_percentile_clips_what_is_rare_however_far_it_lies(wild: Observed) -> None:
    low, high = percentile_range(wild)
    assert -6.0 < low < -2.5 and 2.5 < high < 6.0


def test_least_squares_clip_a_long_tail() -> None:
    tail = observed(np.random.default_rng(3).standard_t(3, size=(64, SAMPLE)))
    found, widest = mse_range(tail), minmax_range(tail)
    assert 0.1 * widest[0] > found[0] > 0.9 * widest[0]
    assert 0.1 * widest[1] < found[1] < 0.9 * widest[1]


def test_percentile_clips_the_share_that_it_says() -> None:
    low, high = percentile_range(observed(np.arange(1001)[None]), 99.0)
    assert (low, high) == (10.0, 990.0)


@pytest.mark.parametrize("draw", ["normal", "laplace", "exponential", "uniform"])
def test_no_range_on_a_grid_has_a_smaller_squared_error(draw: str) -> None:
    values = getattr(np.random.default_rng(1), draw)(size=(8, 4096)).astype(np.float32)
    values[:, ::2] = np.maximum(values[:, ::2], 0)  # as after a ReLU
    found = squared_error(values, *mse_range(observed(values)))
    shares = np.linspace(0.1, 1.0, 19)
    lowest, highest = min(0.0, float(values.min())), float(values.max())
    grid = [
        squared_error(values, low, high)
        for low in (lowest * shares if lowest < 0 else [0.0])
        for high in highest * shares
    ]
    assert found <= 1.03 * min(grid)


def test_values_that_int8_holds_exactly_are_not_clipped() -> None:
    """What is 0 or 6, as the mask of the attention map is."""
    values = 6.0 * (np.random.default_rng(2).random((16, 512)) < 0.3)
    assert mse_range(observed(values)) == (0.0, 6.0)


@pytest.mark.parametrize("name", RANGES)
def test_a_tensor_of_zeros_has_a_range(name: str) -> None:
    assert RANGES[name](observed(np.zeros((3, 10)))) == (0.0, 0.0)


def test_observed_is_what_the_network_computes(
    tiny_weights: Weights, tiny_samples: Samples
) -> None:
    images = tiny_samples.calibration[:5]
    content = convert_with_ranges(tiny_weights, images[0])
    graph = FloatGraph(content)
    found = observe(content, graph.activations, images)
    assert set(found) == set(graph.activations)
    np.testing.assert_allclose(found[graph.entry].lows, [image.min() for image in images])

    tensor = next(t for t in found if "stage1_block1_add" in graph.layers(t))
    model = build_trained(tiny_weights, tf_keras)
    network = tf_keras.Model(model.input, model.get_layer(graph.layers(tensor)[0]).output)
    wanted = network.predict_on_batch(np.stack(images))
    seen = found[tensor]
    np.testing.assert_allclose(seen.highs, wanted.max(axis=(1, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(seen.lows, wanted.min(axis=(1, 2, 3)), atol=1e-4)
    np.testing.assert_allclose(seen.mean[0], wanted.mean(axis=0), atol=1e-4)
    assert seen.values.shape == (5, SAMPLE)
    assert np.isin(np.round(seen.values[0], 3), np.round(wanted[0], 3)).mean() > 0.95
