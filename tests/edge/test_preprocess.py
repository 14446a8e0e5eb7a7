"""Grey pixels become model input."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from edge.phantom import draw_phantom
from edge.preprocess import InputContract, preprocess

CONTRACT = InputContract(size=150)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "shape", [(2, 3), (150, 150), (64, 3000), (3000, 64), (149, 151), (2000, 1700)]
)
def test_any_size_shape_and_depth_comes_out_alike(shape: tuple[int, int], dtype: type) -> None:
    pixels: np.ndarray[Any, Any] = (
        np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    )
    image = preprocess(pixels, CONTRACT)
    assert image.shape == (150, 150, 1)
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    assert abs(float(image.mean())) < 1e-3
    assert float(image.std()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("size", [32, 150, 224])
def test_the_contract_names_the_size(size: int) -> None:
    assert preprocess(draw_phantom(side=300), InputContract(size=size)).shape == (size, size, 1)


def test_a_full_size_image_and_its_small_copy_agree() -> None:
    full = draw_phantom(side=1024)
    copy = cv2.resize(full, (224, 224), interpolation=cv2.INTER_AREA)
    difference = np.abs(preprocess(full, CONTRACT) - preprocess(copy, CONTRACT))
    assert float(np.median(difference)) < 0.03
    assert float(difference.mean()) < 0.06


def test_the_same_film_in_16_bits_agrees() -> None:
    shallow = draw_phantom(side=512)
    deep = shallow.astype(np.uint16) * 257
    np.testing.assert_allclose(preprocess(shallow, CONTRACT), preprocess(deep, CONTRACT), atol=0.02)


def test_brightness_and_contrast_of_a_whole_film_do_not_matter() -> None:
    film = draw_phantom(side=512)
    darker = (film.astype(np.uint16) * 100 + 3000).astype(np.uint16)
    np.testing.assert_allclose(preprocess(film, CONTRACT), preprocess(darker, CONTRACT), atol=0.02)


def test_detail_finer_than_the_input_becomes_grey(checkerboard: np.ndarray[Any, Any]) -> None:
    marked = checkerboard.copy()
    marked[:600] = 0  # something to standardise against
    image = preprocess(marked, CONTRACT)[..., 0]
    assert float(image[80:].std()) < 0.02
    assert float(image[80:].mean() - image[:70].mean()) > 1.5


def test_an_image_without_contrast_becomes_zeros() -> None:
    assert not preprocess(np.full((300, 200), 9, np.uint8), CONTRACT).any()


def test_blur_takes_fine_detail_away() -> None:
    film = draw_phantom(side=512)
    sharp = preprocess(film, CONTRACT)[..., 0]
    soft = preprocess(film, InputContract(size=150, blur=2.0))[..., 0]
    assert np.abs(np.diff(soft)).mean() < np.abs(np.diff(sharp)).mean()


def test_levelled_bands_hide_how_sharp_the_whole_film_is() -> None:
    film = draw_phantom(side=600)
    soft = cv2.GaussianBlur(film, (0, 0), 5)

    def difference(rule: str) -> float:
        contract = InputContract(blur=0.7, standardise=rule)
        return float(np.abs(preprocess(film, contract) - preprocess(soft, contract)).mean())

    assert difference("per_band") < 0.8 * difference("per_image")


def test_levelled_bands_have_their_usual_spread() -> None:
    image = preprocess(draw_phantom(side=600), InputContract(standardise="per_band"))[..., 0]
    assert float(image.mean()) == pytest.approx(0, abs=1e-5)
    assert float(image.std()) == pytest.approx(1, abs=1e-5)
    coarse = cv2.GaussianBlur(image, (0, 0), 16)
    assert float(coarse.std()) == pytest.approx(0.65, abs=0.1)
    empty = preprocess(np.full((50, 50), 90, np.uint8), InputContract(standardise="per_band"))
    assert not empty.any()


def test_the_input_is_left_as_it_was() -> None:
    film = draw_phantom(side=150)
    before = film.copy()
    preprocess(film, CONTRACT)
    np.testing.assert_array_equal(film, before)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((10, 10, 3), np.uint8),
        np.zeros((10, 10), np.float32),
        np.zeros((0, 10), np.uint8),
        np.zeros(10, np.uint8),
    ],
)
def test_what_is_not_a_grey_image_is_refused(pixels: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ValueError, match="grey image"):
        preprocess(pixels, CONTRACT)


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"blur": -1.0}, {"resize": "nearest"}, {"standardise": "none"}]
)
def test_a_wrong_contract_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Received"):
        InputContract(**wrong)


def test_a_contract_survives_its_manifest() -> None:
    contract = InputContract(size=96, blur=1.5)
    assert InputContract(**contract.to_dict()) == contract
