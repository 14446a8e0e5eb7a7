"""Every strength changes something, none of them changes nothing, and the seed decides."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from edge.phantom import draw_phantom
from train.augmentation import (
    Augmentation,
    augment,
    blur_or_sharpen,
    change_gamma,
    compress,
    resample,
)

NOTHING = {f.name: 0.0 for f in fields(Augmentation)}
STRENGTHS = {
    "flip": 1.0,
    "rotation": 15.0,
    "scale": 0.15,
    "shift": 0.06,
    "exposure": 0.5,
    "resample": 1.0,
    "sharpness": 1.0,
    "noise": 10.0,
    "collimation": 1.0,
    "jpeg": 1.0,
}
PROBABILITIES = ("flip", "resample", "sharpness", "collimation", "jpeg")
PIXELS = draw_phantom(0, 224, 2)


def only(name: str, value: float) -> Augmentation:
    return Augmentation(**{**NOTHING, name: value})


def changed(settings: Augmentation, seed: int) -> Any:
    return augment(PIXELS, settings, np.random.default_rng(seed))


def test_all_settings_are_tested() -> None:
    assert STRENGTHS.keys() | {"untouched"} == NOTHING.keys()


def test_untouched_films_are_whole_or_mirrored() -> None:
    settings = Augmentation(**{**STRENGTHS, "flip": 0.5, "untouched": 0.3})
    images = [changed(settings, seed) for seed in range(200)]
    whole = sum(np.array_equal(image, PIXELS) for image in images)
    mirrored = sum(np.array_equal(image, PIXELS[:, ::-1]) for image in images)
    assert 15 < whole < 50 and 15 < mirrored < 50  # 30 of each expected


@pytest.mark.parametrize("seed", range(10))
def test_zero_everywhere_changes_nothing(seed: int) -> None:
    np.testing.assert_array_equal(changed(Augmentation(**NOTHING), seed), PIXELS)


@pytest.mark.parametrize("name", STRENGTHS)
def test_each_setting_alone_changes_the_image(name: str) -> None:
    for seed in range(5):
        image = changed(only(name, STRENGTHS[name]), seed)
        assert image.shape == PIXELS.shape and image.dtype == np.uint8
        assert not np.array_equal(image, PIXELS), seed


@pytest.mark.parametrize("seed", range(5))
def test_the_state_of_the_generator_decides(seed: int) -> None:
    everything = Augmentation(**STRENGTHS)
    np.testing.assert_array_equal(changed(everything, seed), changed(everything, seed))
    assert not np.array_equal(changed(everything, seed), changed(everything, seed + 1))


def test_the_original_is_left_alone() -> None:
    before = PIXELS.copy()
    for seed in range(5):
        changed(Augmentation(**STRENGTHS), seed)
    np.testing.assert_array_equal(PIXELS, before)


@pytest.mark.parametrize("name", PROBABILITIES)
def test_a_probability_is_how_often_the_image_changes(name: str) -> None:
    touched = sum(not np.array_equal(changed(only(name, 0.5), s), PIXELS) for s in range(60))
    assert 15 <= touched <= 45


def test_flip_mirrors_left_and_right() -> None:
    flipped = changed(only("flip", 1.0), 0).astype(int)
    assert np.abs(flipped - PIXELS[:, ::-1]).mean() < 0.5


def test_strength_bounds_the_change() -> None:
    weak, strong = (
        np.mean(
            [
                np.abs(changed(only("noise", s), seed).astype(int) - PIXELS).mean()
                for seed in range(9)
            ]
        )
        for s in (2.0, 20.0)
    )
    assert weak < 3 < strong


def test_small_images_keep_their_size() -> None:
    image = augment(PIXELS[:64, :64], Augmentation(**STRENGTHS), np.random.default_rng(3))
    assert image.shape == (64, 64)


@pytest.mark.parametrize("name", STRENGTHS)
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_negative_and_unbounded_settings_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match="Received"):
        Augmentation(**{name: value})


@pytest.mark.parametrize("name", [*PROBABILITIES, "untouched", "scale"])
def test_shares_above_one_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Received"):
        Augmentation(**{name: 1.01})


def test_parts_do_what_they_say() -> None:
    def detail(pixels: Any) -> float:
        return float(np.abs(np.diff(pixels.astype(int), axis=1)).mean())

    assert detail(blur_or_sharpen(PIXELS, 1.5, -1.0)) < detail(PIXELS)
    assert detail(blur_or_sharpen(PIXELS, 1.5, 1.0)) > detail(PIXELS)
    assert detail(resample(PIXELS, 64)) < detail(PIXELS)
    assert change_gamma(PIXELS, 2.0).mean() < PIXELS.mean() < change_gamma(PIXELS, 0.5).mean()
    np.testing.assert_array_equal(change_gamma(PIXELS, 1.0), PIXELS)

    def lost(quality: int) -> float:
        return float(np.abs(compress(PIXELS, quality).astype(int) - PIXELS).mean())

    assert lost(95) < lost(30) < lost(5)
