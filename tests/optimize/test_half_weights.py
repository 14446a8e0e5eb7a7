"""Large weights in float16 change a network little and are widened by the delegate itself."""

from __future__ import annotations

import numpy as np
import pytest

from edge.runtime import Model
from optimize.artifact import Samples
from optimize.half_weights import with_half_weights
from optimize.tflite import census, convert
from train.weights import Weights


@pytest.fixture(scope="module")
def single(tiny_weights: Weights) -> bytes:
    return convert(tiny_weights)


@pytest.fixture(scope="module")
def half(single: bytes) -> bytes:
    return with_half_weights(single, large=100)


def test_file_is_smaller_and_stays_one_piece(single: bytes, half: bytes) -> None:
    before, after = census(single), census(half)
    assert len(half) < len(single)
    assert after.partitions == before.partitions == 1
    assert after.operations.pop("DEQUANTIZE") >= 1
    assert after.operations == before.operations


def test_margins_and_maps_hardly_change(single: bytes, half: bytes, tiny_samples: Samples) -> None:
    changed = False
    for image in tiny_samples.comparison:
        before, after = Model(single).predict(image), Model(half).predict(image)
        assert after.margin == pytest.approx(before.margin, abs=5e-3)
        largest = max(float(before.attention.max()), 1e-6)
        np.testing.assert_allclose(after.attention, before.attention, atol=0.02 * largest)
        changed = changed or after.margin != before.margin
    assert changed


def test_small_weights_stay(single: bytes, tiny_samples: Samples) -> None:
    same = with_half_weights(single, large=10**9)
    assert "DEQUANTIZE" not in census(same).operations
    for image in tiny_samples.comparison:
        assert Model(same).predict(image).margin == Model(single).predict(image).margin
