"""Weights of one network as the beginning of another, layer by layer and out loud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.errors import DataRefused
from train.recipe import Recipe
from train.weights import Weights, put_weights, tensors_of

HEAD = ("logits/kernel", "logits/bias")


@dataclass(frozen=True)
class Transfer:
    """What `transfer` did.

    Attributes:
        loaded: tensors taken over whole.
        outputs_loaded: outputs whose column of the last layer was taken over.
        outputs_new: outputs that begin at random, because the file does not know them.
    """

    loaded: tuple[str, ...]
    outputs_loaded: tuple[str, ...]
    outputs_new: tuple[str, ...]

    def __str__(self) -> str:
        text = f"loaded {len(self.loaded)} tensors"
        if self.outputs_loaded:
            text += f"; outputs loaded: {', '.join(self.outputs_loaded)}"
        if self.outputs_new:
            text += f"; outputs that begin at random: {', '.join(self.outputs_new)}"
        return text


def transfer(weights: Weights, model: Any, recipe: Recipe) -> Transfer:
    """Fill a model with weights by layer name; the last layer output by output.

    Args:
        weights: of a network of the same layers; its outputs may be others.
        model: what `train.rivals.build_network` makes of the recipe.
        recipe: names the model's outputs.

    Raises:
        DataRefused: ``weights_mismatch``: any other layer is missing, left over or of another
            shape; ``other_patients``: the weights were trained with other validation patients.
    """
    require_same_patients(weights, recipe)
    outputs, theirs = recipe.outputs, weights.recipe.outputs
    shared = [name for name in outputs if name in theirs]
    filled = dict(weights.tensors)
    begun = tensors_of(model)
    if not set(HEAD) <= filled.keys() & begun.keys():
        raise DataRefused("weights_mismatch", "The weights have no layer named logits.")
    if begun[HEAD[0]].shape[0] == filled[HEAD[0]].shape[0]:
        for name in HEAD:
            column = np.array(begun[name])
            for output in shared:
                column[..., outputs.index(output)] = filled[name][..., theirs.index(output)]
            filled[name] = column
    put_weights(Weights(filled, weights.recipe), model)
    return Transfer(
        loaded=tuple(sorted(filled.keys() - set(HEAD))),
        outputs_loaded=tuple(shared),
        outputs_new=tuple(name for name in outputs if name not in shared),
    )


def require_same_patients(weights: Weights, recipe: Recipe) -> None:
    """Make sure that nothing learnt from weights was learnt from validation patients.

    Raises:
        DataRefused: ``other_patients``.
    """
    held_out, asked = ((r.validation_fraction, r.split_seed) for r in (weights.recipe, recipe))
    if weights.facts and held_out != asked:
        raise DataRefused(
            "other_patients",
            "The weights have learnt from patients that this recipe validates on: they held out "
            f"{held_out[0]:g} by split_seed {held_out[1]}, the recipe {asked[0]:g} by {asked[1]}.",
        )
