"""Bytes become grey pixels, or a refusal with a reason."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest

from edge.colour import coloured_share
from edge.errors import ImageRefused
from edge.radiograph import MAX_BYTES, PNG_SIGNATURE, read_radiograph


def _encoded(kind: str, pixels: np.ndarray[Any, Any], *options: int) -> bytes:
    _, data = cv2.imencode(kind, pixels, list(options))
    return data.tobytes()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _declared_png(width: int, height: int) -> bytes:
    """A small PNG that says it is large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = _chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return PNG_SIGNATURE + _chunk(b"IHDR", head) + body + _chunk(b"IEND", b"")


def _declared_jpeg(jpeg: bytes, width: int, height: int) -> bytes:
    frame = jpeg.index(b"\xff\xc0")
    return jpeg[: frame + 5] + struct.pack(">HH", height, width) + jpeg[frame + 9 :]


def _code(data: bytes) -> str:
    with pytest.raises(ImageRefused) as refusal:
        read_radiograph(data)
    assert refusal.value.message
    return refusal.value.code


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_lossless_file_keeps_its_pixels_and_its_depth(dtype: type) -> None:
    pixels: np.ndarray[Any, Any] = (
        np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (90, 70)).astype(dtype)
    )
    radiograph = read_radiograph(_encoded(".png", pixels))
    assert radiograph.format == "png"
    assert radiograph.pixels.dtype == dtype
    np.testing.assert_array_equal(radiograph.pixels, pixels)


def test_nothing_is_mirrored() -> None:
    pixels = np.zeros((80, 100), np.uint8)
    pixels[:40, :50] = 200  # bright in the upper left alone
    seen = read_radiograph(_encoded(".jpg", pixels)).pixels
    assert seen.shape == (80, 100)
    assert seen[:36, :46].mean() > 190 > 10 > seen[44:].mean()


def test_colour_becomes_grey() -> None:
    colour = np.random.default_rng(1).integers(0, 255, (80, 80, 3)).astype(np.uint8)
    for kind in (".png", ".jpg"):
        assert read_radiograph(_encoded(kind, colour)).pixels.shape == (80, 80)


def test_a_progressive_jpeg_is_read() -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (80, 80)).astype(np.uint8)
    data = _encoded(".jpg", pixels, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert read_radiograph(data).format == "jpeg"


def test_the_content_decides_and_not_the_name() -> None:
    assert _code(b"") == "empty_file"
    assert _code(b"text that someone named film.png") == "unsupported_format"
    assert _code(b"GIF89a" + bytes(100)) == "unsupported_format"
    assert _code(bytes(228)) == "unsupported_format"
    assert _code(bytes(128) + b"DICM") == "no_pixel_data"


def test_too_many_bytes_are_refused() -> None:
    assert _code(PNG_SIGNATURE + bytes(MAX_BYTES)) == "file_too_large"


@pytest.mark.parametrize("side", [(13_000, 13_000), (6_400, 6_400), (2**31 - 1, 2**31 - 1)])
def test_a_png_that_declares_too_many_pixels_is_not_decoded(side: tuple[int, int]) -> None:
    assert _code(_declared_png(*side)) == "too_many_pixels"


def test_a_jpeg_that_declares_too_many_pixels_is_not_decoded(jpeg: bytes) -> None:
    assert _code(_declared_jpeg(jpeg, 65_000, 65_000)) == "too_many_pixels"


@pytest.mark.parametrize("shape", [(63, 500), (500, 63), (1, 1)])
def test_too_small_images_are_refused(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(3).integers(0, 255, shape).astype(np.uint8)
    assert _code(_encoded(".png", pixels)) == "too_small"
    assert _code(_encoded(".jpg", pixels)) == "too_small"


def test_an_image_without_contrast_is_refused() -> None:
    assert _code(_encoded(".png", np.full((80, 80), 7, np.uint8))) == "blank"


@pytest.mark.parametrize("kept", [0.02, 0.1, 0.5, 0.9, 0.99])
def test_truncated_files_are_refused(kept: float, png: bytes, jpeg: bytes) -> None:
    assert _code(png[: int(len(png) * kept)]) == "truncated"
    assert _code(jpeg[: int(len(jpeg) * kept)]) == "truncated"


def test_a_flipped_bit_in_a_png_is_seen(png: bytes) -> None:
    rng = np.random.default_rng(4)
    for place in rng.integers(8, len(png), 50):
        mutated = bytearray(png)
        mutated[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(ImageRefused):
            read_radiograph(bytes(mutated))


def test_nothing_that_a_file_says_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    colour = np.zeros((128, 128, 3), np.uint8)
    colour[::2, ::3] = 200
    # A profile for grey in a picture in colour: libpng says so, with the profile's name.
    profile = bytearray(struct.pack(">I", 512) + bytes(128) + np.random.default_rng(5).bytes(380))
    profile[12:24], profile[36:40] = b"mntrGRAYXYZ ", b"acsp"
    profile[68:80] = bytes.fromhex("0000f6d6000100000000d32d")
    named_profile = b"Amina Diallo\0\0" + zlib.compress(profile)
    file = _encoded(".png", colour)
    begun = len(PNG_SIGNATURE) + 25
    named = file[:begun] + _chunk(b"iCCP", named_profile) + file[begun:]
    assert (read_radiograph(named).pixels == read_radiograph(file).pixels).all()
    assert coloured_share(named) == coloured_share(file)
    assert "Amina" not in "".join(capfd.readouterr())


def test_mutated_files_are_read_or_refused_and_nothing_else(png: bytes, jpeg: bytes) -> None:
    rng = np.random.default_rng(5)
    for i in range(300):
        data = bytearray(jpeg if i % 2 else png)
        for place in rng.integers(0, len(data), int(rng.integers(1, 20))):
            data[place] = rng.integers(256)
        try:
            radiograph = read_radiograph(bytes(data))
        except ImageRefused as refusal:
            assert refusal.code
        else:
            assert radiograph.pixels.ndim == 2
