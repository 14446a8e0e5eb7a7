"""Batches of augmented images, the same in every run of one seed, whatever epoch it starts at."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edge.preprocess import preprocess
from train.augmentation import augment
from train.datasets import LabelledImages
from train.recipe import Recipe

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """Yields ``((batch, size, size, 1), (batch, 2))`` float32 for one epoch at a time.

    The order of an epoch and the change of each image depend on the seed, the epoch and the
    position alone, so that a resumed run sees what an unbroken one would have seen.
    """

    def __init__(self, images: LabelledImages, recipe: Recipe, epoch: int = 0) -> None:
        super().__init__()
        self.images = images
        self.recipe = recipe
        self._labels = images.labels
        self.start(epoch)

    def start(self, epoch: int) -> None:
        """Go to the beginning of an epoch, counted from 0."""
        self.epoch = epoch
        rng = np.random.default_rng([self.recipe.seed, epoch])
        self._order = _epoch_order(self._labels, self.recipe.balanced, rng)

    def __len__(self) -> int:
        return len(self._order) // self.recipe.batch

    def __getitem__(self, step: int) -> Batch:
        size = self.recipe.batch
        chosen = self._order[step * size : (step + 1) * size]
        inputs = [
            preprocess(
                augment(
                    self.images.pixels[i],
                    self.recipe.augmentation,
                    np.random.default_rng([self.recipe.seed, self.epoch, step * size + k]),
                ),
                self.recipe.input,
            )
            for k, i in enumerate(chosen)
        ]
        return np.stack(inputs), targets(self._labels[chosen], self.recipe.label_smoothing)


def targets(labels: npt.NDArray[Any], smoothing: float = 0.0) -> npt.NDArray[np.float32]:
    """(n,) labels of 0 and 1 to (n, 2) targets of the outputs (normal, pneumonia)."""
    hard = np.stack([1 - labels, labels], axis=1)
    return np.asarray(hard * (1 - smoothing) + 0.5 * smoothing, np.float32)


def _epoch_order(
    labels: npt.NDArray[Any], balanced: bool, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Every image once; or, balanced, as many draws in all but half of them from each class."""
    if not balanced:
        return rng.permutation(len(labels))
    half = len(labels) // 2
    chosen = []
    for label in (0, 1):
        members = np.flatnonzero(labels == label)
        rounds = -(-half // len(members))
        # Whole shuffled rounds: no image is seen twice before each has been seen once.
        draws = np.concatenate([rng.permutation(members) for _ in range(rounds)])
        chosen.append(draws[:half])
    return rng.permutation(np.concatenate(chosen))
