"""A patient's films are fitted to, set limits, or measure: one of the three."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import DataRefused
from edge.phantom import draw_phantom
from optimize.gates.films import Films, adults, children, folder, laterals


def _sizes(films: Films) -> tuple[int, int, int]:
    return len(films.fitting), len(films.limits), len(films.measuring)


def _all_different(films: Films) -> bool:
    side = (64, 64)
    small = [
        cv2.resize(film, side, interpolation=cv2.INTER_AREA).tobytes()
        for part in (films.fitting, films.limits, films.measuring)
        for film in part
    ]
    return len(set(small)) == len(small)


def test_children_come_from_the_training_folder_alone(chest_xray: Path) -> None:
    assert not (chest_xray / "test").exists()
    found = children(chest_xray, progress=False)
    fitting, limits, measuring = _sizes(found)
    assert fitting + limits + measuring == 24
    assert fitting > limits > 0 and measuring > 0
    assert _all_different(found)
    assert {film.shape for film in found.fitting + found.limits} == {(224, 224)}
    assert {film.shape for film in found.measuring} == {(96, 96)}  # as the files are


def test_adults_are_split_and_known_lateral_films_left_out(chestxray14: Path) -> None:
    found = adults(chestxray14, seed=0, progress=False)
    assert sum(_sizes(found)) == 30
    assert min(_sizes(found)) > 0
    assert _all_different(found)
    assert len(laterals(chestxray14)) == 2


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for i, name in enumerate(("b.png", "a.jpg", "inner/c.jpeg")):
        cv2.imwrite(str(tmp_path / name), draw_phantom(i, 64 + i))
    (tmp_path / "notes.txt").write_text("no film")
    assert [film.shape for film in folder(tmp_path, progress=False)] == [
        (65, 65),
        (64, 64),
        (66, 66),
    ]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataRefused) as refusal:
        folder(tmp_path, progress=False)
    assert refusal.value.code == "no_images"
    (tmp_path / "broken.png").write_bytes(np.zeros(10, np.uint8).tobytes())
    with pytest.raises(DataRefused) as refusal:
        folder(tmp_path, progress=False)
    assert refusal.value.code == "unreadable_image"
    assert "broken.png" in refusal.value.message
