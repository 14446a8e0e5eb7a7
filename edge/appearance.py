"""What the gates look at: a small grey copy of an image, described by a few hundred numbers.

The description is 64 coarse grey levels and 128 shares of a histogram of edge directions (Dalal,
Triggs, "Histograms of oriented gradients for human detection", CVPR 2005; here with the sign of
the edge, which tells bright from dark). Turning an image by a quarter, or swapping black and
white, only reorders these numbers or turns their sign, so one description serves for all eight
ways in which a film can be held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

COARSE = 8
"""The description's grey levels stand in a square of this side."""
CELLS, DIRECTIONS = 4, 8
"""Edges are counted in a square of cells of this side, in so many directions of the full turn."""
FEATURES = COARSE**2 + DIRECTIONS * CELLS**2
DESCRIPTION = "grey 8x8, signed edges 4x4x8, version 1"
"""Weights fitted to another description would be nonsense, so both sides name it."""

SIDE, DETAIL_SIDE = 64, 128
"""Of the copy that is described, and of the one whose sharpness is judged, in pixels."""
LARGEST_DEVIATION = 3.0
"""In standard deviations: a bright marker or a black border should not outweigh the film."""
DARK, BRIGHT = 20 / 255, 235 / 255
DEEPEST = 4095
"""A 16-bit file holds 12 bits at least, and seldom uses its whole range."""


@dataclass(frozen=True)
class Appearance:
    """How an image looks.

    Attributes:
        features: (192,) the description.
        dark, bright: share of its middle half that is nearly black or nearly white, in [0, 1].
        softness: spread of the grey levels beside that of the finest detail, at least 1.
        enlargement: side of the copy that is judged beside the image's shorter side: above 1 the
            image has fewer pixels than the copy.
    """

    features: Floats
    dark: float
    bright: float
    softness: float
    enlargement: float


def look(pixels: npt.NDArray[Any]) -> Appearance:
    """Describe one grey image.

    Args:
        pixels: (height, width), uint8 or uint16; both axes are squeezed to a square, because
            films come in all shapes, and squeezed already.
    """
    detail = cv2.resize(pixels, (DETAIL_SIDE,) * 2, interpolation=cv2.INTER_AREA)
    top = 255 if pixels.dtype == np.uint8 else max(int(pixels.max()), DEEPEST)
    copy = np.asarray(detail, np.float32) / top
    small = cv2.resize(copy, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    middle = small[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4]
    fine = copy - cv2.GaussianBlur(copy, (0, 0), 1.0)
    return Appearance(
        features=describe(small),
        dark=float((middle <= DARK).mean()),
        bright=float((middle >= BRIGHT).mean()),
        softness=float(copy.std() / max(float(fine.std()), 1e-6)),
        enlargement=DETAIL_SIDE / min(pixels.shape),
    )


def describe(small: npt.NDArray[Any]) -> Floats:
    """The description of a copy of (64, 64) grey levels in any unit: (192,) float32."""
    copy = small.astype(np.float32)
    film = (copy - copy.mean()) / max(float(copy.std()), 1e-6)
    film = np.clip(film, -LARGEST_DEVIATION, LARGEST_DEVIATION)
    coarse = cv2.resize(film, (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(film, (0, 0), 1.0)
    right = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    strength = np.hypot(right, down)
    direction = np.arctan2(down, right) * (DIRECTIONS / (2 * np.pi))
    # An edge counts to the two directions that it lies between.
    away = np.abs(direction - np.arange(DIRECTIONS)[:, None, None])
    away = np.minimum(away, np.abs(away - DIRECTIONS))
    shares = strength * np.clip(1 - away, 0, None)
    side = SIDE // CELLS
    counted = np.sqrt(shares.reshape(DIRECTIONS, CELLS, side, CELLS, side).mean((2, 4)))
    counted /= max(float(np.sqrt(np.square(counted).mean())), 1e-6)
    return np.concatenate([coarse.ravel(), counted.ravel()]).astype(np.float32)


def poses(features: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The descriptions that an image would have, were it held in another way.

    Args:
        features: (..., 192) from `describe`.

    Returns:
        (..., 8, 192): as it is, turned counter-clockwise by one, two and three quarters; then the
        same four with black and white swapped.
    """
    return features[..., _ORDERS] * _SIGNS


def _pose(turns: int, swapped: bool) -> tuple[npt.NDArray[np.int64], Floats]:
    """Where each number of a turned image's description stands in the one at hand; its sign."""
    places = np.arange(FEATURES)
    coarse = places[: COARSE**2].reshape(COARSE, COARSE)
    counted = places[COARSE**2 :].reshape(DIRECTIONS, CELLS, CELLS)
    quarter = DIRECTIONS // 4
    counted = np.roll(counted, -quarter * turns + 2 * quarter * swapped, axis=0)
    counted = np.rot90(counted, turns, axes=(1, 2))
    signs = np.ones(FEATURES, np.float32)
    signs[: COARSE**2] = -1 if swapped else 1
    return np.concatenate([np.rot90(coarse, turns).ravel(), counted.ravel()]), signs


_POSES = [_pose(turns, swapped) for swapped in (False, True) for turns in range(4)]
_ORDERS = np.stack([order for order, _ in _POSES])
_SIGNS = np.stack([signs for _, signs in _POSES])
