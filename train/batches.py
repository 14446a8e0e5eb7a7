"""Batches of augmented images, the same in every run of one seed, whatever epoch it starts at."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from edge.preprocess import preprocess
from train.augmentation import augment
from train.datasets import LabelledImages, Sample
from train.recipe import Recipe
from train.teaching import Teachers

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
WORKERS = 4
"""Threads that augment ahead of the network; OpenCV and numpy leave the interpreter lock."""


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """Yields ``((batch, size, size, 1), (batch, outputs))`` float32 for one epoch at a time.

    The order of an epoch and the change of each image depend on the seed, the epoch and the
    position alone, so that a resumed run sees what an unbroken one would have seen. A target is
    not a number where the image does not say what an output stands for. Teachers of attention add
    columns (`Teachers.blend`).
    """

    def __init__(
        self,
        images: LabelledImages,
        recipe: Recipe,
        epoch: int = 0,
        also: LabelledImages | None = None,
        teachers: Teachers | None = None,
    ) -> None:
        """Draw from ``images`` and, for a share ``recipe.chestxray14`` of them, from ``also``."""
        super().__init__(workers=WORKERS, max_queue_size=4 * WORKERS)
        self.recipe = recipe
        self._teachers = teachers
        self._sets = [images] if also is None else [images, also]
        self._targets = [
            targets(part.samples, recipe.outputs, recipe.label_smoothing) for part in self._sets
        ]
        self.start(epoch)

    def start(self, epoch: int) -> None:
        """Go to the beginning of an epoch, counted from 0."""
        self.epoch = epoch
        rng = np.random.default_rng([self.recipe.seed, epoch])
        draws = [len(self._sets[0].samples)]
        if len(self._sets) > 1:
            share = self.recipe.chestxray14
            draws.append(round(draws[0] * share / (1 - share)))
        order = []
        balanced = (self.recipe.balanced, self.recipe.chestxray14_balanced)
        for number, (part, count) in enumerate(zip(self._sets, draws, strict=True)):
            chosen = _draw([s.group for s in part.samples], count, balanced[number], rng)
            order += [(number, index) for index in chosen]
        self._order = [order[i] for i in rng.permutation(len(order))] if draws[1:] else order

    def __len__(self) -> int:
        return len(self._order) // self.recipe.batch

    def __getitem__(self, step: int) -> Batch:
        size = self.recipe.batch
        chosen = self._order[step * size : (step + 1) * size]
        views = [
            augment(
                self._sets[part].pixels[index],
                self.recipe.augmentation,
                np.random.default_rng([self.recipe.seed, self.epoch, step * size + k]),
            )
            for k, (part, index) in enumerate(chosen)
        ]
        wanted = np.stack([self._targets[part][index] for part, index in chosen])
        if self._teachers is not None:
            wanted = self._teachers.blend(views, wanted)
        return np.stack([preprocess(view, self.recipe.input) for view in views]), wanted


def targets(
    samples: Sequence[Sample], outputs: Sequence[str], smoothing: float = 0.0
) -> npt.NDArray[np.float32]:
    """What the outputs should be.

    Args:
        samples: n images.
        outputs: k names of outputs.
        smoothing: share of each target moved to one half.

    Returns:
        (n, k) float32 in [0, 1]; not a number where an image does not say.
    """
    known = [sample.known for sample in samples]
    hard = np.array([[values.get(name, np.nan) for name in outputs] for values in known])
    return np.asarray(hard * (1 - smoothing) + 0.5 * smoothing, np.float32)


def _draw(
    groups: Sequence[str], count: int, balanced: bool, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Indices of one epoch: of all images, or, balanced, equally many of each group."""
    if not balanced:
        return _rounds(np.arange(len(groups)), count, rng)
    names = sorted(set(groups))
    members = [np.flatnonzero(np.array(groups) == name) for name in names]
    chosen = [_rounds(member, count // len(names), rng) for member in members]
    return rng.permutation(np.concatenate(chosen))


def _rounds(
    members: npt.NDArray[np.int64], count: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Whole shuffled rounds: no image is seen twice before each has been seen once."""
    rounds = -(-count // len(members))
    return np.concatenate([rng.permutation(members) for _ in range(rounds)])[:count]
