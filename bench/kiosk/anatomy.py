"""Where the parts of an image file begin and end, and where it states sizes: what to damage.

For sound files only, as `bench.kiosk.drawings` writes them.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Literal

from edge.radiograph import JPEG_SIGNATURE, PNG_SIGNATURE

DICOM_SIZES = (0x0002, 0x0004, 0x0008, 0x0010, 0x0011, 0x0100, 0x0101, 0x0102, 0x0103)
"""Elements of group 0028: samples, photometric, frames, rows, columns, bits, sign."""
LONG = (b"OB", b"OW", b"UN", b"SQ", b"UT", b"OF", b"OD", b"UC", b"UR")
"""Value representations whose length has four bytes."""


@dataclass(frozen=True)
class Field:
    """A whole number of the file: where it stands, in how many bytes, in which order."""

    place: int
    width: int
    order: Literal["big", "little"]


@dataclass
class Anatomy:
    """Parts of one file.

    Attributes:
        tag: first byte, and byte after the last, of a part's name within it.
        parts: (first byte, byte after the last) of segments, chunks or elements.
        lengths: what each part says of its own length.
        sizes: what the file says of its picture: height, width, depth.
    """

    tag: tuple[int, int]
    parts: list[tuple[int, int]] = field(default_factory=list)
    lengths: list[Field] = field(default_factory=list)
    sizes: list[Field] = field(default_factory=list)


def dissect(data: bytes) -> Anatomy:
    """The parts of a JPEG, PNG or explicit little-endian DICOM file."""
    if data.startswith(PNG_SIGNATURE):
        return _png(data)
    return _jpeg(data) if data.startswith(JPEG_SIGNATURE) else _dicom(data)


def repair_checksums(data: bytes) -> bytes:
    """Give every chunk of a PNG the checksum of what it now holds, as far as it can be walked."""
    whole, place = bytearray(data), len(PNG_SIGNATURE)
    while place + 12 <= len(whole):
        length = int.from_bytes(whole[place : place + 4], "big")
        end = place + 12 + length
        if end > len(whole):
            break
        whole[end - 4 : end] = struct.pack(">I", zlib.crc32(whole[place + 4 : end - 4]))
        place = end
    return bytes(whole)


def _png(data: bytes) -> Anatomy:
    found, place = Anatomy((4, 8)), len(PNG_SIGNATURE)
    first = place + 8  # of the header's content: width, height, depth
    found.sizes = [Field(first, 4, "big"), Field(first + 4, 4, "big"), Field(first + 8, 1, "big")]
    while place < len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        found.parts.append((place, end))
        found.lengths.append(Field(place, 4, "big"))
        place = end
    return found


def _jpeg(data: bytes) -> Anatomy:
    found, place, marker = Anatomy((0, 2)), 2, 0
    while marker != 0xDA:  # what follows the scan's header is the scan
        marker = data[place + 1]
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        found.parts.append((place, end))
        found.lengths.append(Field(place + 2, 2, "big"))
        if 0xC0 <= marker <= 0xC2:
            found.sizes += [Field(place + 5, 2, "big"), Field(place + 7, 2, "big")]
            found.sizes += [Field(place + 4, 1, "big"), Field(place + 9, 1, "big")]
        place = end
    return found


def _dicom(data: bytes) -> Anatomy:
    found, place = Anatomy((0, 4)), 132
    while place < len(data):
        group, element = struct.unpack("<HH", data[place : place + 4])
        long = data[place + 4 : place + 6] in LONG
        stated = Field(place + 8, 4, "little") if long else Field(place + 6, 2, "little")
        begin = stated.place + stated.width
        length = int.from_bytes(data[stated.place : begin], "little")
        # Packed pixels have no length: they are the last element.
        end = len(data) if length == 0xFFFFFFFF else begin + length
        found.parts.append((place, end))
        found.lengths.append(stated)
        if group == 0x0028 and element in DICOM_SIZES and length == 2:
            found.sizes.append(Field(begin, 2, "little"))
        place = end
    return found
