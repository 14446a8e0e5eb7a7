"""What can be put right with a film that a gate refuses for how it is held.

Nothing is put right unasked: the operator sees the refusal and says so. A film is never mirrored:
left and right cannot be told from the pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[Any]


def _swap(pixels: Pixels) -> Pixels:
    """Black and white; 16 bits within the range that the film uses: few files use all of them."""
    if pixels.dtype == np.uint8:
        return np.asarray(255 - pixels)
    darkest, brightest = pixels.min(), pixels.max()
    return np.asarray(brightest - pixels + darkest, pixels.dtype)


def _turn(code: int) -> Callable[[Pixels], Pixels]:
    return lambda pixels: np.asarray(cv2.rotate(pixels, code))


CORRECTIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "inverted": _swap,
    "rotated_clockwise": _turn(cv2.ROTATE_90_COUNTERCLOCKWISE),
    "rotated_counterclockwise": _turn(cv2.ROTATE_90_CLOCKWISE),
    "upside_down": _turn(cv2.ROTATE_180),
}
"""The gate's code to what puts right what it refuses."""


def correct(pixels: Pixels, code: str) -> Pixels:
    """Put right what a gate refuses.

    Args:
        pixels: (height, width), uint8 or uint16.
        code: of the gate, one of `CORRECTIONS`.

    Returns:
        Pixels of the same type; a quarter turn swaps height and width.

    Raises:
        ValueError: there is no such correction.
    """
    if code not in CORRECTIONS:
        raise ValueError(f"code must be one of {', '.join(CORRECTIONS)}. Received: {code!r}")
    return CORRECTIONS[code](pixels)
