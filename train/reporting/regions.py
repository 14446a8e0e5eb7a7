"""Where lungs, thorax and border lie on a frontal film of a young child, roughly.

The places are shares of the sides, read off the mean of 2,600 films of the training folder. They
serve to ask what a network uses, over many films; they outline nobody's lungs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from train.augmentation import Pixels

Mask = npt.NDArray[np.bool_]

THORAX = (0.08, 0.88, 0.08, 0.92)
"""Top, bottom, left and right of the box that holds the ribs; the border is what is outside."""

LUNGS = ((0.29, 0.48), (0.71, 0.48))
"""Centres (across, down) of one ellipse a lung."""

LUNG_RADII = (0.16, 0.36)
"""Half the width and half the height of both ellipses; generous, so that little lung is left."""


def regions(side: int) -> dict[str, Mask]:
    """``"lungs"``, ``"thorax"`` and ``"border"`` as (side, side) masks."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    top, bottom, left, right = THORAX
    thorax = (y >= top) & (y < bottom) & (x >= left) & (x < right)
    across, down = LUNG_RADII
    lungs = np.zeros((side, side), bool)
    for centre_x, centre_y in LUNGS:
        lungs |= ((x - centre_x) / across) ** 2 + ((y - centre_y) / down) ** 2 < 1
    return {"lungs": lungs, "thorax": thorax, "border": ~thorax}


def fill(pixels: Pixels, mask: Mask) -> Pixels:
    """Hide part of an image under the mean of the whole."""
    return np.where(mask, np.uint8(round(float(pixels.mean()))), pixels)
