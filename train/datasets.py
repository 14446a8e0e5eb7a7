"""The Guangzhou paediatric data set as it is published, and images of any set in memory.

Kermany, Zhang, Goldbaum, "Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for
Classification", Mendeley Data, doi 10.17632/rscbjbr9sj.2, CC BY 4.0.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edge.errors import DataRefused, ImageRefused
from edge.radiograph import read_radiograph

CLASSES = ("NORMAL", "PNEUMONIA")
WORKING_SIDE = 224
"""Training works on copies of this many pixels a side, the size of the common published copy."""

_PATIENT = re.compile(r"(person\d+|(?:NORMAL2-)?IM-\d+)", re.IGNORECASE)
_SUBTYPE = re.compile(r"(bacteria|virus)", re.IGNORECASE)


@dataclass(frozen=True)
class Sample:
    """One published image.

    Attributes:
        path: the file.
        label: 0 for normal, 1 for pneumonia.
        patient: the child, from the file name; unique within one folder of the set only.
        subtype: ``"normal"``, ``"bacteria"``, ``"virus"``, or ``"pneumonia"`` where the name
            does not say.
    """

    path: Path
    label: int
    patient: str
    subtype: str

    @property
    def group(self) -> str:
        """Images of each group are drawn equally often where a recipe balances."""
        return CLASSES[self.label]

    @property
    def known(self) -> dict[str, float]:
        """What this image says of the outputs of a network, by name, in [0, 1]."""
        values = {"normal": 1.0 - self.label, "pneumonia": float(self.label)}
        if self.subtype in ("bacteria", "virus"):
            values["viral"] = float(self.subtype == "virus")
        return values


@dataclass(frozen=True)
class LabelledImages:
    """Samples with their pixels in memory.

    Attributes:
        samples: n samples.
        pixels: (n, 224, 224) uint8, squeezed to a square where the file is larger.
    """

    samples: tuple[Sample, ...]
    pixels: npt.NDArray[np.uint8]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(n,) 0 for normal, 1 for pneumonia."""
        return np.array([sample.label for sample in self.samples], np.int64)

    def select(self, indices: Iterable[int]) -> LabelledImages:
        """The images at some indices, in that order."""
        chosen = list(indices)
        return LabelledImages(tuple(self.samples[i] for i in chosen), self.pixels[chosen])


def list_samples(data: Path, folder: str) -> list[Sample]:
    """List ``DATA/folder/{NORMAL,PNEUMONIA}/`` in a fixed order.

    Args:
        data: a ``chest_xray`` folder as published.
        folder: ``"train"`` or ``"test"``.

    Raises:
        DataRefused: ``missing_folder`` or ``empty_class``.
    """
    samples = []
    for label, name in enumerate(CLASSES):
        root = data / folder / name
        if not root.is_dir():
            raise DataRefused(
                "missing_folder",
                f"{root} is not a folder; --data needs the published layout "
                "chest_xray/{train,test}/{NORMAL,PNEUMONIA}.",
            )
        paths = sorted(p for p in root.iterdir() if p.suffix.lower() in {".jpeg", ".jpg", ".png"})
        if not paths:
            raise DataRefused("empty_class", f"{root} holds no JPEG or PNG image.")
        samples += [_sample(path, label) for path in paths]
    return samples


def load_images(samples: Sequence[Sample], progress: bool = True) -> LabelledImages:
    """Read samples to working copies in memory.

    Raises:
        DataRefused: ``unreadable_image`` names the first file that cannot be decoded.
    """
    pixels = np.empty((len(samples), WORKING_SIDE, WORKING_SIDE), np.uint8)
    for i, sample in enumerate(tqdm(samples, "reading images", disable=not progress)):
        pixels[i] = _working_copy(read_pixels(sample.path))
    return LabelledImages(tuple(samples), pixels)


def read_pixels(path: Path) -> npt.NDArray[Any]:
    """Grey pixels of one file of a data set.

    Raises:
        DataRefused: ``unreadable_image``.
    """
    try:
        return read_radiograph(path.read_bytes()).pixels
    except (OSError, ImageRefused) as error:
        raise DataRefused("unreadable_image", f"{path}: {error}") from error


def without_duplicates(images: LabelledImages) -> LabelledImages:
    """Keep the first of every group of images with exactly the same pixels.

    Groups whose copies carry different labels are dropped whole: one of the labels is wrong.
    """
    groups: dict[bytes, list[int]] = {}
    for i, pixels in enumerate(images.pixels):
        groups.setdefault(hashlib.sha256(pixels.tobytes()).digest(), []).append(i)
    kept = [g[0] for g in groups.values() if len({images.samples[i].label for i in g}) == 1]
    return images.select(kept)


def _sample(path: Path, label: int) -> Sample:
    patient = _PATIENT.search(path.name)
    subtype = _SUBTYPE.search(path.name)
    return Sample(
        path=path,
        label=label,
        # A file that does not follow the naming counts as a patient of its own.
        patient=f"{CLASSES[label]}/{patient.group(1) if patient else path.stem}",
        subtype=subtype.group(1).lower() if subtype else CLASSES[label].lower(),
    )


def _working_copy(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    shape = (WORKING_SIDE, WORKING_SIDE)
    if pixels.shape == shape:
        return pixels
    shrinks = min(pixels.shape) >= WORKING_SIDE
    rule = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, shape, interpolation=rule), np.uint8)
