"""The loss counts what an image says, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from train.losses import (
    AttentiveCrossentropy,
    KnownCrossentropy,
    balancing_weights,
    main_outputs,
)

NAN = float("nan")
GIVEN = np.array([[0.2, 0.7, 0.6], [0.9, 0.4, 0.1]], np.float32)


def entropy(wanted: float, given: float) -> float:
    return float(-wanted * np.log(given) - (1 - wanted) * np.log(1 - given))


def losses(loss: KnownCrossentropy, wanted: Any, given: Any = GIVEN) -> np.ndarray:
    return np.asarray(loss.call(tf.constant(wanted, tf.float32), tf.constant(given)))


def test_two_known_outputs_are_the_usual_crossentropy() -> None:
    rng = np.random.default_rng(0)
    wanted, given = rng.uniform(size=(2, 16, 2)).astype(np.float32)
    expected = float(keras.losses.BinaryCrossentropy()(wanted, given))
    assert float(KnownCrossentropy([True, True])(wanted, given)) == pytest.approx(expected, 1e-5)


def test_mean_is_over_what_an_image_says() -> None:
    found = losses(KnownCrossentropy([True] * 3), [[1, NAN, 0], [NAN, NAN, NAN]])
    assert found == pytest.approx([(entropy(1, 0.2) + entropy(0, 0.6)) / 2, 0], rel=1e-5)


def test_auxiliary_outputs_weigh_what_they_are_told() -> None:
    loss = KnownCrossentropy([True, False, False], auxiliary=0.25)
    found = losses(loss, [[1, 0, 1], [NAN, 1, NAN]])
    first = entropy(1, 0.2) + 0.25 * (entropy(0, 0.7) + entropy(1, 0.6)) / 2
    assert found == pytest.approx([first, 0.25 * entropy(1, 0.4)], rel=1e-5)


def test_positive_targets_weigh_more_where_told() -> None:
    loss = KnownCrossentropy([True] * 3, positive_weights=[1, 5, 5])
    found = losses(loss, [[1, 1, 0], [0, 0, 0]])
    first = entropy(1, 0.2) + 5 * entropy(1, 0.7) + entropy(0, 0.6)
    second = entropy(0, 0.9) + entropy(0, 0.4) + entropy(0, 0.1)
    assert found == pytest.approx([first / 3, second / 3], rel=1e-5)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_unsaid_outputs_have_no_gradient(probability: float) -> None:
    given = tf.Variable([[0.3, probability]])
    with tf.GradientTape() as tape:
        loss = KnownCrossentropy([True, False])(tf.constant([[1.0, NAN]]), given)
    gradient = np.asarray(tape.gradient(loss, given))
    assert gradient[0, 1] == 0
    assert gradient[0, 0] == pytest.approx(-1 / 0.3, rel=1e-4)


def test_certain_mistakes_cost_a_finite_loss() -> None:
    found = losses(KnownCrossentropy([True]), [[1], [0]], np.array([[0], [1]], np.float32))
    assert np.isfinite(found).all() and (found > 10).all()


def test_loss_survives_a_checkpoint(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "sigmoid")])
    loss = KnownCrossentropy([True, False, False], 0.25, [1.0, 4.0, 9.0])
    model.compile("sgd", loss)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").loss
    assert isinstance(loaded, KnownCrossentropy)
    assert loaded.get_config() == loss.get_config()
    wanted = [[1, 1, NAN], [NAN, 0, 1]]
    np.testing.assert_allclose(losses(loaded, wanted), losses(loss, wanted))


def test_maps_beside_the_outputs_count_by_their_weight() -> None:
    known = ([True, False, False], 0.25, [1.0, 4.0, 9.0])
    wanted = np.array([[1, NAN, 0, 0.6, 0.8], [0, 1, 1, 1, 0]], np.float32)
    given = np.concatenate([GIVEN, [[0.8, 0.6], [-1, 0]]], axis=1).astype(np.float32)
    loss = AttentiveCrossentropy(*known, attention=0.5)
    outputs = losses(KnownCrossentropy(*known), wanted[:, :3])
    expected = outputs + 0.5 * np.array([0.08, 4.0])
    assert losses(loss, wanted, given) == pytest.approx(expected, rel=1e-5)
    again = AttentiveCrossentropy.from_config(loss.get_config())
    np.testing.assert_array_equal(losses(again, wanted, given), losses(loss, wanted, given))


def test_screening_outputs_are_the_main_ones() -> None:
    assert main_outputs(("normal", "pneumonia", "viral")) == [True, True, False]
    assert main_outputs(("Mass", "Edema")) == [True, True]


def test_rare_positives_are_balanced_up_to_a_limit() -> None:
    wanted = np.full((40, 4), NAN, np.float32)
    wanted[:, 0] = 0  # no positive at all
    wanted[:8, 1], wanted[8:, 1] = 1, 0  # four negatives to a positive
    wanted[:30, 2], wanted[30:, 2] = 1, 0  # more positives than negatives
    wanted[:2, 3], wanted[2:6, 3] = 1, 0  # two to one where it is known
    assert balancing_weights(wanted) == [10.0, 4.0, 1.0, 2.0]
    assert balancing_weights(wanted, largest=3.0) == [3.0, 3.0, 1.0, 2.0]
