"""Ways in which the same film reaches a kiosk differently: other scanner, export, hand, screen.

All but the first two change a copy of 224 x 224 pixels, the size that networks are trained at, so
that a strength means the same for every film; they are compared with that copy unchanged, and the
copy with the film as it was filed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from train.augmentation import Pixels, blur_or_sharpen, change_gamma, compress, resample
from train.datasets import WORKING_SIDE
from train.shifts import SHIFTS

FILED = "as filed"
"""The file itself."""
COPY = f"copy of {WORKING_SIDE} x {WORKING_SIDE}"
"""What every further change is made on, and compared with."""
NOISE_SEED = 0


@dataclass(frozen=True)
class Change:
    """One change in one strength.

    Attributes:
        family: what kind, such as ``"blur"``.
        strength: how much, in words.
        apply: from (side, side) uint8 to the same.
    """

    family: str
    strength: str
    apply: Callable[[Pixels], Pixels]

    @property
    def name(self) -> str:
        """As it stands in samples and tables."""
        return f"{self.family}, {self.strength}" if self.strength else self.family


def _blur(sigma: float, pixels: Pixels) -> Pixels:
    return blur_or_sharpen(pixels, sigma, -1.0)


def _noise(deviation: float, pixels: Pixels) -> Pixels:
    noise = np.random.default_rng(NOISE_SEED).normal(0, deviation, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def _turn(degrees: float, pixels: Pixels) -> Pixels:
    """About the centre; what comes in from outside is black, as beside a scanned film."""
    side = pixels.shape[0]
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2,) * 2, degrees, 1.0)
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side)), np.uint8)


def _changes() -> Iterator[Change]:
    for sigma in (0.5, 1.0, 1.5, 2.5):
        yield Change("blur", f"sigma {sigma:g}", partial(_blur, sigma))
    for deviation in (4, 8, 16):
        yield Change("noise", f"{deviation} grey levels", partial(_noise, deviation))
    for quality in (90, 60, 30, 10):
        yield Change("JPEG", f"quality {quality}", partial(compress, quality=quality))
    for gamma in (0.6, 0.8, 1.25, 1.7):
        yield Change("gamma", f"{gamma:g}", partial(change_gamma, gamma=gamma))
    for degrees in (-10, -5, -2, 2, 5, 10):
        yield Change("rotation", f"{degrees:+d} degrees", partial(_turn, degrees))
    for side in (150, 96, 64):
        yield Change("resampling", f"through {side} pixels", partial(resample, side=side))
    for name in ("sharpened", "cropped", "bordered", "stretched"):
        yield Change(name, "", SHIFTS[name])


CHANGES = tuple(_changes())
"""All of them, in the order of the tables."""


def small_copy(pixels: npt.NDArray[Any]) -> Pixels:
    """(height, width) uint8 or uint16 to (224, 224) uint8, squeezed as training squeezes."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    side = (WORKING_SIDE, WORKING_SIDE)
    rule = cv2.INTER_AREA if min(pixels.shape) >= WORKING_SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, side, interpolation=rule), np.uint8)


def as_file(pixels: Pixels) -> bytes:
    """A PNG file of these very pixels."""
    _, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return data.tobytes()
