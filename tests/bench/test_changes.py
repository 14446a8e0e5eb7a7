"""Changes do what their names say, in the strength that they say, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from bench.changes import CHANGES, Change, as_file, small_copy
from edge.phantom import draw_phantom
from edge.radiograph import read_radiograph

FILM = small_copy(draw_phantom(0, 512))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_change_keeps_shape_and_changes_something_alike_each_time(change: Change) -> None:
    once, again = change.apply(FILM), change.apply(FILM)
    assert once.shape == FILM.shape
    assert once.dtype == np.uint8
    assert not np.array_equal(once, FILM)
    assert np.array_equal(once, again)


def test_names_differ() -> None:
    assert len({change.name for change in CHANGES}) == len(CHANGES)


@pytest.mark.parametrize("family", ["blur", "noise", "JPEG", "gamma", "rotation", "resampling"])
def test_every_family_comes_in_several_strengths(family: str) -> None:
    strengths = [change for change in CHANGES if change.family == family]
    assert len(strengths) >= 3


@pytest.mark.parametrize("family", ["blur", "noise", "JPEG", "resampling"])
def test_stronger_changes_change_more(family: str) -> None:
    off = [
        float(np.abs(change.apply(FILM).astype(float) - FILM).mean())
        for change in CHANGES
        if change.family == family
    ]
    assert off == sorted(off)


def test_rotation_is_counterclockwise_where_positive() -> None:
    film = np.zeros((224, 224), np.uint8)
    film[112, 180] = 255  # to the right of the centre
    turns = {change.strength: change for change in CHANGES if change.family == "rotation"}
    row, column = np.unravel_index(turns["+10 degrees"].apply(film).argmax(), film.shape)
    assert row < 108 and column > 170


@pytest.mark.parametrize("side", [128, 224, 600])
def test_copy_has_one_size_and_eight_bits(side: int) -> None:
    film = draw_phantom(0, side)
    copy = small_copy(film)
    assert copy.shape == (224, 224)
    assert copy.dtype == np.uint8
    deep = small_copy(film.astype(np.uint16) * 256)
    assert np.array_equal(deep, copy)
    assert abs(float(copy.mean()) - float(film.mean())) < 2


def test_file_holds_the_very_pixels() -> None:
    assert np.array_equal(read_radiograph(as_file(FILM)).pixels, FILM)
