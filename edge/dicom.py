"""A DICOM file becomes grey pixels and what it says about them, or a refusal with a reason.

Nothing in a file is trusted: it is checked before it is used, sizes before memory is taken for
them. Name, ID and dates of the patient are neither kept nor logged.
"""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy.typing as npt
from pydicom.dataset import Dataset

from edge.dicom_frames import check_syntax, read_stored, several_frames
from edge.dicom_header import number, read_header, read_syntax, text
from edge.dicom_tags import read_facts, read_layout, read_rules
from edge.errors import ImageRefused
from edge.file_says import FileSays
from edge.raster import check_size
from edge.windowing import to_grey

MODALITIES = ("CR", "DX", "DR", "RG")
"""Computed, digital and scanned film radiography; DR is not in the standard but in the field.
Fluoroscopy (RF) is left out: its pictures are darker, inverted or in motion."""

_turn = threading.Lock()


def read_dicom(data: bytes) -> tuple[npt.NDArray[Any], str, FileSays]:
    """Decode a DICOM radiograph.

    The pixels are shown as the file wants it: modality transformation, then its first lookup
    table or else its first window, or else the range that the film uses (8 bits stay as they
    are); then MONOCHROME1 is inverted. Pixels that are not square stay as they are; their spacing
    is among the facts.

    Args:
        data: the whole file.

    Returns:
        (height, width) uint8 for 8 bits stored and uint16 for more; ``"dicom"``; and the facts.

    Raises:
        ImageRefused: ``deflated``, ``unsupported_transfer_syntax``, ``codec_missing``,
            ``no_pixel_data``, ``wrong_modality``, ``not_for_presentation``, ``colour``,
            ``several_frames``, ``unsupported_pixels``, ``too_many_pixels``, ``too_small``,
            ``truncated`` or ``damaged``.
    """
    # Warning filters are the process's and not the thread's, hence one file at a time.
    with _turn, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _read(data)
        except (ImageRefused, MemoryError):
            raise
        except Exception as error:  # damaged files have raised eight types so far
            raise ImageRefused("damaged", "The DICOM file is damaged.") from error


def _read(data: bytes) -> tuple[npt.NDArray[Any], str, FileSays]:
    syntax, offset = read_syntax(data)
    check_syntax(syntax)
    header = read_header(data, offset, syntax)
    if header.pixels is None:
        raise ImageRefused("no_pixel_data", "The DICOM file holds no pixels.")
    _check_kind(header.tags)
    layout = read_layout(header.tags)
    check_size(layout.columns, layout.rows)
    rules = read_rules(header, layout)
    stored = read_stored(data, header.order, header.pixels, syntax, layout)
    return to_grey(stored, rules), "dicom", read_facts(header.tags)


def _check_kind(tags: Dataset) -> None:
    """Refuse what is no single grey radiograph made for viewing."""
    modality = text(tags, "Modality").upper()
    if modality not in MODALITIES:
        raise ImageRefused(
            "wrong_modality",
            "The DICOM file is no plain radiograph: its modality is none of"
            f" {', '.join(MODALITIES)}.",
        )
    if text(tags, "PresentationIntentType").upper() == "FOR PROCESSING":
        raise ImageRefused(
            "not_for_presentation",
            "The DICOM file holds raw detector data. Send the picture made for viewing.",
        )
    photometric = text(tags, "PhotometricInterpretation").upper()
    if number(tags, "SamplesPerPixel", 1) != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ImageRefused("colour", "The DICOM file holds no grey picture, so no radiograph.")
    if text(tags, "NumberOfFrames") not in ("", "1"):
        raise several_frames()
