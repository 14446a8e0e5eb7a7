"""The pictures of a screening: the film as it was sent, and what the model looked at.

The last films stay in memory, so that they can be looked at and screened again; nothing is drawn
before a page asks for it. Where the clinic keeps images, the records have the older ones.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.correction import correct
from edge.radiograph import MAX_BYTES, read_radiograph
from edge.runtime import Floats
from edge.screening import Screening

MOST_FILMS = 30
MOST_BYTES = MAX_BYTES
"""The largest file that is accepted just fits in, and the kiosk stays small."""

FILM_SIDE = 2048
"""Longer sides are reduced to this for the page; the model has seen the whole image."""
MAP_SIDE = 512
"""The map has a few dozen squares: the page enlarges this without loss."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Film:
    """One file that was screened.

    Attributes:
        data: the whole file.
        corrections: codes of `edge.correction.CORRECTIONS`, put right in this order when it is
            decoded.
        attention: as `Screening.attention`; None when there is none, or none any more.
    """

    data: bytes
    corrections: tuple[str, ...] = ()
    attention: Floats | None = None

    def pixels(self) -> npt.NDArray[Any]:
        """The film, corrected: (height, width), uint8 or uint16.

        Raises:
            ImageRefused: as `edge.radiograph.read_radiograph`.
        """
        pixels = read_radiograph(self.data).pixels
        for code in self.corrections:
            pixels = correct(pixels, code)
        return pixels


class RecentPictures:
    """The last films that were screened since the kiosk started, safe to use from any thread."""

    def __init__(self, most_films: int = MOST_FILMS, most_bytes: int = MOST_BYTES) -> None:
        """Keep nothing yet.

        Args:
            most_films: the oldest gives way to the next.
            most_bytes: of all files together.
        """
        self._most_films, self._most_bytes = most_films, most_bytes
        self._films: OrderedDict[str, Film] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, screening: Screening, data: bytes) -> None:
        """Keep the film of a screening, if it could be read.

        Args:
            screening: its id names the film.
            data: the file that was screened, as it came.
        """
        if screening.radiograph is None:
            return
        film = Film(data, screening.corrected, screening.attention)
        with self._lock:
            self._films[screening.id] = film
            while len(self._films) > self._most_films or self._bytes() > self._most_bytes:
                self._films.popitem(last=False)

    def get(self, screening_id: str) -> Film | None:
        """The film of a screening, or None when it gave way."""
        with self._lock:
            return self._films.get(screening_id)

    def forget(self, screening_id: str) -> None:
        """Drop the film of a screening that was deleted."""
        with self._lock:
            self._films.pop(screening_id, None)

    def _bytes(self) -> int:
        return sum(len(film.data) for film in self._films.values())


def draw_film(pixels: npt.NDArray[Any]) -> bytes:
    """A film as a JPEG file, neither mirrored nor turned.

    Args:
        pixels: (height, width), uint8 or uint16.
    """
    film = _to_8_bit(_reduced(pixels, FILM_SIDE))
    return _encoded(".jpg", film, [cv2.IMWRITE_JPEG_QUALITY, 92])


def draw_attention(attention: Floats) -> bytes:
    """An attention map as a PNG file, transparent where attention is 0.

    The page stretches it over the film: what the model saw was stretched in the same way.

    Args:
        attention: (height, width) in [0, 1].
    """
    smooth = cv2.resize(attention, (MAP_SIDE, MAP_SIDE), interpolation=cv2.INTER_CUBIC)
    grey = np.asarray(np.clip(smooth, 0, 1) * 255, np.uint8)  # cubic interpolation overshoots
    return _encoded(".png", _coloured(grey), [cv2.IMWRITE_PNG_COMPRESSION, 4])


def _reduced(pixels: npt.NDArray[Any], longest: int) -> npt.NDArray[Any]:
    height, width = pixels.shape
    scale = longest / max(height, width)
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


def _coloured(attention: Bytes) -> Bytes:
    """Blue-green-red-alpha, of even steps in lightness: more attention is lighter and denser."""
    colours = cv2.applyColorMap(attention, cv2.COLORMAP_INFERNO)
    return np.asarray(np.dstack([colours, attention]), np.uint8)


def _encoded(kind: str, image: Bytes, options: list[int]) -> bytes:
    _, data = cv2.imencode(kind, image, options)
    return data.tobytes()
