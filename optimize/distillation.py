"""Students of trained networks: what they are, how much they listen, and what they cost.

The teaching itself is a part of training, `train.teaching`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras

from train.recipe import Recipe, load_recipe
from train.rivals import build_network
from train.throughput import multiply_accumulates
from train.weights import Weights

SHARES = {"distillation": 0.75, "attention": 0.03}
"""Where a student's recipe says nothing; the first is that of `train/recipes/taught.toml`.

The second was seen on drawn films alone: 0.1 brought the maps hardly nearer and kept the margins
apart for longer.
"""


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        parameters: numbers that it holds.
        multiplications: of its convolutions and dense layers, for one image.
    """

    parameters: int
    multiplications: int


def cost_of(recipe: Recipe) -> Cost:
    """What the network of a recipe costs."""
    network = build_network(recipe, keras)
    return Cost(int(network.count_params()), multiply_accumulates(network))


def student_of(name: str, overrides: tuple[str, ...] = (), start: Weights | None = None) -> Recipe:
    """Read a student's recipe.

    Args:
        name: as of `train.recipe.load_recipe`; `SHARES` count where the file says nothing.
        overrides: as of `train.recipe.load_recipe`.
        start: weights to begin with: the student has their shape, be it pruned, at the recipe's
            input size, dropout and outputs.

    Raises:
        DataRefused: ``missing_recipe`` or ``invalid_recipe``.
    """
    recipe = load_recipe(name, overrides, SHARES)
    if start is None:
        return recipe
    asked = recipe.network
    shape = replace(
        start.recipe.network,
        input_size=asked.input_size,
        dropout=asked.dropout,
        outputs=asked.outputs,
    )
    return replace(recipe, architecture=start.recipe.architecture, network=shape)
