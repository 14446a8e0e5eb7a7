"""Networks that teach another: it learns what they say of each augmented image.

Source: G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", 2015;
with sigmoid outputs the soft targets are probabilities and there is no temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edge.errors import DataRefused
from train.evaluation import predict
from train.recipe import Recipe
from train.transfer import require_same_patients
from train.weights import Weights, build_trained


class Teachers:
    """Trained networks of any architecture and input that answer for the outputs of a recipe."""

    def __init__(self, teachers: Sequence[Weights], recipe: Recipe) -> None:
        """Build the teachers.

        Raises:
            DataRefused: ``missing_teacher``, ``idle_teacher``: the recipe learns from teachers and
                there is none, or the other way round; ``other_patients``.
        """
        if recipe.distillation and not teachers:
            raise DataRefused(
                "missing_teacher",
                f"The recipe takes {recipe.distillation:.0%} of its targets from a teacher; "
                "name its weights by --teacher.",
            )
        if teachers and not recipe.distillation:
            raise DataRefused(
                "idle_teacher", "A teacher is named, and the recipe's distillation is 0."
            )
        for teacher in teachers:
            require_same_patients(teacher, recipe)
        self.share = recipe.distillation
        self._outputs = recipe.outputs
        self._networks = [(build_trained(t, keras), t.recipe) for t in teachers]
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
            of ``hard``; one of them alone where the other says nothing.
        """
        if not self._networks:
            return hard
        said = np.full((len(self._networks), *hard.shape), np.nan)
        with self._lock:  # batches are made by several threads, Keras' predict is for one
            for place, (network, recipe) in enumerate(self._networks):
                given = predict(network, views, recipe.input)
                for k, name in enumerate(self._outputs):
                    if name in recipe.outputs:
                        said[place, :, k] = given[:, recipe.outputs.index(name)]
        known = ~np.isnan(said)
        soft = np.where(known, said, 0.0).sum(0) / np.maximum(known.sum(0), 1)
        soft = np.where(known.any(0), soft, hard)
        mixed = self.share * soft + (1 - self.share) * hard
        return np.where(np.isnan(hard), soft, mixed).astype(np.float32)
