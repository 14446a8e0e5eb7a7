"""The validation patients as another clinic would have filmed them.

Held-out patients of the training folder are nearly solved (AUC above 0.99) and so cannot tell one
recipe from another. The same films resampled, blurred, re-exposed or cropped can.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from train.augmentation import Pixels, blur_or_sharpen, change_gamma, compress, resample


def _crop(pixels: Pixels) -> Pixels:
    side = pixels.shape[0]
    margin = side // 10
    inner = pixels[margin : side - margin, margin : side - margin]
    return np.asarray(cv2.resize(inner, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def _shrink(pixels: Pixels) -> Pixels:
    side = pixels.shape[0]
    margin = side // 12
    inner = cv2.resize(pixels, (side - 2 * margin,) * 2, interpolation=cv2.INTER_AREA)
    bordered = cv2.copyMakeBorder(inner, *(margin,) * 4, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(bordered, np.uint8)


def _stretch(pixels: Pixels) -> Pixels:
    """Full height, 85 % of the width: a film of another shape squeezed to a square."""
    side = pixels.shape[0]
    margin = round(side * 0.075)
    inner = np.ascontiguousarray(pixels[:, margin : side - margin])
    return np.asarray(cv2.resize(inner, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def _noise(pixels: Pixels) -> Pixels:
    noise: npt.NDArray[np.float64] = np.random.default_rng(0).normal(0, 8, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


SHIFTS: dict[str, Callable[[Pixels], Pixels]] = {
    "none": lambda p: p,
    "resampled": lambda p: resample(p, 96),
    "blurred": lambda p: blur_or_sharpen(p, 1.5, -1.0),
    "sharpened": lambda p: blur_or_sharpen(p, 1.5, 1.5),
    "darker": lambda p: change_gamma(p, 1.7),
    "brighter": lambda p: change_gamma(p, 0.6),
    "cropped": _crop,
    "bordered": _shrink,
    "stretched": _stretch,
    "noised": _noise,
    "compressed": lambda p: compress(p, 20),
}
"""Name to change, each from (side, side) uint8 to the same."""
