"""Whether two maps look at the same place, on known maps."""

from __future__ import annotations

import numpy as np
import pytest

from bench.attention_agreement import agreement, agreement_over_films


def spot(side: int, row: float, column: float, width: float = 0.15) -> np.ndarray:
    """A map that looks at one place, given in shares of the side."""
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side
    return np.asarray(np.exp(-((y - row) ** 2 + (x - column) ** 2) / width**2))


def test_map_agrees_with_itself() -> None:
    found = agreement(spot(19, 0.3, 0.7), spot(19, 0.3, 0.7))
    assert found is not None
    assert found.correlation == pytest.approx(1)
    assert found.points and found.pointed_at


def test_scale_does_not_matter_and_place_does() -> None:
    same = agreement(spot(19, 0.3, 0.7), 40 * spot(19, 0.3, 0.7))
    other = agreement(spot(19, 0.3, 0.7), spot(19, 0.7, 0.3))
    assert same is not None and other is not None
    assert same.correlation == pytest.approx(1)
    assert other.correlation < 0.2
    assert not other.points and not other.pointed_at


def test_coarse_map_is_compared_on_the_finer_grid() -> None:
    found = agreement(spot(5, 0.3, 0.7), spot(19, 0.3, 0.7))
    assert found is not None
    assert found.correlation > 0.8
    assert found.points and found.pointed_at


def test_pointing_has_a_direction() -> None:
    wide = spot(19, 0.5, 0.5, 0.4)
    wide[0, 0] = 2.0  # where the wide map looks most, the narrow one does not look at all
    found = agreement(wide, spot(19, 0.5, 0.5))
    assert found is not None
    assert not found.points
    assert found.pointed_at


def test_flat_map_looks_nowhere() -> None:
    assert agreement(np.zeros((5, 5)), spot(5, 0.5, 0.5)) is None
    pairs = [(np.zeros((5, 5)), spot(5, 0.5, 0.5)), (spot(5, 0.5, 0.5), spot(5, 0.5, 0.5))]
    found = agreement_over_films(pairs, 50)
    assert found is not None
    assert (found["films"], found["flat"]) == (1, 1)
    assert found["points"]["value"] == 1
    assert agreement_over_films(pairs[:1], 50) is None
