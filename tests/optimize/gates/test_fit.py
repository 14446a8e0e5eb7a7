"""Gates fitted to phantoms know a phantom, however it is held."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edge.phantom import draw_phantom
from edge.quality import SCORES, SENTENCES, Gates, examine
from optimize.gates.films import Films
from optimize.gates.fit import FIXED
from optimize.gates.kinds import UNSEEN, draw


def test_new_phantoms_pass(fitted: Gates, young: Films) -> None:
    for film in young.measuring:
        assert not any(finding.refuses for finding in examine(fitted, film))


@pytest.mark.parametrize(
    ("turns", "swapped", "code"),
    [
        (1, False, "rotated_counterclockwise"),
        (2, False, "upside_down"),
        (3, False, "rotated_clockwise"),
        (0, True, "inverted"),
    ],
)
def test_phantoms_held_otherwise_are_named(
    fitted: Gates, young: Films, turns: int, swapped: bool, code: str
) -> None:
    for film in young.measuring:
        held = np.ascontiguousarray(np.rot90(255 - film if swapped else film, turns))
        assert code in [finding.code for finding in examine(fitted, held)]


def test_most_kinds_that_were_never_fitted_are_refused(fitted: Gates) -> None:
    refused = [
        any(finding.refuses for finding in examine(fitted, picture.mean(2).astype(np.uint8)))
        for _, picture in draw(UNSEEN, 2, 5)
    ]
    assert np.mean(refused) >= 0.9


def test_every_score_and_every_limit_is_there(fitted: Gates) -> None:
    assert set(fitted.weights) == set(SCORES)
    assert set(fitted.limits) == set(SENTENCES)
    assert all(fitted.limits[code] == limits for code, limits in FIXED.items())
    for code in ("not_a_radiograph", "lateral_view"):
        limits = fitted.limits[code]
        assert limits.warn is not None and limits.refuse is not None
        assert limits.warn <= limits.refuse
    assert fitted.limits["cropped"].refuse is None


def test_one_seed_gives_the_same_gates(fit: Callable[[int, int], Gates]) -> None:
    first, again, other = fit(1, 1), fit(1, 1), fit(2, 1)
    assert first == again
    assert first.weights != other.weights


def test_the_demonstration_passes(fitted: Gates) -> None:
    assert not any(finding.refuses for finding in examine(fitted, draw_phantom(opacities=2)))
