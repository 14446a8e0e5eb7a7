"""A screening's pictures, as data URIs that a page can hold without a second request."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.screening import Screening

MAX_SIDE = 1024
"""Longer sides are reduced to this for the page; the model has seen the whole image."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """What a result page shows.

    Attributes:
        radiograph: data URI of a JPEG; neither mirrored nor turned.
        attention: data URI of a PNG of the same shape, transparent where attention is 0; None
            when the image was not screened.
        width, height: in pixels.
    """

    radiograph: str
    attention: str | None
    width: int
    height: int


def draw(screening: Screening) -> Pictures | None:
    """Draw a screening's radiograph and attention map; None when nothing was decoded."""
    if screening.radiograph is None:
        return None
    film = _to_8_bit(_reduced(screening.radiograph.pixels))
    height, width = film.shape
    radiograph = _data_uri("jpeg", film, [cv2.IMWRITE_JPEG_QUALITY, 88])
    attention = None
    if screening.attention is not None:
        overlay = _coloured(_enlarged(screening.attention, width, height))
        attention = _data_uri("png", overlay, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    return Pictures(radiograph, attention, width, height)


def _reduced(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    height, width = pixels.shape
    scale = MAX_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _to_8_bit(pixels: npt.NDArray[Any]) -> Bytes:
    """16-bit files seldom use their whole range: show the range that this one uses."""
    if pixels.dtype == np.uint8:
        return pixels
    low, high = np.percentile(pixels, (0.5, 99.5))
    window = max(float(high) - float(low), 1.0)
    return np.asarray(np.clip((pixels - low) * (255 / window), 0, 255), np.uint8)


def _enlarged(attention: npt.NDArray[np.float32], width: int, height: int) -> Bytes:
    smooth = cv2.resize(attention, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(smooth, 0, 1) * 255, np.uint8)  # cubic interpolation overshoots


def _coloured(attention: Bytes) -> Bytes:
    """Blue-green-red-alpha, of even steps in lightness: more attention is lighter and denser."""
    colours = cv2.applyColorMap(attention, cv2.COLORMAP_INFERNO)
    return np.asarray(np.dstack([colours, attention]), np.uint8)


def _data_uri(kind: str, image: Bytes, options: list[int]) -> str:
    _, data = cv2.imencode("." + kind, image, options)
    return f"data:image/{kind};base64,{base64.b64encode(data.tobytes()).decode()}"
