"""Validation patients are held out of the training folder: a child is on one side only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.errors import DataRefused
from train.datasets import (
    LabelledImages,
    Sample,
    list_samples,
    load_images,
    without_duplicates,
)


def split_by_patient(
    samples: Sequence[Sample], fraction: float, seed: int
) -> tuple[list[int], list[int]]:
    """Split samples into training and validation by patient, stratified by subtype.

    Args:
        samples: all samples of the training folder.
        fraction: share of each stratum's patients to hold out, in (0, 1).
        seed: of the shuffle; the same seed gives the same split whatever the order of samples.

    Returns:
        Indices of the training and of the validation samples, each ascending.

    Raises:
        ValueError: ``fraction`` is not inside (0, 1).
    """
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"fraction must be inside (0, 1). Received: {fraction}")
    # A patient with a bacterial and a viral film belongs to the stratum "bacteria+virus".
    subtypes: dict[str, set[str]] = {}
    for sample in samples:
        subtypes.setdefault(sample.patient, set()).add(sample.subtype)
    strata: dict[str, list[str]] = {}
    for patient in sorted(subtypes):
        strata.setdefault("+".join(sorted(subtypes[patient])), []).append(patient)
    rng = np.random.default_rng(seed)
    held_out: set[str] = set()
    for name in sorted(strata):
        patients = strata[name]
        order = rng.permutation(len(patients))
        count = round(fraction * len(patients))
        held_out.update(patients[i] for i in order[:count])
    validation = [i for i, sample in enumerate(samples) if sample.patient in held_out]
    training = [i for i, sample in enumerate(samples) if sample.patient not in held_out]
    return training, validation


@dataclass(frozen=True)
class TrainingData:
    """The training folder without exact duplicates, split by patient.

    Attributes:
        training: images to learn from.
        validation: images of the held-out patients.
        duplicates: how many images were left out as exact copies.
    """

    training: LabelledImages
    validation: LabelledImages
    duplicates: int


def load_training_data(
    data: Path, fraction: float, seed: int, progress: bool = True
) -> TrainingData:
    """Read and split the training folder of ``data``.

    Raises:
        DataRefused: a folder is missing, a file cannot be read, or ``too_few_patients``: one side
            of the split holds one class only.
    """
    published = load_images(list_samples(data, "train"), progress)
    images = without_duplicates(published)
    training, validation = map(images.select, split_by_patient(images.samples, fraction, seed))
    for name, part in (("training", training), ("validation", validation)):
        if len(np.unique(part.labels)) != 2:
            raise DataRefused(
                "too_few_patients",
                f"Holding out {fraction:g} of the patients of {data} leaves the {name} images "
                "without one of the classes.",
            )
    return TrainingData(training, validation, len(published.samples) - len(images.samples))
