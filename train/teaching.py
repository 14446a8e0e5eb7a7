"""Networks that teach another: it learns what they say of each augmented image, and why.

Sources: G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", 2015;
with sigmoid outputs the soft targets are probabilities and there is no temperature. For the maps:
S. Zagoruyko and N. Komodakis, "Paying more attention to attention", ICLR 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edge.errors import DataRefused
from train.attentive import attentive
from train.evaluation import Floats, predict
from train.network import OUTPUTS
from train.recipe import Recipe
from train.transfer import require_same_patients
from train.weights import Weights, build_trained


class Teachers:
    """Trained networks of any architecture and input that answer for the outputs of a recipe."""

    def __init__(self, teachers: Sequence[Weights], recipe: Recipe) -> None:
        """Build the teachers.

        Raises:
            DataRefused: ``missing_teacher``, ``idle_teacher``: the recipe learns from teachers and
                there is none, or the other way round; ``not_screening``: a teacher of attention
                says nothing of pneumonia; ``other_patients``.
        """
        learns = recipe.distillation > 0 or recipe.attention > 0
        if learns and not teachers:
            raise DataRefused(
                "missing_teacher",
                f"The recipe takes {recipe.distillation:.0%} of its targets from a teacher, and "
                f"its attention with weight {recipe.attention:g}; name its weights by --teacher.",
            )
        if teachers and not learns:
            raise DataRefused(
                "idle_teacher",
                "A teacher is named, and the recipe's distillation and attention are 0.",
            )
        for teacher in teachers:
            require_same_patients(teacher, recipe)
            if recipe.attention and teacher.recipe.outputs[: len(OUTPUTS)] != OUTPUTS:
                raise DataRefused(
                    "not_screening",
                    f"Attention is taught by networks whose outputs begin with "
                    f"{', '.join(OUTPUTS)}. Received: {', '.join(teacher.recipe.outputs)}.",
                )
        self.share = recipe.distillation
        self._maps = recipe.attention > 0
        self._outputs = recipe.outputs
        self._networks = [(self._build(teacher), teacher.recipe) for teacher in teachers]
        self._lock = Lock()

    def blend(
        self, views: list[npt.NDArray[Any]], hard: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Mix what the teachers say into the targets of n images.

        Args:
            views: n grey images as the pupil sees them, before `edge.preprocess.preprocess`.
            hard: (n, outputs) targets; not a number where an image does not say.

        Returns:
            (n, outputs) float32: the teachers' share of the mean of their probabilities, the rest
            of ``hard``; one of them alone where the other says nothing. Where the recipe has
            ``attention``, (n, outputs + cells): beside them the mean of the teachers' maps, as
            `train.attentive` gives them: where they disagree it is shorter, and pulls less.
        """
        if not self._networks:
            return hard
        with self._lock:  # batches are made by several threads, Keras' predict is for one
            given = [predict(network, views, recipe.input) for network, recipe in self._networks]
        mixed = self._mix(given, hard) if self.share else hard
        if not self._maps:
            return mixed
        maps = [g[:, len(r.outputs) :] for g, (_, r) in zip(given, self._networks, strict=True)]
        return np.concatenate([mixed, np.mean(maps, axis=0)], axis=1, dtype=np.float32)

    def _build(self, teacher: Weights) -> Any:
        network = build_trained(teacher, keras)
        return attentive(network) if self._maps else network

    def _mix(
        self, given: Sequence[Floats], hard: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        said = np.full((len(given), *hard.shape), np.nan)
        for place, (_, recipe) in enumerate(self._networks):
            for k, name in enumerate(self._outputs):
                if name in recipe.outputs:
                    said[place, :, k] = given[place][:, recipe.outputs.index(name)]
        known = ~np.isnan(said)
        soft = np.where(known, said, 0.0).sum(0) / np.maximum(known.sum(0), 1)
        soft = np.where(known.any(0), soft, hard)
        mixed = self.share * soft + (1 - self.share) * hard
        return np.where(np.isnan(hard), soft, mixed).astype(np.float32)
