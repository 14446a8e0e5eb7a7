"""Faults do to a film what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from edge.phantom import draw_phantom
from edge.quality import SENTENCES
from optimize.gates.faults import FAULTS, blur, cut, expose, shrink, swap, turn

FILM = draw_phantom(0, 200)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_spoils_any_film_and_has_a_code(name: str) -> None:
    code, spoil = FAULTS[name]
    assert code in SENTENCES
    for film in (FILM, np.ascontiguousarray(FILM[:, :150])):
        before = film.copy()
        spoilt = spoil(film, np.random.default_rng(0))
        assert spoilt.dtype == np.uint8 and spoilt.ndim == 2
        assert np.array_equal(film, before)
        assert spoilt.shape != film.shape or not np.array_equal(spoilt, film)


def test_parts_are_at_most_about_a_half() -> None:
    rng = np.random.default_rng(0)
    shares = [cut(FILM, rng).size / FILM.size for _ in range(200)]
    assert 0.1 < min(shares) and max(shares) <= 0.55


def test_parts_come_from_every_side() -> None:
    y, x = np.indices((100, 100))
    rng = np.random.default_rng(0)
    corners = [
        (int(cut(y, np.random.default_rng(s)).min()), int(cut(x, np.random.default_rng(s)).min()))
        for s in rng.integers(0, 10_000, 100)
    ]
    rows, columns = zip(*corners, strict=True)
    assert min(rows) == min(columns) == 0
    assert max(rows) > 40 and max(columns) > 40


def test_the_plain_changes_can_be_undone_or_counted() -> None:
    assert np.array_equal(turn(turn(FILM, 1), 3), FILM)
    assert np.array_equal(swap(swap(FILM)), FILM)
    assert expose(FILM, 3.0).max() == 255 and expose(FILM, 0.1).max() <= 25
    assert blur(FILM, 0.02).std() < FILM.std()
    assert shrink(FILM, 80).shape == (80, 80)
    assert shrink(np.ascontiguousarray(FILM[:, :100]), 80).shape == (160, 80)
