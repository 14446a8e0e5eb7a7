"""The learning rate, from the recipe and the log alone, so that resuming needs no other state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from train.recipe import Recipe


def optimizer_rate(recipe: Recipe, steps: int) -> Any:
    """The rate that an optimizer starts with.

    Args:
        recipe: names the schedule.
        steps: all steps of the training.

    Returns:
        The cosine from the highest rate to zero, after a linear rise of ``recipe.warmup`` steps;
        or, for a plateau, the highest rate, to be lowered by `plateau_rate` between epochs.
    """
    rate = recipe.learning_rate
    if recipe.schedule == "plateau":
        return rate
    remaining = max(steps - recipe.warmup, 1)
    if not recipe.warmup:
        return keras.optimizers.schedules.CosineDecay(rate, remaining)
    return keras.optimizers.schedules.CosineDecay(
        0.0, remaining, warmup_target=rate, warmup_steps=recipe.warmup
    )


def plateau_rate(recipe: Recipe, history: Sequence[float]) -> float:
    """A tenth of the highest rate for every plateau.

    Args:
        recipe: gives the highest rate and the patience.
        history: the watched validation figure after each finished epoch; higher is better.
    """
    best, waited, plateaus = -math.inf, 0, 0
    for value in history:
        if value > best:
            best, waited = value, 0
        else:
            waited += 1
        if waited == recipe.patience:
            plateaus, waited = plateaus + 1, 0
    return float(recipe.learning_rate * 0.1**plateaus)
