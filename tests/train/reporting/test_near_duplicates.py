"""Copies of a film are found, however they were exposed or stored; other children are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from train.augmentation import Pixels, change_gamma, compress
from train.datasets import LabelledImages, Sample
from train.reporting.near_duplicates import THRESHOLD, near_duplicates
from train.shifts import SHIFTS


def film(seed: int) -> Pixels:
    """Shapes of every size: as different from one another as two children's ribs and vessels."""
    rng = np.random.default_rng(seed)
    image = np.zeros((224, 224))
    for sigma in (6, 12, 24):
        layer = cv2.GaussianBlur(rng.normal(size=image.shape), (0, 0), sigma)
        image += layer / layer.std()
    return np.asarray(np.clip(128 + 30 * image, 0, 255), np.uint8)


def images_of(*pixels: Any) -> LabelledImages:
    samples = tuple(Sample(Path(f"{i}.png"), 0, str(i), "x") for i in range(len(pixels)))
    return LabelledImages(samples, np.array(pixels, np.uint8).reshape(-1, 224, 224))


NONE = images_of()
FILMS = [film(seed) for seed in range(6)]


def test_different_films_are_not_duplicates() -> None:
    assert near_duplicates(images_of(*FILMS), NONE) == []
    assert near_duplicates(images_of(*FILMS[:3]), images_of(*FILMS[3:])) == []


@pytest.mark.parametrize(
    "name", ["resampled", "blurred", "sharpened", "darker", "brighter", "noised", "compressed"]
)
def test_a_changed_copy_is_found(name: str) -> None:
    copy = SHIFTS[name](FILMS[1])
    assert near_duplicates(images_of(*FILMS, copy), NONE) == [len(FILMS)]
    assert near_duplicates(images_of(FILMS[0], copy), images_of(*FILMS[1:])) == [1]


def test_a_copy_a_little_moved_is_found() -> None:
    matrix = cv2.getRotationMatrix2D((111.5, 111.5), 1.0, 1.0)
    moved = cv2.warpAffine(FILMS[2], matrix, (224, 224), borderMode=cv2.BORDER_REPLICATE)
    assert near_duplicates(images_of(*FILMS, moved), NONE) == [len(FILMS)]


def test_the_first_of_a_group_stays_unless_the_others_hold_it() -> None:
    once, twice = compress(FILMS[0], 30), change_gamma(FILMS[0], 0.8)
    group = images_of(FILMS[0], FILMS[1], once, twice)
    assert near_duplicates(group, NONE) == [2, 3]
    assert near_duplicates(group, images_of(FILMS[5], FILMS[0])) == [0, 2, 3]


def test_being_alike_in_the_large_is_not_enough() -> None:
    """All chests are dark to the left and right of a bright middle."""
    ramp = 60 * np.cos(np.linspace(-np.pi, np.pi, 224))[None, :]
    pair = [np.clip(128 + ramp + (f.astype(float) - 128) * 0.15, 0, 255) for f in FILMS[:2]]
    assert np.corrcoef(pair[0].ravel(), pair[1].ravel())[0, 1] > THRESHOLD
    assert near_duplicates(images_of(*pair), NONE) == []


def test_the_answer_does_not_depend_on_how_many_are_compared_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    group = images_of(*FILMS, compress(FILMS[0], 30), compress(FILMS[4], 30))
    for block in (1, 3, 100):
        monkeypatch.setattr("train.reporting.near_duplicates.BLOCK", block)
        assert near_duplicates(group, NONE) == [6, 7]


def test_blank_and_absent_images() -> None:
    blank = np.full((224, 224), 90)
    assert near_duplicates(images_of(blank, blank, FILMS[0]), NONE) == []
    assert near_duplicates(NONE, images_of(*FILMS)) == []
