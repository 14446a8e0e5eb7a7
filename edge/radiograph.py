"""Bytes of an image file become grey pixels, or a refusal with a reason.

The format is recognised by content, never by name.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from edge import raster
from edge.errors import ImageRefused
from edge.file_says import FileSays
from edge.raster import JPEG_SIGNATURE as JPEG_SIGNATURE
from edge.raster import PNG_SIGNATURE as PNG_SIGNATURE

MAX_BYTES = 25_000_000


@dataclass(frozen=True)
class Radiograph:
    """A decoded greyscale radiograph.

    Attributes:
        pixels: (height, width), uint8 or uint16, bright where the film is bright.
        format: ``"jpeg"``, ``"png"`` or ``"dicom"``.
        says: what the file says about the film and the patient; nothing in JPEG and PNG.
    """

    pixels: npt.NDArray[Any]
    format: str
    says: FileSays = field(default_factory=FileSays)


def read_radiograph(data: bytes) -> Radiograph:
    """Decode a JPEG, PNG or DICOM file to grey pixels.

    Args:
        data: the whole file.

    Raises:
        ImageRefused: ``empty_file``, ``file_too_large``, ``unsupported_format``, ``truncated``,
            ``damaged``, ``too_many_pixels``, ``too_small`` or ``blank``; a DICOM file also for
            the reasons of `edge.dicom.read_dicom`.
    """
    if not data:
        raise ImageRefused("empty_file", "The file is empty.")
    if len(data) > MAX_BYTES:
        raise ImageRefused(
            "file_too_large",
            f"The file is larger than the {MAX_BYTES // 10**6} MB that are accepted.",
        )
    radiograph = _decoded(data)
    if radiograph.pixels.min() == radiograph.pixels.max():
        raise ImageRefused("blank", "The image is blank: every pixel has the same brightness.")
    return radiograph


def _decoded(data: bytes) -> Radiograph:
    if data.startswith(PNG_SIGNATURE):
        return Radiograph(raster.read_png(data), "png")
    if data.startswith(JPEG_SIGNATURE):
        return Radiograph(raster.read_jpeg(data), "jpeg")
    if _is_dicom(data):
        return _dicom(data)
    raise ImageRefused("unsupported_format", "The file is no JPEG, PNG or DICOM image.")


def _dicom(data: bytes) -> Radiograph:
    # pydicom loads every codec that it finds; edge.dicom_codec says why this one must stay out.
    sys.modules.setdefault("gdcm", None)  # type: ignore[arg-type]
    # Not before it is needed: it takes 0.2 s and 20 MB.
    from edge.dicom import read_dicom

    return Radiograph(*read_dicom(data))


def _is_dicom(data: bytes) -> bool:
    """By its magic letters or, where they are missing, by a first element of group 2 or 8."""
    if data[128:132] == b"DICM":
        return True
    if data[:2] not in (b"\x02\x00", b"\x08\x00"):
        return False
    explicit = data[4:6].isalpha() and data[4:6].isupper()
    return explicit or data[6:8] == b"\0\0"  # or an implicit one with a short value
