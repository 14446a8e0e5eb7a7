"""A tint is no colour; several colours are."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from edge.colour import coloured_share
from edge.phantom import draw_phantom, phantom_png


def encoded(picture: np.ndarray, kind: str) -> bytes:
    _, data = cv2.imencode(kind, picture)
    return data.tobytes()


@pytest.mark.parametrize("kind", [".png", ".jpg"])
def test_grey_files_have_no_colour(kind: str) -> None:
    film = draw_phantom(0, 512)
    assert coloured_share(encoded(film, kind)) == 0
    assert coloured_share(encoded(cv2.cvtColor(film, cv2.COLOR_GRAY2BGR), kind)) == 0


@pytest.mark.parametrize("kind", [".png", ".jpg"])
@pytest.mark.parametrize("tint", [(1.0, 0.85, 0.7), (0.6, 0.8, 1.0)])
def test_a_tint_of_the_whole_is_no_colour(kind: str, tint: tuple[float, ...]) -> None:
    film = draw_phantom(0, 512)[..., None] * np.array(tint)
    assert coloured_share(encoded(film.astype(np.uint8), kind)) < 0.05


@pytest.mark.parametrize("kind", [".png", ".jpg"])
def test_several_colours_are_colour(kind: str) -> None:
    picture = np.zeros((400, 300, 3), np.uint8)
    picture[:200] = (200, 60, 40)
    picture[200:] = (40, 160, 60)
    picture[100:300, 100:200] = (40, 40, 220)
    assert coloured_share(encoded(picture, kind)) > 0.5


def test_a_coloured_marker_on_a_film_is_little() -> None:
    picture = cv2.cvtColor(draw_phantom(0, 512), cv2.COLOR_GRAY2BGR)
    cv2.rectangle(picture, (20, 20), (120, 60), (0, 0, 255), -1)
    assert 0 < coloured_share(encoded(picture, ".png")) < 0.1


def test_deep_and_transparent_png_files_are_read() -> None:
    deep = np.zeros((200, 200, 3), np.uint16)
    deep[:, :100] = (60000, 10000, 5000)
    deep[:, 100:] = (5000, 50000, 40000)
    deep[:100] = (5000, 5000, 60000)
    assert coloured_share(encoded(deep, ".png")) > 0.5
    transparent = np.dstack([(deep >> 8).astype(np.uint8), np.full((200, 200), 255, np.uint8)])
    assert coloured_share(encoded(transparent, ".png")) > 0.5


def test_dicom_files_are_left_to_their_reader(dicom: Callable[..., bytes]) -> None:
    assert coloured_share(dicom(draw_phantom(0, 64))) == 0


def test_the_demonstration_has_no_colour() -> None:
    assert coloured_share(phantom_png()) == 0
