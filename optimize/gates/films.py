"""Chest films for gates: some to fit weights to, some to set limits by, some to measure on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edge.errors import DataRefused
from train.chestxray14 import split_chestxray14
from train.datasets import load_images, read_pixels
from train.splits import load_training_data, split_by_patient

VALIDATION, SPLIT_SEED = 0.15, 1
"""The split of the recipes: no network and no gate has learnt from a validation patient."""
LIMITS = 0.2
"""Share of the training patients that set the limits; the weights have not seen them."""
ADULTS = 3500
"""Adults to fit to: about as many as there are children, so that neither outweighs the other."""
LATERALS = (
    "00001602_000.png", "00001803_003.png", "00002097_000.png", "00002299_002.png",
    "00002705_000.png", "00003094_002.png",
)  # fmt: skip
"""Lateral films that stand in ChestX-ray14 as frontal ones. They were found by eye among the films
of the lowest frontal scores and of the least symmetry, so others may stand there still."""
SUFFIXES = {".jpeg", ".jpg", ".png"}

Pixels = npt.NDArray[Any]
Images = list[Pixels]


@dataclass(frozen=True)
class Films:
    """Films of one hospital; a patient is in one of the three lists only.

    Attributes:
        fitting, limits: (224, 224) uint8 each.
        measuring: grey pixels, of the size that the files have.
    """

    fitting: Images
    limits: Images
    measuring: Images


def children(data: Path, progress: bool = True) -> Films:
    """The training folder of a ``chest_xray`` folder as published; measured on validation patients.

    Raises:
        DataRefused: as `train.splits.load_training_data` raises it.
    """
    split = load_training_data(data, VALIDATION, SPLIT_SEED, progress)
    fitting, limits = split_by_patient(split.training.samples, LIMITS, SPLIT_SEED)
    return Films(
        list(split.training.pixels[fitting]),
        list(split.training.pixels[limits]),
        _as_they_are([sample.path for sample in split.validation.samples], progress),
    )


def adults(chestxray14: Path, seed: int, progress: bool = True) -> Films:
    """A ChestX-ray14 folder as published; measured on the fifth that every recipe holds out.

    Raises:
        DataRefused: as `train.chestxray14.split_chestxray14` raises it.
    """
    split = split_chestxray14(chestxray14, VALIDATION, SPLIT_SEED)
    fitting, limits, measuring = (
        [sample for sample in part if sample.path.name not in LATERALS]
        for part in (split.training, split.validation, split.held_out)
    )
    order = np.random.default_rng(seed).permutation(len(fitting))[:ADULTS]
    return Films(
        list(load_images([fitting[i] for i in order], progress).pixels),
        list(load_images(limits, progress).pixels),
        _as_they_are([sample.path for sample in measuring], progress),
    )


def laterals(chestxray14: Path) -> Images:
    """Those of `LATERALS` that the folder holds; no gate is fitted to them."""
    paths = [chestxray14 / "images" / name for name in LATERALS]
    return _as_they_are([path for path in paths if path.is_file()], progress=False)


def folder(root: Path, progress: bool = True) -> Images:
    """Every JPEG and PNG file under a folder, as it is.

    Raises:
        DataRefused: ``no_images``, or ``unreadable_image``.
    """
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise DataRefused("no_images", f"{root} holds no JPEG or PNG image.")
    return _as_they_are(paths, progress)


def _as_they_are(paths: Sequence[Path], progress: bool) -> Images:
    return [read_pixels(path) for path in tqdm(paths, "reading images", disable=not progress)]
