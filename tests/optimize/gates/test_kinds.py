"""Every kind can be drawn, again and again the same, and none is both fitted and unseen."""

from __future__ import annotations

import numpy as np
import pytest

from optimize.gates.canvas import Draw
from optimize.gates.kinds import FITTED, LATERAL, PHOTOGRAPHS, UNSEEN, draw, photographs, vary

EVERY = {**FITTED, **UNSEEN}


def test_there_are_many_kinds_and_none_is_in_both_lists() -> None:
    assert len(FITTED) >= 50 and len(UNSEEN) >= 20
    assert not {*FITTED} & {*UNSEEN}
    assert LATERAL in FITTED


@pytest.mark.parametrize(("name", "drawing"), EVERY.items(), ids=EVERY)
def test_a_kind_draws_pictures_that_differ_by_seed_alone(name: str, drawing: Draw) -> None:
    first, again, other = (drawing(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert first.dtype == np.uint8 and first.shape[2] == 3
    assert 240 <= min(first.shape[:2]) and max(first.shape[:2]) <= 500
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.min() < first.max()


def test_what_is_drawn_depends_on_kind_and_seed_only() -> None:
    two = dict(list(UNSEEN.items())[:2])
    name = list(two)[1]
    among = [picture for kind, picture in draw(two, 3, 7) if kind == name]
    alone = [picture for _, picture in draw({name: two[name]}, 3, 7)]
    assert len(among) == 3
    assert all(np.array_equal(a, b) for a, b in zip(among, alone, strict=True))
    assert not np.array_equal(alone[0], next(draw({name: two[name]}, 1, 8))[1])


def test_varied_pictures_keep_their_type() -> None:
    picture = next(draw(UNSEEN, 1, 0))[1]
    shapes = set()
    for seed in range(20):
        varied = vary(picture, np.random.default_rng(seed))
        assert varied.dtype == np.uint8 and varied.flags.c_contiguous
        shapes.add(varied.shape)
    assert len(shapes) > 1


def test_photographs_come_from_what_is_installed() -> None:
    found = list(photographs(2, seed=0))
    assert {name for name, _ in found} <= {path.rpartition("/")[2] for _, path in PHOTOGRAPHS}
    assert {"china.jpg", "flower.jpg"} <= {name for name, _ in found}
    assert all(picture.ndim == 3 and picture.dtype == np.uint8 for _, picture in found)
