"""Every shift changes the film as its name says, and keeps its shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.phantom import draw_phantom
from train.shifts import SHIFTS

PIXELS = draw_phantom(2, 224, 2)


def detail(pixels: Any) -> float:
    return float(np.abs(np.diff(pixels.astype(int), axis=1)).mean())


def test_nothing_is_the_first_shift() -> None:
    assert next(iter(SHIFTS)) == "none"
    np.testing.assert_array_equal(SHIFTS["none"](PIXELS), PIXELS)


@pytest.mark.parametrize("name", [name for name in SHIFTS if name != "none"])
@pytest.mark.parametrize("side", [224, 97])
def test_each_changes_the_image_and_keeps_its_shape(name: str, side: int) -> None:
    original = draw_phantom(3, side, 1)
    before = original.copy()
    image = SHIFTS[name](original)
    assert image.shape == original.shape and image.dtype == np.uint8
    assert not np.array_equal(image, original)
    np.testing.assert_array_equal(original, before)
    np.testing.assert_array_equal(SHIFTS[name](original), image)  # the same every time


def test_shifts_are_told_apart() -> None:
    images = {shift(PIXELS).tobytes() for shift in SHIFTS.values()}
    assert len(images) == len(SHIFTS)


def test_shifts_do_what_they_are_called() -> None:
    shifted = {name: shift(PIXELS) for name, shift in SHIFTS.items()}
    assert detail(shifted["blurred"]) < detail(PIXELS) < detail(shifted["sharpened"])
    assert detail(shifted["resampled"]) < detail(PIXELS) < detail(shifted["noised"])
    assert shifted["darker"].mean() < PIXELS.mean() < shifted["brighter"].mean()
    assert (shifted["bordered"][:18] == 0).all() and (shifted["bordered"][:, -18:] == 0).all()
    middle = (slice(100, 124),) * 2
    assert abs(float(shifted["cropped"][middle].mean()) - PIXELS[middle].mean()) < 15
    np.testing.assert_allclose(
        shifted["stretched"].mean(axis=1), PIXELS[:, 17:-17].mean(axis=1), atol=2
    )
