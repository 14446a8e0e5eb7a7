"""How much arithmetic a network takes for one image."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.backends.full import FULL, FULL_NAME
from edge.artifact import Artifact
from optimize.processes import fresh_process
from train.recipe import Recipe, recipe_from
from train.weights import load_weights


def count_multiplications(
    artifacts: Mapping[str, Artifact], weights: Path | None
) -> dict[str, int]:
    """Multiplications of the convolutions and dense layers for one image, by network.

    Args:
        artifacts: by name; one whose manifest holds no recipe is left out.
        weights: of the full network; None for the paper's.
    """
    recipes = {FULL_NAME: load_weights(weights).recipe if weights else Recipe(network=FULL)}
    for name, artifact in artifacts.items():
        if recipe := artifact.manifest.made_from.get("recipe"):
            recipes[name] = recipe_from(recipe)
    with fresh_process() as pool:
        return pool.submit(_count, recipes).result()


def _count(recipes: Mapping[str, Recipe]) -> dict[str, Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    from train.rivals import build_network
    from train.throughput import multiply_accumulates

    return {name: multiply_accumulates(build_network(r, keras)) for name, r in recipes.items()}
