"""What a result page shows of the film and of the attention map."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from edge.radiograph import Radiograph
from edge.screening import Screener, Screening
from edge.web.pictures import MAX_SIDE, draw


@pytest.fixture
def screening(screener: Screener, png: bytes) -> Screening:
    return screener.screen(png)


def _pixels(uri: str | None) -> np.ndarray[Any, Any]:
    assert uri is not None
    data = base64.b64decode(uri.partition(",")[2])
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return pixels


@pytest.mark.parametrize("shape", [(64, 64), (300, 200), (2000, 1000), (100, 3000)])
def test_the_map_has_the_films_shape(screening: Screening, shape: tuple[int, int]) -> None:
    film: np.ndarray[Any, Any] = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    pictures = draw(replace(screening, radiograph=Radiograph(film, "png")))
    assert pictures is not None
    shown, overlay = _pixels(pictures.radiograph), _pixels(pictures.attention)
    assert shown.shape == overlay.shape[:2] == (pictures.height, pictures.width)
    assert max(shown.shape) == min(MAX_SIDE, max(shape))
    assert shown.shape[0] / shown.shape[1] == pytest.approx(shape[0] / shape[1], rel=0.02)


def test_neither_is_mirrored_or_turned(screening: Screening) -> None:
    film = np.zeros((400, 300), np.uint8)
    film[:200, :150] = 255
    attention = np.zeros((4, 4), np.float32)
    attention[0, 0] = 1
    pictures = draw(replace(screening, radiograph=Radiograph(film, "png"), attention=attention))
    assert pictures is not None
    shown, alpha = _pixels(pictures.radiograph), _pixels(pictures.attention)[..., 3]
    assert shown[100, 75] > 250 > 5 > shown[300, 225]
    assert alpha[0, 0] == 255
    assert not alpha[250:].any() and not alpha[:, 200:].any(), "no attention, no colour"


def test_a_16_bit_film_is_shown_with_the_range_that_it_uses(screening: Screening) -> None:
    ramp = np.linspace(20_000, 24_000, 300 * 300).reshape(300, 300).astype(np.uint16)
    pictures = draw(replace(screening, radiograph=Radiograph(ramp, "png")))
    assert pictures is not None
    shown = _pixels(pictures.radiograph)
    assert shown.min() < 10 and shown.max() > 245


def test_nothing_decoded_is_nothing_drawn(screener: Screener) -> None:
    assert draw(screener.screen(b"text")) is None
