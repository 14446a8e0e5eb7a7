"""JPEG and PNG: checked before they are decoded.

What a file declares is checked before a pixel is decoded: a file of 20 kB can declare
13,000 x 13,000 pixels. Structure is checked too, because decoders fill the missing part of a
truncated file with grey and call it an image.
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
MIN_SIDE = 64
"""Shorter sides hold too little of a chest to be read."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"

_PNG_NEEDED = {b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"}

_JPEG_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_JPEG_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # 0xF7 is JPEG-LS
_JPEG_SCAN = 0xDA

# OpenCV would tell the terminal what it thinks of every damaged file. The name moved with 5.0.
_set_log_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
_set_log_level(0)


@dataclass(frozen=True)
class JpegFrame:
    """What the frame header of a JPEG declares.

    Attributes:
        marker: second byte of its marker; 0xC0 baseline, 0xC3 lossless, 0xF7 JPEG-LS, ...
        precision: bits of a sample.
        height, width: in pixels.
        components: 1 for grey.
    """

    marker: int
    precision: int
    height: int
    width: int
    components: int


def read_png(data: bytes) -> npt.NDArray[Any]:
    """Decode a PNG file to (height, width) uint8 or uint16.

    Raises:
        ImageRefused: ``truncated``, ``damaged``, ``too_many_pixels`` or ``too_small``.
    """
    return decode(check_png(data))


def read_jpeg(data: bytes) -> npt.NDArray[Any]:
    """Decode a JPEG file to (height, width) uint8.

    Raises:
        ImageRefused: ``truncated``, ``damaged``, ``too_many_pixels`` or ``too_small``.
    """
    frame = check_jpeg(data)
    check_size(frame.width, frame.height)
    return decode(data)


def check_size(width: int, height: int) -> None:
    """Refuse an image by the size that it declares.

    Raises:
        ImageRefused: ``too_many_pixels`` or ``too_small``.
    """
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


def decode(data: bytes) -> npt.NDArray[Any]:
    """Decode what OpenCV reads and was checked before, to (height, width) uint8 or uint16.

    Raises:
        ImageRefused: ``damaged``.
    """
    # A lossless 16-bit file keeps its depth; colour becomes luma.
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageRefused("damaged", "The image cannot be decoded: it is damaged.") from error
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise ImageRefused("damaged", "The image cannot be decoded: it is damaged.")
    return pixels


def check_png(data: bytes) -> bytes:
    """Walk the chunks of a PNG to its end, checking size and checksums.

    Returns:
        The file without chunks that say nothing of its pixels: libpng prints what it thinks of
        them, with names that stand in the file, and logs never hold patient data.

    Raises:
        ImageRefused: ``truncated``, ``damaged``, ``too_many_pixels`` or ``too_small``.
    """
    kept = [PNG_SIGNATURE]
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
        if len(kept) == 1:
            if kind != b"IHDR" or length != 13:
                raise ImageRefused("damaged", "The PNG file does not begin with its header.")
            check_size(*struct.unpack(">II", data[offset + 8 : offset + 16]))
        if kind in _PNG_NEEDED:
            kept.append(data[offset:end])
        if kind == b"IEND":
            return b"".join(kept)
        offset = end


def check_jpeg(data: bytes) -> JpegFrame:
    """Walk the segments of a JPEG or JPEG-LS to its scan and look for its end.

    Raises:
        ImageRefused: ``truncated`` or ``damaged``.
    """
    frame: JpegFrame | None = None
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
        if marker in _JPEG_FRAME and len(body) >= 6:
            frame = JpegFrame(marker, *struct.unpack(">BHHB", body[:6]))
        if marker == _JPEG_SCAN:
            break
    # Inside a scan 0xFF is escaped, so the first end marker after it is the real one.
    if data.find(b"\xff\xd9", offset) < 0:
        raise ImageRefused("truncated", "The JPEG file is cut short.")
    if frame is None or 0 in (frame.width, frame.height):
        raise ImageRefused("damaged", "The JPEG file does not declare its size.")
    return frame
