"""A smaller network is found to be faster, and the search for a share finds the largest."""

from __future__ import annotations

from dataclasses import replace

import keras
import pytest

from edge.preprocess import InputContract
from optimize.latency import BISECTIONS, largest_share, relative_latency
from optimize.tflite import convert
from train.network import build
from train.recipe import Recipe
from train.weights import Weights, weights_of


@pytest.fixture(scope="module")
def small(tiny_weights: Weights) -> bytes:
    return convert(tiny_weights)


@pytest.fixture(scope="module")
def large(tiny_weights: Weights) -> bytes:
    network = replace(tiny_weights.recipe.network, width=64)
    recipe = Recipe(network=network, input=tiny_weights.recipe.input)
    return convert(weights_of(build(network, keras), recipe))


def test_a_network_is_timed_against_another(small: bytes, large: bytes) -> None:
    contract = InputContract(size=32)
    assert relative_latency(small, large, contract) < 0.8
    assert relative_latency(large, small, contract) > 1.2
    assert 0.5 < relative_latency(large, large, contract) < 2


@pytest.mark.parametrize("limit", [0.9, 0.25, 0.04])
def test_the_largest_share_that_keeps_the_limit_is_found(limit: float) -> None:
    tried = []

    def latency(share: float) -> float:
        tried.append(share)
        return share**2

    found = largest_share(latency, limit)
    assert found is not None
    assert limit**0.5 - 2**-BISECTIONS <= found <= limit**0.5
    assert len(tried) == BISECTIONS


def test_no_share_keeps_a_limit_below_what_any_network_takes() -> None:
    assert largest_share(lambda share: 0.5 + share / 2, 0.4) is None
