"""Bytes of an image file become grey pixels, or a refusal with a reason.

The format is recognised by content, never by name. What a file declares is checked before a
pixel is decoded: a file of 20 kB can declare 13,000 x 13,000 pixels. Structure is checked too,
because decoders fill the missing part of a truncated file with grey and call it an image.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge.errors import ImageRefused

MAX_PIXELS = 40_000_000
MAX_BYTES = 25_000_000
MIN_SIDE = 64
"""Shorter sides hold too little of a chest to be read."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"

_JPEG_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_JPEG_FRAME = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN = 0xDA


@dataclass(frozen=True)
class Radiograph:
    """A decoded greyscale radiograph.

    Attributes:
        pixels: (height, width), uint8 or uint16, bright where the film is bright.
        format: ``"jpeg"`` or ``"png"``.
    """

    pixels: npt.NDArray[Any]
    format: str


def read_radiograph(data: bytes) -> Radiograph:
    """Decode a JPEG or PNG file to grey pixels.

    Args:
        data: the whole file.

    Raises:
        ImageRefused: ``empty_file``, ``file_too_large``, ``unsupported_format``, ``truncated``,
            ``damaged``, ``too_many_pixels``, ``too_small`` or ``blank``.
    """
    if not data:
        raise ImageRefused("empty_file", "The file is empty.")
    if len(data) > MAX_BYTES:
        raise ImageRefused(
            "file_too_large",
            f"The file is larger than the {MAX_BYTES // 10**6} MB that are accepted.",
        )
    if data.startswith(PNG_SIGNATURE):
        kind, (width, height) = "png", _check_png(data)
    elif data.startswith(JPEG_SIGNATURE):
        kind, (width, height) = "jpeg", _check_jpeg(data)
    else:
        raise ImageRefused("unsupported_format", "The file is neither a JPEG nor a PNG image.")
    _check_size(width, height)
    pixels = _decode(data)
    if pixels.min() == pixels.max():
        raise ImageRefused("blank", "The image is blank: every pixel has the same brightness.")
    return Radiograph(pixels, kind)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageRefused(
            "too_many_pixels",
            f"The image declares {width} x {height} pixels; at most {MAX_PIXELS:,} are accepted.",
        )
    if min(width, height) < MIN_SIDE:
        raise ImageRefused(
            "too_small",
            f"The image has {width} x {height} pixels; each side needs at least {MIN_SIDE}.",
        )


def _decode(data: bytes) -> npt.NDArray[Any]:
    # A lossless 16-bit file keeps its depth; colour becomes luma.
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageRefused("damaged", "The image cannot be decoded: it is damaged.") from error
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise ImageRefused("damaged", "The image cannot be decoded: it is damaged.")
    return pixels


def _check_png(data: bytes) -> tuple[int, int]:
    """Walk the chunks of a PNG to its end, checking every checksum; return (width, height)."""
    size: tuple[int, int] | None = None
    offset = len(PNG_SIGNATURE)
    while True:
        head = data[offset : offset + 8]
        if len(head) < 8:
            raise ImageRefused("truncated", "The PNG file is cut short.")
        length, kind = struct.unpack(">I4s", head)
        end = offset + 12 + length
        if end > len(data):
            raise ImageRefused("truncated", "The PNG file is cut short.")
        (checksum,) = struct.unpack(">I", data[end - 4 : end])
        if zlib.crc32(data[offset + 4 : end - 4]) != checksum:
            raise ImageRefused("damaged", "The PNG file is damaged: a checksum does not match.")
        if size is None:
            if kind != b"IHDR" or length != 13:
                raise ImageRefused("damaged", "The PNG file does not begin with its header.")
            size = struct.unpack(">II", data[offset + 8 : offset + 16])
            _check_size(*size)
        if kind == b"IEND":
            return size
        offset = end


def _check_jpeg(data: bytes) -> tuple[int, int]:
    """Walk the segments of a JPEG to its scan, look for its end; return (width, height)."""
    size: tuple[int, int] | None = None
    offset = 2
    while True:
        while data[offset : offset + 2] == b"\xff\xff":  # fill bytes before a marker
            offset += 1
        head = data[offset : offset + 4]
        if len(head) < 4:
            raise ImageRefused("truncated", "The JPEG file is cut short.")
        marker = head[1]
        if head[0] != 0xFF or marker in (0x00, 0xD8, 0xD9):
            raise ImageRefused("damaged", "The JPEG file is damaged: a marker is missing.")
        if marker in _JPEG_STANDALONE:
            offset += 2
            continue
        (length,) = struct.unpack(">H", head[2:])
        body = data[offset + 4 : offset + 2 + length]
        if length < 2 or len(body) < length - 2:
            raise ImageRefused("truncated", "The JPEG file is cut short.")
        offset += 2 + length
        if marker in _JPEG_FRAME and len(body) >= 5:
            height, width = struct.unpack(">HH", body[1:5])
            size = (width, height)
        if marker == _JPEG_SCAN:
            break
    # Inside a scan 0xFF is escaped, so the first end marker after it is the real one.
    if data.find(b"\xff\xd9", offset) < 0:
        raise ImageRefused("truncated", "The JPEG file is cut short.")
    if size is None or 0 in size:
        raise ImageRefused("damaged", "The JPEG file does not declare its size.")
    return size
