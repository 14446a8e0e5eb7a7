"""Rates count what the gates said."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import DataRefused
from edge.phantom import draw_phantom
from edge.quality import Finding, Gates
from optimize.gates.faults import FAULTS
from optimize.gates.films import Films
from optimize.gates.measuring import (
    measure_faults,
    measure_films,
    measure_folder,
    measure_others,
    measure_shifts,
    rates,
)
from train.shifts import SHIFTS


def test_rates_count_refusals_warnings_and_codes() -> None:
    refused = (Finding("inverted", True), Finding("too_dark", True))
    warned = (Finding("cropped", False),)
    found = rates([refused, refused, warned, ()], "too_dark")
    assert found["images"] == 4
    assert found["refused"]["value"] == 0.5
    assert found["warned"]["value"] == 0.25
    assert found["codes"] == {"inverted": 2, "too_dark": 2, "cropped": 1}
    assert found["named"]["code"] == "too_dark" and found["named"]["value"] == 0.5
    assert found["refused"]["low"] < 0.5 < found["refused"]["high"]


def test_good_films_and_films_with_a_fault_are_told_apart(fitted: Gates, young: Films) -> None:
    films = measure_films(fitted, {"drawn": young.measuring}, progress=False)
    assert films["drawn"]["refused"]["value"] == 0
    faults = measure_faults(fitted, young.measuring, 0, progress=False)
    assert set(faults) == set(FAULTS)
    for name in ("upside down", "black and white swapped", "80 pixels a side"):
        assert faults[name]["named"]["value"] == 1


def test_every_shift_is_measured(fitted: Gates, young: Films) -> None:
    wide = [np.hstack([film, film[:, :60]]) for film in young.measuring[:2]]
    found = measure_shifts(fitted, wide, progress=False)
    assert set(found) == set(SHIFTS)
    assert {each["images"] for each in found.values()} == {2}


def test_other_pictures_come_with_and_without_colours(fitted: Gates) -> None:
    found = measure_others(fitted, seed=0, each=1, progress=False)
    for group in found.values():
        assert group["coloured"]["images"] == group["grey"]["images"] > 0
        assert group["coloured"]["refused"]["value"] >= group["grey"]["refused"]["value"] > 0.7
        passed = sum(group["passed_in_grey"].values())
        assert passed == round(group["grey"]["images"] * (1 - group["grey"]["refused"]["value"]))


def test_a_folder_of_others_counts_what_the_reader_refuses_apart(
    fitted: Gates, tmp_path: Path
) -> None:
    with pytest.raises(DataRefused) as refusal:
        measure_folder(fitted, tmp_path, progress=False)
    assert refusal.value.code == "no_images"
    (tmp_path / "notes.txt").write_text("no picture")
    cv2.imwrite(str(tmp_path / "swapped.png"), 255 - draw_phantom(0, 224))
    found = measure_folder(fitted, tmp_path, progress=False)
    assert found["images"] == found["refused_before_the_gates"] == 1
    assert found["codes"] == {"inverted": 1}
