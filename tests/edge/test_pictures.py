"""The films that are kept in memory, and how a page shows them."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from edge.phantom import draw_phantom
from edge.screening import Screener, Screening
from edge.web.pictures import FILM_SIDE, Film, RecentPictures, draw_attention, draw_film


@pytest.fixture
def screening(screener: Screener, png: bytes) -> Screening:
    return screener.screen(png)


def _pixels(data: bytes) -> np.ndarray[Any, Any]:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return pixels


@pytest.mark.parametrize("shape", [(64, 64), (300, 200), (4000, 2000), (100, 3000)])
def test_a_film_is_shown_in_its_shape(shape: tuple[int, int]) -> None:
    film: np.ndarray[Any, Any] = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    shown = _pixels(draw_film(film))
    assert max(shown.shape) == min(FILM_SIDE, max(shape))
    assert shown.shape[0] / shown.shape[1] == pytest.approx(shape[0] / shape[1], rel=0.02)


def test_neither_film_nor_map_is_mirrored_or_turned() -> None:
    film = np.zeros((400, 300), np.uint8)
    film[:200, :150] = 255
    shown = _pixels(draw_film(film))
    assert shown[100, 75] > 250 > 5 > shown[300, 225]
    attention = np.zeros((4, 4), np.float32)
    attention[0, 0] = 1
    alpha = _pixels(draw_attention(attention))[..., 3]
    reach = alpha.shape[0] * 5 // 8
    assert alpha[0, 0] == 255
    assert not alpha[reach:].any() and not alpha[:, reach:].any()


def test_a_16_bit_film_is_shown_with_the_range_that_it_uses() -> None:
    ramp = np.linspace(20_000, 24_000, 300 * 300).reshape(300, 300).astype(np.uint16)
    shown = _pixels(draw_film(ramp))
    assert shown.min() < 10 and shown.max() > 245


def test_a_film_comes_back_as_it_was_screened(screener: Screener) -> None:
    upright = draw_phantom(side=256)
    _, data = cv2.imencode(".png", np.rot90(255 - upright, -1))
    corrections = ("inverted", "rotated_clockwise")
    screening = screener.screen(data.tobytes(), corrections=corrections)
    pictures = RecentPictures()
    pictures.keep(screening, data.tobytes())
    film = pictures.get(screening.id)
    assert film is not None
    assert screening.corrected == film.corrections == corrections
    assert screening.radiograph is not None
    assert np.array_equal(film.pixels(), screening.radiograph.pixels)
    assert np.array_equal(film.pixels(), upright)
    assert film.attention is screening.attention


def test_the_oldest_films_give_way(screening: Screening) -> None:
    pictures = RecentPictures(most_films=3, most_bytes=1000)

    def keep(name: str, size: int) -> None:
        pictures.keep(replace(screening, id=name), bytes(size))

    def kept() -> str:
        return "".join(name for name in "abcdef" if pictures.get(name))

    for name in "abcd":
        keep(name, 100)
    assert kept() == "bcd", "no more than three"
    keep("e", 850)
    assert kept() == "de", "no more than a thousand bytes"
    keep("f", 1001)
    assert kept() == "", "not even one"
    keep("a", 1)
    pictures.forget("a")
    pictures.forget("a")
    assert kept() == ""


def test_what_could_not_be_read_is_not_kept(screener: Screener) -> None:
    pictures = RecentPictures()
    unread = screener.screen(b"text")
    pictures.keep(unread, b"text")
    assert pictures.get(unread.id) is None


def test_many_threads_may_keep_and_look(screening: Screening) -> None:
    pictures = RecentPictures(most_films=5)

    def work(number: int) -> None:
        for i in range(200):
            pictures.keep(replace(screening, id=f"{number}-{i}"), b"film")
            pictures.get(f"{number}-{i - 1}")
            pictures.forget(f"{number}-{i - 2}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [f"{n}-{i}" for n in range(4) for i in range(200)]
    films = [pictures.get(name) for name in names]
    assert 0 < sum(isinstance(film, Film) for film in films) <= 5
