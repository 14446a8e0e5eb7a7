"""Figures of a clinic's own cases, against figures worked out elsewhere."""

from __future__ import annotations

import random

import pytest

from edge.followup import Case
from edge.performance import BINS, FEWEST, measure, share

CASES = [Case(score, True) for score in (0.95, 0.9, 0.7, 0.3)]
CASES += [Case(score, False) for score in (0.8, 0.4, 0.2, 0.1, 0.05, 0.0)]


def test_the_four_shares_of_cases_that_can_be_counted_by_hand() -> None:
    found = measure(CASES, 0.7)
    assert (found.sensitivity.hits, found.sensitivity.cases) == (3, 4)
    assert (found.specificity.hits, found.specificity.cases) == (5, 6)
    assert (found.positive_value.hits, found.positive_value.cases) == (3, 4)
    assert (found.negative_value.hits, found.negative_value.cases) == (5, 6)
    assert found.sensitivity.value == 0.75


@pytest.mark.parametrize(
    ("hits", "cases", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
     (1, 29, 0.0061, 0.1718), (29, 29, 0.8830, 1.0)],
)  # fmt: skip
def test_intervals_are_those_of_wilson(hits: int, cases: int, low: float, high: float) -> None:
    """The first four are Newcombe's examples (Statistics in Medicine 1998, table I)."""
    found = share(hits, cases)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_intervals_hold_their_value_and_stay_within_bounds() -> None:
    for cases in range(1, 60):
        for hits in range(cases + 1):
            found = share(hits, cases)
            assert found.value is not None
            assert found.low is not None
            assert found.high is not None
            assert 0 <= found.low <= found.value <= found.high <= 1


def test_few_cases_are_called_too_few() -> None:
    enough = [Case(0.9, True)] * FEWEST + [Case(0.1, False)] * FEWEST
    assert not measure(enough, 0.5).too_few
    assert measure(enough[1:], 0.5).too_few
    assert measure(enough[:-1], 0.5).too_few


def test_no_case_gives_no_figure() -> None:
    found = measure([], 0.5)
    assert found.too_few
    assert found.sensitivity.value is found.negative_value.low is None
    assert all(b.share.value is b.mean_score is None for b in found.bins)


def test_bins_hold_every_case_once_with_its_mean_score() -> None:
    found = measure([*CASES, Case(1.0, True)], 0.5).bins
    assert len(found) == BINS
    assert sum(b.pneumonia for b in found) == 5
    assert sum(b.not_pneumonia for b in found) == 6
    assert (found[-1].pneumonia, found[-1].not_pneumonia) == (3, 0)
    assert found[-1].mean_score == pytest.approx((0.95 + 0.9 + 1.0) / 3)
    assert (found[0].low, found[0].high, found[-1].high) == (0.0, 0.1, 1.0)


def test_scores_that_mean_what_they_say_lie_in_their_intervals() -> None:
    chance = random.Random(0)
    scores = [chance.random() for _ in range(4000)]
    found = measure([Case(score, chance.random() < score) for score in scores], 0.5)
    missed = 0
    for b in found.bins:
        assert b.mean_score is not None
        assert b.share.low is not None
        assert b.share.high is not None
        missed += not b.share.low <= b.mean_score <= b.share.high
    assert missed <= 2
