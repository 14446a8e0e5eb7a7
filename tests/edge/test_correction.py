"""What can be put right with a film that is held wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.correction import CORRECTIONS, correct
from edge.phantom import draw_phantom
from edge.quality import Gates, examine

WRONG = {
    "inverted": lambda film: 255 - film if film.dtype == np.uint8 else 5000 - film,
    "rotated_clockwise": lambda film: np.rot90(film, -1).copy(),
    "rotated_counterclockwise": lambda film: np.rot90(film).copy(),
    "upside_down": lambda film: np.rot90(film, 2).copy(),
}


@pytest.mark.parametrize("code", CORRECTIONS)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_what_the_gate_refuses_is_put_right(gates: Gates, code: str, kind: Any) -> None:
    film = draw_phantom(side=300)[:280].astype(kind)
    film *= 16 if kind is np.uint16 else 1
    wrong = WRONG[code](film)
    assert code in [finding.code for finding in examine(gates, wrong)]
    righted = correct(wrong, code)
    assert righted.dtype == kind
    offset = int(righted[0, 0]) - int(film[0, 0])  # 16 bits: where black was is not known
    assert np.array_equal(righted, film + offset), "nothing is lost, and nothing mirrored"
    assert offset == 0 or (code, kind) == ("inverted", np.uint16)
    assert code not in [finding.code for finding in examine(gates, righted)]


def test_an_unknown_correction_is_refused() -> None:
    with pytest.raises(ValueError, match="mirrored"):
        correct(draw_phantom(side=64), "mirrored")
