"""The drawn thorax."""

from __future__ import annotations

import numpy as np
import pytest

from edge.phantom import draw_phantom, phantom_png
from edge.radiograph import read_radiograph


def test_a_drawing_is_made_again_from_its_seed() -> None:
    np.testing.assert_array_equal(draw_phantom(3, 128, 2), draw_phantom(3, 128, 2))
    assert phantom_png(3, 128) == phantom_png(3, 128)


def test_seeds_and_opacities_make_different_drawings() -> None:
    drawings = [draw_phantom(s, 128, o) for s, o in ((0, 0), (1, 0), (0, 1), (0, 3))]
    for i, one in enumerate(drawings):
        assert not any(np.array_equal(one, other) for other in drawings[i + 1 :])


@pytest.mark.parametrize("side", [64, 224, 700])
def test_a_drawing_is_a_radiograph_that_the_kiosk_reads(side: int) -> None:
    radiograph = read_radiograph(phantom_png(side=side))
    assert radiograph.pixels.shape == (side, side)
    assert radiograph.pixels.dtype == np.uint8


def test_it_says_that_it_is_synthetic() -> None:
    image = draw_phantom(side=512)
    lettering = image[int(512 * 0.93) : int(512 * 0.98), int(512 * 0.02) : int(512 * 0.3)]
    assert (lettering == 255).mean() > 0.02
    assert lettering.min() < 128


def test_lungs_are_darker_than_what_is_between_them() -> None:
    image = draw_phantom(side=512).astype(float)
    lungs = np.r_[image[200:280, 140:180].ravel(), image[200:280, 330:370].ravel()]
    assert lungs.mean() < image[200:280, 248:264].mean()


def test_too_small_drawings_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 64"):
        draw_phantom(side=63)
