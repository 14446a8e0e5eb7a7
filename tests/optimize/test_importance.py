"""Importance finds what is dead, and Taylor importance is what its name says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
import pytest

from edge.errors import DataRefused
from edge.preprocess import preprocess
from optimize.channels import plan_channels
from optimize.importance import CRITERIA, importance
from train.augmentation import Pixels
from train.batches import Batch
from train.network import NetworkConfig
from train.weights import Weights, build_trained

CONFIG = NetworkConfig(
    width=4, depths=(2, 1), strides=(1, 2), dilations=(1, 2), input_size=32, dense=8
)
GIVEN_BY = {
    "stem": ("stem",),
    "stage1": ("stage1_block1_0", "stage1_block1_3", "stage1_block2_3"),
    "stage1_block2_1": ("stage1_block2_1",),
    "stage2_block1_2": ("stage2_block1_2",),
}


@pytest.fixture(scope="module")
def weights(make_weights: Callable[..., Weights]) -> Weights:
    return make_weights(CONFIG, 21)


@pytest.fixture(scope="module")
def batches(weights: Weights, films: list[Pixels]) -> list[Batch]:
    images = np.stack([preprocess(film, weights.recipe.input) for film in films[:10]])
    pneumonia = np.arange(10) % 2
    targets = np.stack([1 - pneumonia, pneumonia], axis=1).astype(np.float32)
    return [(images[:6], targets[:6]), (images[6:], targets[6:])]


def scaled(weights: Weights, group: str, channel: int, factor: float) -> Weights:
    """Everything that gives one channel of a group, kernel and normalisation, times a factor."""
    tensors = dict(weights.tensors)
    for name in GIVEN_BY[group]:
        for tensor in (f"{name}_bn/gamma", f"{name}_bn/beta", f"{name}_conv/kernel"):
            tensors[tensor] = tensors[tensor].copy()
            # What normalisation makes of a kernel is no matter here: only zero scales it too.
            if not tensor.endswith("kernel") or factor == 0:
                tensors[tensor][..., channel] *= factor
    return replace(weights, tensors=tensors)


def losses(weights: Weights, batches: list[Batch]) -> np.ndarray:
    """Cross-entropy of each image."""
    model = build_trained(weights, keras)
    logits = keras.Model(model.input, model.get_layer("logits").output)
    images, targets = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    z = np.asarray(logits.predict(images, verbose=0), np.float64)
    return np.asarray((np.logaddexp(0, z) - targets * z).mean(axis=1))


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("group", GIVEN_BY)
def test_dead_channels_are_found_and_go(
    weights: Weights, batches: list[Batch], criterion: str, group: str
) -> None:
    planted = scaled(weights, group, 2, 0.0)
    scores = importance(planted, criterion, batches)
    assert scores.keys() == CONFIG.groups.keys()
    for name, values in scores.items():
        assert values.shape == (CONFIG.groups[name],)
        assert (values >= 0).all()
        # A ReLU that rests for all images is dead for Taylor as well, planted or not.
        assert criterion == "taylor" or (values > 0).sum() == len(values) - (name == group)
    assert scores[group][2] == 0
    assert 2 not in plan_channels(planted, scores, 0.5)[group]


@pytest.mark.parametrize("group", GIVEN_BY)
def test_taylor_is_the_change_of_the_loss_to_first_order(
    weights: Weights, batches: list[Batch], group: str
) -> None:
    scores = importance(weights, "taylor", batches)[group]
    step = 1e-3
    before = losses(scaled(weights, group, 0, 1 + step), batches)
    after = losses(scaled(weights, group, 0, 1 - step), batches)
    expected = np.abs((before - after) / (2 * step)).mean()
    assert expected > 1e-4
    assert scores[0] == pytest.approx(expected, rel=0.02)


def test_taylor_does_not_depend_on_the_batches(weights: Weights, batches: list[Batch]) -> None:
    images, targets = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    apart, together = (importance(weights, "taylor", b) for b in (batches, [(images, targets)]))
    for group, values in apart.items():
        np.testing.assert_allclose(values, together[group], rtol=1e-3, atol=1e-7)


def test_further_outputs_do_not_count(weights: Weights, batches: list[Batch]) -> None:
    """A third output, unknown for every image, changes nothing."""
    recipe = weights.recipe
    network = replace(recipe.network, outputs=3)
    outputs = (*recipe.outputs, "viral")
    tensors = dict(weights.tensors)
    for name in ("logits/kernel", "logits/bias"):
        tensors[name] = np.concatenate([tensors[name], tensors[name][..., :1]], axis=-1)
    more = Weights(tensors, replace(recipe, network=network, outputs=outputs))
    unknown = [(x, np.concatenate([y, np.full_like(y[:, :1], np.nan)], axis=1)) for x, y in batches]
    scores, expected = (
        importance(w, "taylor", b) for w, b in ((more, unknown), (weights, batches))
    )
    for group, values in scores.items():
        np.testing.assert_allclose(values, expected[group], rtol=1e-4, atol=1e-8)


def test_refusals_name_their_code(weights: Weights, batches: list[Batch]) -> None:
    findings = replace(weights.recipe, outputs=("Mass", "Edema"))
    rival = replace(weights.recipe, architecture="vgg16")
    cases: tuple[tuple[str, Weights, str, list[Batch]], ...] = (
        ("missing_images", weights, "taylor", []),
        ("missing_images", replace(weights, recipe=findings), "taylor", batches),
        ("unknown_importance", weights, "magnitude", batches),
        ("not_prunable", replace(weights, recipe=rival), "gamma", []),
    )
    for code, network, criterion, images in cases:
        with pytest.raises(DataRefused) as refusal:
            importance(network, criterion, images)
        assert refusal.value.code == code
