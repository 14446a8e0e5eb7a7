"""Stored values of a DICOM film become grey, bright where the film is bright.

The steps are those of DICOM PS3.3: modality transformation (C.11.1), values-of-interest
transformation (C.11.2) and photometric interpretation (C.7.6.3.1.2). Each is a function of the
stored value alone, so all of them are worked out once for each value, not for each pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

LEAST = 0.1
"""A window that leaves a smaller share of the pixels between black and white, or gives the film a
smaller share of the grey scale, was meant for other pixels."""
BLOCK = 256

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lut:
    """A lookup table of DICOM.

    Attributes:
        first: value that the first entry is for; lower ones get it too, higher ones the last.
        bits: 8 to 16, of an entry.
        entries: at least one.
    """

    first: int
    bits: int
    entries: npt.NDArray[np.uint16]

    def apply(self, values: Values) -> Values:
        """The entries that the values stand for, 0 to 2^bits - 1."""
        places = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1)
        entries = np.minimum(self.entries[places.astype(np.intp)], 2**self.bits - 1)
        return np.asarray(entries, np.float64)


@dataclass(frozen=True)
class Linear:
    """Rescale slope and intercept."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, values: Values) -> Values:
        """The values in the unit that windows are given in."""
        return values * self.slope + self.intercept


@dataclass(frozen=True)
class Window:
    """A window of grey values.

    Attributes:
        centre, width: in values after the modality transformation; the width is positive.
        function: ``"LINEAR"``, ``"LINEAR_EXACT"`` or ``"SIGMOID"``.
    """

    centre: float
    width: float
    function: str = "LINEAR"

    def apply(self, values: Values) -> Values:
        """Grey from 0 to 1 (C.11.2.1.2 and C.11.2.1.3)."""
        if self.function == "SIGMOID":
            # Beyond +-60 it is black or white, and exp would overflow.
            steps = np.clip(-4.0 * (values - self.centre) / self.width, -60.0, 60.0)
            return np.asarray(1.0 / (1.0 + np.exp(steps)))
        centre, width = self.centre, self.width
        if self.function != "LINEAR_EXACT":
            centre, width = centre - 0.5, max(width - 1.0, 1e-6)
        return np.asarray(np.clip((values - centre) / width + 0.5, 0.0, 1.0))


@dataclass(frozen=True)
class GreyRules:
    """How one file wants its stored values to be shown.

    Attributes:
        bits: 8 to 16, of a stored value.
        signed: stored values are in two's complement.
        modality: the modality transformation.
        interest: the values-of-interest transformation; without one that fits, the range that the
            film uses is shown, or the whole range of 8 bits.
        inverted: the lowest value is white (MONOCHROME1).
        padding: lowest and highest stored value, signed where they are, that stand for no
            picture; shown black.
    """

    bits: int
    signed: bool = False
    modality: Lut | Linear = Linear()
    interest: Lut | Window | None = None
    inverted: bool = False
    padding: tuple[int, int] | None = None


def to_grey(stored: npt.NDArray[Any], rules: GreyRules) -> npt.NDArray[Any]:
    """Show stored values as their file wants it.

    Args:
        stored: (height, width), uint8 or uint16; words below 2^bits.
        rules: of the file.

    Returns:
        (height, width), uint8 for 8 bits and uint16 for more, over the whole range of the type.
    """
    count = 2**rules.bits
    seen = cv2.calcHist([stored], [0], None, [count], [0, count]).ravel()
    values = np.arange(count, dtype=np.float64)
    if rules.signed:
        values[count // 2 :] -= count
    padded = np.zeros(count, bool)
    if rules.padding is not None:
        padded = (values >= rules.padding[0]) & (values <= rules.padding[1])
        seen[padded] = 0
    grey = _grey(rules.modality.apply(values), seen, rules.interest)
    if rules.inverted:
        grey = 1.0 - grey
    grey[padded] = 0.0
    kind = np.uint8 if rules.bits == 8 else np.uint16
    return _look_up(stored, np.rint(grey * np.iinfo(kind).max).astype(kind))


def _grey(values: Values, seen: npt.NDArray[Any], interest: Lut | Window | None) -> Values:
    """Grey from 0 to 1 of each value; `seen` counts its pixels."""
    if interest is not None:
        grey = interest.apply(values)
        if isinstance(interest, Lut):
            grey = grey / (2**interest.bits - 1)
        if _fits(grey, seen):
            return grey
    # The few steps of 8 bits would come out uneven from a stretch.
    used = values if len(values) == 256 else values[seen > 0]
    if used.size == 0:
        return np.zeros_like(values)
    low, high = float(used.min()), float(used.max())
    return np.asarray(np.clip((values - low) / max(high - low, 1e-12), 0.0, 1.0))


def _fits(grey: Values, seen: npt.NDArray[Any]) -> bool:
    """Whether enough pixels lie between black and white, and not all at nearly the same grey."""
    between = seen[(grey > 1 / 255) & (grey < 254 / 255)].sum()
    used = grey[seen > 0]
    return bool(between >= LEAST * seen.sum() and used.size and np.ptp(used) >= LEAST)


def _look_up(stored: npt.NDArray[Any], table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # In blocks: numpy makes 8 bytes of each index.
    grey = np.empty(stored.shape, table.dtype)
    for top in range(0, len(stored), BLOCK):
        grey[top : top + BLOCK] = table[stored[top : top + BLOCK]]
    return grey
