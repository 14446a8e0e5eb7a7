"""One description of an image serves for all eight ways of holding it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.appearance import FEATURES, SIDE, describe, look, poses
from edge.phantom import draw_phantom


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("shape", [(256, 256), (300, 200), (150, 400)])
def test_a_pose_is_what_the_image_held_so_looks_like(
    shape: tuple[int, int], turns: int, swapped: bool
) -> None:
    film = cv2.resize(draw_phantom(1, 512), shape[::-1], interpolation=cv2.INTER_AREA)
    held = np.ascontiguousarray(np.rot90(255 - film if swapped else film, turns))
    expected = poses(look(film).features)[turns + 4 * swapped]
    assert look(held).features == pytest.approx(expected, abs=0.02)


def test_poses_differ_from_each_other() -> None:
    found = poses(look(draw_phantom(1, 256)).features)
    apart = np.abs(found[:, None] - found[None]).mean(-1)
    assert apart[~np.eye(8, dtype=bool)].min() > 0.1


def test_many_descriptions_are_posed_at_once() -> None:
    features = np.stack([look(draw_phantom(seed, 128)).features for seed in range(3)])
    assert poses(features).shape == (3, 8, FEATURES)
    assert (poses(features)[:, 0] == features).all()
    assert (poses(features)[2] == poses(features[2])).all()


def test_size_depth_and_exposure_hardly_change_the_description() -> None:
    film = draw_phantom(2, 1024)
    small = cv2.resize(film, (224, 224), interpolation=cv2.INTER_AREA)
    deep = film.astype(np.uint16) * 257
    dim = (film * 0.3).astype(np.uint8)
    for other in (small, deep, dim):
        assert look(other).features == pytest.approx(look(film).features, abs=0.1)


def test_an_image_without_contrast_is_described_by_zeros() -> None:
    assert not describe(np.full((SIDE, SIDE), 7.0, np.float32)).any()


def test_light_is_judged_in_the_middle_of_the_image() -> None:
    film = np.full((200, 200), 120, np.uint8)
    film[90:110] = 130
    assert (look(film).dark, look(film).bright) == (0, 0)
    bordered = cv2.copyMakeBorder(film, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=0)
    assert look(bordered).dark == 0
    assert look((film * 0.1).astype(np.uint8)).dark == 1
    assert look(film + 120).bright == 1


def test_twelve_bits_in_sixteen_are_not_dark() -> None:
    film = draw_phantom(0, 256).astype(np.uint16) * 16
    assert film.max() < 4096
    assert look(film).dark == look(draw_phantom(0, 256)).dark == 0


def test_softness_grows_with_blur() -> None:
    film = draw_phantom(0, 512)
    found = [look(cv2.GaussianBlur(film, (0, 0), sigma)).softness for sigma in (1, 4, 8, 16)]
    assert found == sorted(found)
    assert look(film).softness < found[0]


def test_enlargement_is_by_the_shorter_side() -> None:
    assert look(draw_phantom(0, 256)).enlargement == 0.5
    assert look(np.ascontiguousarray(draw_phantom(0, 256)[:64])).enlargement == 2.0
