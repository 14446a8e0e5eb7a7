"""The network is the paper's, at any size, and the same function in both Keras namespaces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras

from train.network import NetworkConfig, build, copy_weights

SHORT: dict[str, Any] = {"depths": (1, 1), "strides": (1, 2), "dilations": (1, 2)}
SMALL = NetworkConfig(width=4, input_size=48, **SHORT)
FAMILY = [
    NetworkConfig(width=4, input_size=48),
    NetworkConfig(
        width=4, input_size=33, channels=3, dense=7, outputs=3, dropout=0.0, depths=(1, 1, 1, 1)
    ),
    NetworkConfig(width=4, input_size=40, depths=(1, 2, 1), strides=(1, 2, 2), dilations=(2, 1, 3)),
    NetworkConfig(width=4, input_size=48, pruned=(3, 9, 2, 4, 25, 5, 1), **SHORT),
]


def convolutions(model: Any) -> list[Any]:
    return [layer for layer in model.layers if type(layer).__name__ == "Conv2D"]


def main_path(model: Any) -> list[Any]:
    return [layer for layer in convolutions(model) if "_0_conv" not in layer.name]


def fill_at_random(model: Any, seed: int) -> None:
    """Weights and batch-norm statistics that hide no mistake: none of them 0 or 1."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        weights = layer.get_weights()
        if type(layer).__name__ == "BatchNormalization":
            size = weights[0].shape  # gamma, beta, mean, variance
            layer.set_weights(
                [
                    rng.uniform(0.5, 1.5, size),
                    rng.normal(0, 0.3, size),
                    rng.normal(0, 0.3, size),
                    rng.uniform(0.5, 2.0, size),
                ]
            )
        elif weights:
            layer.set_weights(
                [w + rng.normal(0, 0.05, w.shape).astype(np.float32) for w in weights]
            )
    # Depth lets the features grow; the scores shall not all be 0 or 1.
    features = keras.Model(model.input, model.get_layer("features").output)
    noise = rng.normal(size=(1, *model.input_shape[1:])).astype(np.float32)
    kernel, bias = model.get_layer("dense").get_weights()
    model.get_layer("dense").set_weights([kernel / np.asarray(features(noise)).mean(), bias])


def features_shape(size: int, config: NetworkConfig | None = None) -> tuple[int, ...]:
    base = config or NetworkConfig(width=1)
    model = build(replace(base, input_size=size), keras)
    return tuple(model.get_layer("features").output.shape[1:])


@pytest.fixture(scope="module")
def full_width() -> Any:
    return build(NetworkConfig(), keras)


def test_full_network_has_the_papers_shape(full_width: Any) -> None:
    assert len(main_path(full_width)) == 49
    assert full_width.count_params() == 23_814_850
    assert full_width.input_shape == (None, 150, 150, 1)
    assert full_width.get_layer("features").output.shape == (None, 19, 19, 2048)
    assert full_width.output_shape == (None, 2)
    assert NetworkConfig().features == 2048


def test_only_kernels_of_one_and_three(full_width: Any) -> None:
    assert {layer.kernel_size for layer in convolutions(full_width)} == {(1, 1), (3, 3)}
    assert full_width.get_layer("stem_conv").kernel_size == (3, 3)


def test_batch_normalisation_after_every_convolution(full_width: Any) -> None:
    for convolution in convolutions(full_width):
        followers = [node.operation for node in convolution._outbound_nodes]
        assert [type(layer).__name__ for layer in followers] == ["BatchNormalization"]
        assert not convolution.use_bias


def test_stages_are_dilated_by_one_one_two_four(full_width: Any) -> None:
    for stage, dilation in enumerate((1, 1, 2, 4), start=1):
        wide = [
            layer
            for layer in convolutions(full_width)
            if layer.name.startswith(f"stage{stage}_") and layer.kernel_size == (3, 3)
        ]
        assert {layer.dilation_rate for layer in wide} == {(dilation, dilation)}
        assert len(wide) == (3, 4, 6, 3)[stage - 1]


def test_half_of_the_features_are_dropped_before_pooling(full_width: Any) -> None:
    names = [layer.name for layer in full_width.layers]
    assert names.index("dropout") + 1 == names.index("pool")
    assert full_width.get_layer("dropout").rate == 0.5


def test_dropout_acts_in_training_only() -> None:
    model = build(replace(SMALL, dropout=0.9), keras)
    image = np.random.default_rng(0).normal(size=(1, 48, 48, 1)).astype(np.float32)
    calm = [np.asarray(model(image, training=False)) for _ in range(2)]
    np.testing.assert_array_equal(calm[0], calm[1])
    keras.utils.set_random_seed(0)
    stirred = [np.asarray(model(image, training=True)) for _ in range(2)]
    assert np.abs(stirred[0] - stirred[1]).max() > 0


@pytest.mark.parametrize(("size", "side"), [(150, 19), (151, 19), (96, 12), (224, 28), (33, 5)])
def test_final_map_is_an_eighth_of_the_input(size: int, side: int) -> None:
    assert features_shape(size, NetworkConfig(width=1, depths=(1, 1, 1, 1)))[:2] == (side, side)


def test_width_depth_dilations_and_strides_are_parameters() -> None:
    config = NetworkConfig(
        width=3,
        depths=(2, 1),
        strides=(1, 1),
        dilations=(3, 5),
        input_size=32,
        channels=2,
        dense=6,
        dropout=0.25,
        outputs=4,
    )
    model = build(config, keras)
    assert len(main_path(model)) == 1 + 3 * 3
    assert model.input_shape == (None, 32, 32, 2)
    assert model.output_shape == (None, 4)
    assert model.get_layer("features").output.shape == (None, 8, 8, config.features)
    assert config.features == 3 * 2 * 4
    assert model.get_layer("stage1_block2_2_conv").dilation_rate == (3, 3)
    assert model.get_layer("stage2_block1_2_conv").dilation_rate == (5, 5)
    assert model.get_layer("dense").units == 6
    assert model.get_layer("dropout").rate == 0.25


def test_groups_are_named_in_the_order_of_pruned() -> None:
    shape: dict[str, Any] = {"depths": (1, 2), "strides": (1, 2), "dilations": (1, 2)}
    names = [
        "stem", "stage1", "stage1_block1_1", "stage1_block1_2", "stage2", "stage2_block1_1",
        "stage2_block1_2", "stage2_block2_1", "stage2_block2_2",
    ]  # fmt: skip
    whole = (4, 16, 4, 4, 32, 8, 8, 8, 8)
    assert NetworkConfig(width=4, **shape).groups == dict(zip(names, whole, strict=True))
    pruned = (3, 10, 1, 4, 31, 7, 6, 5, 2)
    config = NetworkConfig(width=4, pruned=pruned, **shape)
    assert config.groups == dict(zip(names, pruned, strict=True))
    assert config.features == 31


def test_a_pruned_network_is_smaller_where_it_says_so() -> None:
    config = NetworkConfig(width=4, input_size=48, pruned=(3, 9, 2, 4, 25, 5, 1), **SHORT)
    model = build(config, keras)
    outputs = {layer.name: layer.output.shape[-1] for layer in convolutions(model)}
    assert outputs == {
        "stem_conv": 3,
        "stage1_block1_0_conv": 9,
        "stage1_block1_1_conv": 2,
        "stage1_block1_2_conv": 4,
        "stage1_block1_3_conv": 9,
        "stage2_block1_0_conv": 25,
        "stage2_block1_1_conv": 5,
        "stage2_block1_2_conv": 1,
        "stage2_block1_3_conv": 25,
    }
    assert model.get_layer("features").output.shape == (None, 6, 6, 25)
    assert [layer.name for layer in model.layers] == [
        layer.name for layer in build(SMALL, keras).layers
    ]


def test_every_channel_kept_is_the_same_network() -> None:
    all_kept = replace(SMALL, pruned=tuple(SMALL.groups.values()))
    ours, theirs = build(SMALL, keras), build(all_kept, keras)
    fill_at_random(ours, 5)
    copy_weights(ours, theirs)  # would refuse other shapes
    assert all_kept.groups == SMALL.groups


def test_outputs_are_independent_probabilities() -> None:
    model = build(SMALL, keras)
    fill_at_random(model, 1)
    images = np.random.default_rng(0).normal(size=(16, 48, 48, 1)).astype(np.float32)
    found = np.asarray(model.predict_on_batch(images))
    assert found.min() >= 0 and found.max() <= 1
    logits = keras.Model(model.input, model.get_layer("logits").output)
    expected = 1 / (1 + np.exp(-np.asarray(logits.predict_on_batch(images), np.float64)))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("setting", "received"),
    [
        ({"width": 0}, "width=0"),
        ({"input_size": 0}, "input_size=0"),
        ({"channels": 0}, "channels=0"),
        ({"outputs": -1}, "outputs=-1"),
        ({"dense": 0}, "dense=0"),
        ({"dropout": 1.0}, "1.0"),
        ({"dropout": -0.1}, "-0.1"),
        ({"depths": (3, 4, 6)}, "depths=(3, 4, 6)"),
        ({"depths": (3, 0, 6, 3)}, "(3, 0, 6, 3)"),
        ({"strides": (1, 2)}, "strides=(1, 2)"),
        ({"dilations": (1, 1, 2, 0)}, "(1, 1, 2, 0)"),
        ({"depths": (), "strides": (), "dilations": ()}, "depths=()"),
        ({"pruned": (64,), **SHORT}, "(64,)"),
        ({"pruned": (0, 256, 64, 64, 512, 128, 128), **SHORT}, "(0, 256"),
        ({"pruned": (64, 257, 64, 64, 512, 128, 128), **SHORT}, "(64, 257"),
    ],
)
def test_impossible_shapes_are_refused(setting: dict[str, Any], received: str) -> None:
    with pytest.raises(ValueError, match="Received") as refusal:
        NetworkConfig(**setting)
    assert received in str(refusal.value)


@pytest.mark.parametrize("config", FAMILY)
def test_both_keras_compute_the_same_function(config: NetworkConfig) -> None:
    ours, theirs = build(config, keras), build(config, tf_keras)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert ours.count_params() == theirs.count_params()
    fill_at_random(ours, 2)
    copy_weights(ours, theirs)
    side = config.input_size
    images = np.random.default_rng(3).normal(size=(4, side, side, config.channels))
    images = images.astype(np.float32)
    left = np.asarray(ours.predict_on_batch(images))
    right = np.asarray(theirs.predict_on_batch(images))
    assert left.std() > 1e-4  # the comparison below would be empty otherwise
    assert np.abs(left - right).max() < 1e-4


def test_copied_weights_come_back_unchanged() -> None:
    config = NetworkConfig(width=2, input_size=32, **SHORT)
    first, twin, second = build(config, keras), build(config, tf_keras), build(config, keras)
    fill_at_random(first, 4)
    copy_weights(first, twin)
    copy_weights(twin, second)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_of_another_depth_are_not_copied() -> None:
    shallow = build(NetworkConfig(width=2, input_size=32, **SHORT), keras)
    deeper = build(NetworkConfig(width=2, input_size=32, **{**SHORT, "depths": (1, 2)}), keras)
    with pytest.raises(ValueError, match="stage2_block2_1_conv"):
        copy_weights(shallow, deeper)
    with pytest.raises(ValueError, match="stage2_block2_1_conv"):
        copy_weights(deeper, shallow)


def test_weights_of_another_width_are_not_copied() -> None:
    narrow = build(NetworkConfig(width=1, input_size=32, **SHORT), keras)
    wide = build(NetworkConfig(width=2, input_size=32, **SHORT), tf_keras)
    with pytest.raises(ValueError, match="shape"):
        copy_weights(narrow, wide)
