"""The few elements of a DICOM file that the kiosk needs, found without keeping the rest.

pydicom reads a file that was made to be large inside at any cost: 24 MB of empty sequence items
take 2.1 GB in ``dcmread``, specific tags or not, and a deflated file of 522 kB takes 1.1 GB. So a
flat walk finds the wanted elements, steps over all others (the patient's name among them), and
pydicom is given the wanted ones alone.
"""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pydicom import config
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from edge.errors import ImageRefused

KEYWORDS = (
    "Modality", "PresentationIntentType",
    "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit",
    "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence",
    "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence",
    "PatientAge", "PatientBirthDate", "AcquisitionDate", "ContentDate", "StudyDate", "PatientSex",
    "ViewPosition", "BodyPartExamined", "Laterality", "ImageLaterality",
    "PixelSpacing", "ImagerPixelSpacing",
)  # fmt: skip
MAX_ELEMENTS = 100_000
"""Elements walked over, nested ones included; a radiograph has some hundreds."""
MAX_KEPT = 2_000_000
"""Bytes of the wanted elements together: room for a dozen lookup tables."""
ITEM = 0xFFFEE000
SEQUENCE_END = 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF

_WANTED = {tag_for_keyword(keyword) for keyword in KEYWORDS}
_TRANSFER_SYNTAX = 0x00020010
_PIXEL_DATA = 0x7FE00010

_DELIMITERS = 0xFFFE  # their group
_ITEM_END = 0xFFFEE00D
_LONG = {vr.encode() for vr in EXPLICIT_VR_LENGTH_32}

# What pydicom remarks on quotes what stands in the file, and logs never hold patient data.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
config.settings.reading_validation_mode = config.IGNORE


class Element(NamedTuple):
    """Where an element stands: offsets of its tag and value, and the value's length in bytes."""

    tag: int
    vr: bytes
    start: int
    value: int
    length: int


@dataclass(frozen=True)
class Header:
    """What was wanted of a DICOM file.

    Attributes:
        order: ``"<"`` or ``">"``, the byte order of everything that follows the file meta.
        tags: the wanted elements, in pydicom's form.
        pixels: the pixel data, which is not read yet; None where there is none.
    """

    order: str
    tags: Dataset
    pixels: Element | None


def read_syntax(data: bytes) -> tuple[str, int]:
    """Read the file meta group.

    Returns:
        The UID of the transfer syntax, and where the group ends. A file without the group is
        implicit little endian, which was the rule before there was such a group.

    Raises:
        ImageRefused: ``truncated``.
    """
    offset = 132 if data[128:132] == b"DICM" else 0
    syntax = str(ImplicitVRLittleEndian)
    while data[offset : offset + 2] == b"\x02\x00":
        element = read_element(data, offset, "<", implicit=False)
        offset = end_of(data, element)
        if element.tag == _TRANSFER_SYNTAX:
            syntax = data[element.value : offset].decode("ascii", "replace").strip(" \0")
    return syntax, offset


def read_header(data: bytes, offset: int, syntax: str) -> Header:
    """Walk a data set that is not deflated up to its pixel data.

    Args:
        data: the whole file.
        offset: where the file meta group ends.
        syntax: UID of the transfer syntax.

    Raises:
        ImageRefused: ``truncated``, or ``damaged`` where there is more than any film has.
    """
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    # Some writers declare the one and write the other.
    implicit = syntax == ImplicitVRLittleEndian and not _is_vr(data[offset + 4 : offset + 6])
    kept: dict[int, bytes] = {}
    pixels = None
    for element, end in _walk(data, offset, order, implicit):
        if element.tag == _PIXEL_DATA:
            pixels = element
        elif element.tag in _WANTED:
            kept[element.tag] = data[element.start : end]
    if sum(map(len, kept.values())) > MAX_KEPT:
        raise ImageRefused("damaged", "The DICOM file is damaged: its header is too large.")
    elements = io.BytesIO(b"".join(kept.values()))
    return Header(order, read_dataset(elements, implicit, order == "<"), pixels)


def texts(tags: Dataset, keyword: str) -> list[str]:
    """The values of an element as they are written; none where it is absent."""
    element = tags.get_item(keyword)
    value = None if element is None else element.value
    if not isinstance(value, bytes):
        return []
    return [part.strip(" \0") for part in value.decode("ascii", "replace").split("\\")]


def text(tags: Dataset, keyword: str) -> str:
    """The first value of an element as it is written; empty where it is absent."""
    return next(iter(texts(tags, keyword)), "")


def number(tags: Dataset, keyword: str, default: int | None = None) -> int:
    """The whole number of an element.

    Raises:
        ImageRefused: ``damaged``: it is absent, with no default, or no whole number.
    """
    value = tags.get(keyword)
    if value is None and default is not None:
        return default
    if not isinstance(value, int):
        raise ImageRefused("damaged", f"The DICOM file is damaged: {keyword} is no whole number.")
    return int(value)


def _walk(data: bytes, offset: int, order: str, implicit: bool) -> Iterator[tuple[Element, int]]:
    """The elements of the outermost level and where each ends; the last is the pixel data."""
    # A list and no recursion, because sequences may be nested as deep as the file is long.
    unfinished: list[Element] = []
    for _ in range(MAX_ELEMENTS):
        if offset >= len(data) and not unfinished:
            return
        element = read_element(data, offset, order, implicit)
        if element.tag == _PIXEL_DATA and not unfinished:
            yield element, len(data)
            return
        offset = element.value if element.length == UNDEFINED else end_of(data, element)
        if element.tag in (_ITEM_END, SEQUENCE_END) and unfinished:
            element = unfinished.pop()
        elif element.length == UNDEFINED:
            unfinished.append(element)
        if not unfinished:
            yield element, offset
    raise ImageRefused("damaged", "The DICOM file is damaged: it has too many elements.")


def read_element(data: bytes, offset: int, order: str, implicit: bool) -> Element:
    """Read the tag, value representation and length that stand at an offset.

    Raises:
        ImageRefused: ``truncated``.
    """
    head = data[offset : offset + 12]
    if len(head) < 8:
        raise ImageRefused("truncated", "The DICOM file is cut short.")
    group, place_in_it = struct.unpack(order + "HH", head[:4])
    tag, vr, place = group << 16 | place_in_it, head[4:6], offset + 8
    # Some writers go over to implicit elements inside a sequence.
    if implicit or group == _DELIMITERS or not _is_vr(vr):
        vr, length = b"", head[4:8]
    elif vr in _LONG:
        length, place = head[8:12], offset + 12
    else:
        return Element(tag, vr, offset, place, *struct.unpack(order + "H", head[6:8]))
    if len(length) < 4:
        raise ImageRefused("truncated", "The DICOM file is cut short.")
    return Element(tag, vr, offset, place, *struct.unpack(order + "L", length))


def end_of(data: bytes, element: Element) -> int:
    """Where an element of defined length ends.

    Raises:
        ImageRefused: ``truncated``.
    """
    end = element.value + element.length
    if end > len(data):
        raise ImageRefused("truncated", "The DICOM file is cut short.")
    return end


def _is_vr(letters: bytes) -> bool:
    return letters.isalpha() and letters.isupper()
