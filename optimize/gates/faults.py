"""Films with a fault that the gates should find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from optimize.gates.canvas import Rng

Pixels = npt.NDArray[Any]


def cut(pixels: Pixels, rng: Rng) -> Pixels:
    """A part of a film: about a half of it, or a window of an eighth to a third."""
    height, width = pixels.shape
    tall, broad = rng.uniform(0.35, 0.6, 2)
    top, left = rng.random(2)
    kind = rng.integers(3)
    if kind == 0:  # the upper or the lower half
        tall, broad, top = rng.uniform(0.4, 0.55), rng.uniform(0.8, 1.0), rng.integers(2)
    elif kind == 1:  # the left or the right half
        tall, broad, left = rng.uniform(0.8, 1.0), rng.uniform(0.4, 0.55), rng.integers(2)
    rows, columns = max(1, int(tall * height)), max(1, int(broad * width))
    y, x = int(top * (height - rows)), int(left * (width - columns))
    return np.ascontiguousarray(pixels[y : y + rows, x : x + columns])


def turn(pixels: Pixels, quarters: int) -> Pixels:
    """Turned counter-clockwise by so many quarters."""
    return np.ascontiguousarray(np.rot90(pixels, quarters))


def swap(pixels: Pixels) -> Pixels:
    """Black for white."""
    return np.asarray(255 - pixels)


def expose(pixels: Pixels, gain: float, lift: float = 0.0) -> Pixels:
    """Brighter or darker, clipped where the grey levels end."""
    return np.clip(pixels * gain + lift, 0, 255).astype(np.uint8)


def blur(pixels: Pixels, share: float) -> Pixels:
    """Blurred by a Gaussian of a share of the shorter side."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), share * min(pixels.shape)))


def shrink(pixels: Pixels, side: int) -> Pixels:
    """Reduced so that the shorter side has so many pixels."""
    share = side / min(pixels.shape)
    height, width = (max(side, round(length * share)) for length in pixels.shape)
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))


def _enlarge(pixels: Pixels, shape: tuple[int, ...]) -> Pixels:
    """As many pixels as a whole film has, so that it is not refused for being small."""
    return np.asarray(cv2.resize(pixels, shape[1::-1], interpolation=cv2.INTER_LINEAR))


FAULTS: dict[str, tuple[str, Callable[[Pixels, Rng], Pixels]]] = {
    "turned a quarter to the right": ("rotated_clockwise", lambda p, _: turn(p, 3)),
    "turned a quarter to the left": ("rotated_counterclockwise", lambda p, _: turn(p, 1)),
    "upside down": ("upside_down", lambda p, _: turn(p, 2)),
    "black and white swapped": ("inverted", lambda p, _: swap(p)),
    "swapped and turned a quarter": ("inverted", lambda p, _: swap(turn(p, 1))),
    "a tenth of the light": ("too_dark", lambda p, _: expose(p, 0.08)),
    "lower half of the greys lost": ("too_dark", lambda p, _: expose(p, 1.0, -160)),
    "twice the light": ("too_bright", lambda p, _: expose(p, 2.0)),
    "thrice the light": ("too_bright", lambda p, _: expose(p, 3.0)),
    "blurred by 2 % of the side": ("too_blurred", lambda p, _: blur(p, 0.02)),
    "blurred by 3 % of the side": ("too_blurred", lambda p, _: blur(p, 0.03)),
    "110 pixels a side": ("too_small", lambda p, _: shrink(p, 110)),
    "80 pixels a side": ("too_small", lambda p, _: shrink(p, 80)),
    "a half or less of the film": ("cropped", lambda p, rng: _enlarge(cut(p, rng), p.shape)),
}
"""Fault to the code that should name it, and how a film gets it; 8-bit films only."""
