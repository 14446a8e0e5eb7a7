"""The learning rate as a function of where training stands, so that resuming needs no state."""

from __future__ import annotations

import math
from collections.abc import Sequence

from train.recipe import Recipe


def learning_rate(
    recipe: Recipe, step: int, steps_per_epoch: int, val_accuracy: Sequence[float]
) -> float:
    """The rate of one step.

    Args:
        recipe: names the schedule.
        step: steps done since the start of training.
        steps_per_epoch: steps of one epoch.
        val_accuracy: validation accuracy after each finished epoch.
    """
    rate = recipe.learning_rate
    if step < recipe.warmup:
        return rate * (step + 1) / recipe.warmup
    if recipe.schedule == "cosine":
        done = (step - recipe.warmup) / max(recipe.epochs * steps_per_epoch - recipe.warmup, 1)
        return rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return float(rate * 0.1 ** _plateaus(val_accuracy, recipe.patience))


def _plateaus(history: Sequence[float], patience: int) -> int:
    """How often ``patience`` epochs in a row brought no new best."""
    best, waited, count = -math.inf, 0, 0
    for value in history:
        if value > best:
            best, waited = value, 0
        else:
            waited += 1
        if waited == patience:
            count, waited = count + 1, 0
    return count
