"""How much of a picture is coloured. A radiograph is grey, or grey with one tint."""

from __future__ import annotations

import cv2
import numpy as np

from edge.raster import JPEG_SIGNATURE, PNG_SIGNATURE, check_jpeg, check_png

SIDE = 64
LEAST_CHROMA = 12.0
"""Of 255: below it a colour can come from compression, or from a lamp behind a film."""
PNG_COLOUR_TYPES = {2, 3, 6}


def coloured_share(data: bytes) -> float:
    """The share of a picture, in [0, 1], whose colour is more than one tint of the whole.

    Blueish film, a yellow lamp or a brown print give every grey level one colour; that counts as
    no colour. Files that hold grey levels only are not decoded, and neither is what is neither
    JPEG nor PNG.

    Args:
        data: the whole file, already checked by `edge.radiograph.read_radiograph`.
    """
    if not _may_hold_colour(data):
        return 0.0
    if data.startswith(PNG_SIGNATURE):
        data = check_png(data)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_COLOR_8)
    if picture is None:
        return 0.0
    sides = (min(SIDE, picture.shape[1]), min(SIDE, picture.shape[0]))
    small = cv2.resize(picture, sides, interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb).reshape(-1, 3).astype(np.float64)
    light = np.stack([np.ones(len(planes)), planes[:, 0]], 1)
    chroma = planes[:, 1:]
    tint = light @ np.linalg.lstsq(light, chroma, rcond=None)[0]
    return float((np.hypot(*(chroma - tint).T) > LEAST_CHROMA).mean())


def _may_hold_colour(data: bytes) -> bool:
    if data.startswith(PNG_SIGNATURE):
        return data[25] in PNG_COLOUR_TYPES  # 25: after signature, chunk head, size and depth
    return data.startswith(JPEG_SIGNATURE) and check_jpeg(data).components > 1
