"""The learning rate is a function of where training stands."""

from __future__ import annotations

import pytest

from train.recipe import Recipe
from train.schedule import optimizer_rate, plateau_rate

RATE = 0.01
COSINE = Recipe(schedule="cosine", learning_rate=RATE, epochs=10, warmup=20)
STEPS = 100
PLATEAU = Recipe(schedule="plateau", learning_rate=RATE, patience=3)


def at(recipe: Recipe, step: int, steps: int = STEPS) -> float:
    return float(optimizer_rate(recipe, steps)(step))


def test_warm_up_rises_in_equal_steps_to_the_full_rate() -> None:
    rates = [at(COSINE, step) for step in range(20)]
    assert rates[0] == 0
    assert at(COSINE, 20) == pytest.approx(RATE)
    steps = [later - earlier for earlier, later in zip(rates, rates[1:], strict=False)]
    assert steps == pytest.approx([RATE / 20] * 19, rel=1e-4)


def test_cosine_falls_from_the_full_rate_to_nothing() -> None:
    rates = [at(COSINE, step) for step in range(20, 100)]
    assert rates[0] == pytest.approx(RATE)
    assert rates[40] == pytest.approx(RATE / 2)
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.001 * RATE
    assert at(COSINE, 100) == pytest.approx(0, abs=1e-12)
    assert at(COSINE, 500) == pytest.approx(0, abs=1e-12)


def test_warm_up_longer_than_training_never_divides_by_zero() -> None:
    short = Recipe(schedule="cosine", learning_rate=RATE, epochs=1, warmup=10)
    assert at(short, 5, steps=8) == pytest.approx(RATE / 2)
    assert at(short, 10, steps=8) == pytest.approx(RATE)


@pytest.mark.parametrize(
    ("history", "tenths"),
    [
        ((), 0),
        ((0.5, 0.6, 0.7, 0.8, 0.9), 0),
        ((0.9, 0.8, 0.8), 0),
        ((0.9, 0.8, 0.8, 0.8), 1),
        ((0.9, 0.9, 0.9, 0.9), 1),  # as good as the best is no improvement
        ((0.9, 0.8, 0.8, 0.95, 0.8, 0.8), 0),  # improvement starts the wait anew
        ((0.9, 0.8, 0.8, 0.8, 0.8, 0.8), 1),
        ((0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8), 2),
        ((0.9, 0.8, 0.8, 0.8, 0.95, 0.9, 0.9, 0.9), 2),
    ],
)
def test_plateau_divides_by_ten_after_patience(history: tuple[float, ...], tenths: int) -> None:
    assert plateau_rate(PLATEAU, history) == pytest.approx(RATE / 10**tenths)


def test_plateau_begins_at_the_full_rate() -> None:
    assert optimizer_rate(PLATEAU, STEPS) == RATE
