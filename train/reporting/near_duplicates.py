"""Films that are nearly the same as another: re-exposed, recompressed or a little moved copies.

Exact copies are found by their pixels (`train.datasets.without_duplicates`). What is left can
still be one film twice, on both sides of a split, and then a test measures memory.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from train.datasets import LabelledImages

SIDE = 32
"""Side of the thumbnails, in pixels: detail that compression or a scanner changes is gone."""

SIGMA = 3.0
"""Of the blur that is taken off, in thumbnail pixels: all chests are alike in the large."""

THRESHOLD = 0.94
"""Correlation from which two films count as nearly the same.

Seen on the 5,206 different films of the training folder. 300 of them against their own
copies: blurred, sharpened, noised, compressed or resampled at least 0.995, turned by 1 degree
0.975, re-exposed (gamma 0.6 or 1.7) 0.940, moved by 1 % of the width 0.943. Films of one child
(6,120 pairs): half below 0.44, the highest 0.896. Films that bear different patient numbers
(13.5 million pairs): half below 0.44, the highest 0.953, which looks like one child filmed once,
the second highest 0.924, which does not. Without taking the blur off, different children reach
0.975, above what re-exposed copies do.
"""

BLOCK = 256
"""Images that are compared at a time: it bounds the memory, not the answer."""


def near_duplicates(images: LabelledImages, others: LabelledImages) -> list[int]:
    """Find images that look nearly the same as an earlier one, or as any of a second set.

    Two films are nearly the same when their thumbnails without the large shapes correlate at
    `THRESHOLD` or above. Mirrored films and crops of more than about 2 % are not found.

    Args:
        images: where to look.
        others: for example the training folder; may be empty.

    Returns:
        Indices of `images`, ascending; the first film of a group is not among them unless it is
        like one of ``others``.
    """
    ours, theirs = _thumbnails(images.pixels), _thumbnails(others.pixels)
    seen = np.concatenate([theirs, ours])
    found = []
    for start in range(0, len(ours), BLOCK):
        likeness = ours[start : start + BLOCK] @ seen.T
        for i, row in enumerate(likeness, start):
            if row[: len(theirs) + i].max(initial=-1.0) >= THRESHOLD:
                found.append(i)
    return found


def _thumbnails(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(n, side, side) to (n, SIDE * SIDE) of zero mean and unit length; a blank image is zeros."""
    found = np.zeros((len(pixels), SIDE * SIDE), np.float32)
    for i, image in enumerate(pixels):
        small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        detail = (small - cv2.GaussianBlur(small, (0, 0), SIGMA)).ravel()
        detail -= detail.mean()
        found[i] = detail / max(float(np.linalg.norm(detail)), 1e-3)
    return found
