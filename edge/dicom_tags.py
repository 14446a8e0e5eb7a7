"""Elements of a DICOM file become what the kiosk works with: grey rules, facts, pixel layout."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from edge.dicom_header import Header, number, text, texts
from edge.errors import ImageRefused
from edge.file_says import MAX_AGE_MONTHS, FileSays
from edge.windowing import GreyRules, Linear, Lut, Window

LARGEST = 1e9
"""No number of a film comes near it; products of two still have digits to spare."""

_MONTHS_IN_UNIT = {"D": 12 / 365.25, "W": 84 / 365.25, "M": 1.0, "Y": 12.0}
_FILM_DATES = ("Acquisition", "Content", "Study")
_AGE = re.compile(r"([0-9]{1,3})([DWMY])")
_DATE = re.compile(r"([0-9]{4})\.?([0-9]{2})\.?([0-9]{2})")
_CODE = re.compile(r"[A-Z0-9_ ]{1,16}")


@dataclass(frozen=True)
class Layout:
    """How the pixels of one grey frame are stored.

    Attributes:
        rows, columns: height and width.
        allocated: 8 or 16, bits of a stored word.
        stored: 8 to 16, bits of it that hold the value.
        shift: 0 or more, bits below the value.
        signed: values are in two's complement.
    """

    rows: int
    columns: int
    allocated: int
    stored: int
    shift: int
    signed: bool

    @property
    def bytes(self) -> int:
        """Of the frame when it is not compressed."""
        return self.rows * self.columns * self.allocated // 8


def read_layout(tags: Dataset) -> Layout:
    """How the pixels are stored.

    Raises:
        ImageRefused: ``damaged`` or ``unsupported_pixels``.
    """
    allocated, stored = number(tags, "BitsAllocated"), number(tags, "BitsStored")
    shift = number(tags, "HighBit", stored - 1) + 1 - stored
    if allocated not in (8, 16) or not 8 <= stored <= allocated:
        raise ImageRefused(
            "unsupported_pixels",
            f"The DICOM file stores {stored} bits of a pixel in {allocated};"
            " 8 to 16 bits in 8 or 16 are accepted.",
        )
    if not 0 <= shift <= allocated - stored:
        raise ImageRefused("damaged", "The DICOM file is damaged: its high bit cannot be.")
    signed = number(tags, "PixelRepresentation", 0) == 1
    rows, columns = number(tags, "Rows"), number(tags, "Columns")
    return Layout(rows, columns, allocated, stored, shift, signed)


def read_rules(header: Header, layout: Layout) -> GreyRules:
    """How the stored values are to be shown.

    A lookup table goes before a window, and the first of several is taken. A window that makes no
    sense counts as left out.

    Raises:
        ImageRefused: ``damaged``: a rescale or a lookup table is there but cannot be read.
    """
    tags = header.tags
    return GreyRules(
        layout.stored,
        layout.signed,
        _modality(header, layout),
        _lut(header, "VOILUTSequence", layout) or _window(tags),
        text(tags, "PhotometricInterpretation").upper() == "MONOCHROME1",
        _padding(header, layout),
    )


def read_facts(tags: Dataset) -> FileSays:
    """What the elements say about the film and the patient."""
    sex = text(tags, "PatientSex").upper()
    laterality = (text(tags, "ImageLaterality") or text(tags, "Laterality")).upper()
    spacing = _numbers(tags, "PixelSpacing") or _numbers(tags, "ImagerPixelSpacing")
    usable = len(spacing) == 2 and min(spacing) > 0
    return FileSays(
        age_months=_age_months(tags),
        sex=sex if sex in ("F", "M", "O") else None,
        view=_code(tags, "ViewPosition"),
        body_part=_code(tags, "BodyPartExamined"),
        laterality=laterality if laterality in ("L", "R", "U", "B") else None,
        pixel_spacing_mm=(spacing[0], spacing[1]) if usable else None,
    )


def _code(tags: Dataset, keyword: str) -> str | None:
    code = text(tags, keyword).upper()
    return code if _CODE.fullmatch(code) else None


def _age_months(tags: Dataset) -> int | None:
    """As written, or from the dates of birth and film."""
    written = _AGE.fullmatch(text(tags, "PatientAge").upper())
    if written:
        months = int(int(written[1]) * _MONTHS_IN_UNIT[written[2]])
        return months if months <= MAX_AGE_MONTHS else None
    born = _date(tags, "PatientBirthDate")
    film = next(filter(None, (_date(tags, f"{name}Date") for name in _FILM_DATES)), None)
    # 1 January 1900 stands for an unknown birthday.
    if born is None or film is None or born[0] <= 1900:
        return None
    months = (film[0] - born[0]) * 12 + film[1] - born[1] - (film[2] < born[2])
    return months if 0 <= months <= MAX_AGE_MONTHS else None


def _date(tags: Dataset, keyword: str) -> tuple[int, int, int] | None:
    date = _DATE.fullmatch(text(tags, keyword))
    return (int(date[1]), int(date[2]), int(date[3])) if date else None


def _numbers(tags: Dataset, keyword: str) -> tuple[float, ...]:
    """Decimal numbers; none where one of them is no number or beyond all reason."""
    try:
        values = tuple(float(value) for value in texts(tags, keyword))
    except ValueError:
        return ()
    # Not-a-number fails every comparison.
    return values if all(abs(value) < LARGEST for value in values) else ()


def _modality(header: Header, layout: Layout) -> Lut | Linear:
    lut = _lut(header, "ModalityLUTSequence", layout)
    if lut is not None:
        return lut
    slope, intercept = _rescale(header.tags, "Slope", 1.0), _rescale(header.tags, "Intercept", 0.0)
    if slope == 0.0:
        raise ImageRefused("damaged", "The DICOM file is damaged: its rescale slope is 0.")
    return Linear(slope, intercept)


def _rescale(tags: Dataset, name: str, default: float) -> float:
    if not text(tags, f"Rescale{name}"):
        return default
    values = _numbers(tags, f"Rescale{name}")
    if not values:
        raise ImageRefused("damaged", f"The DICOM file is damaged: Rescale{name} is no number.")
    return values[0]


def _window(tags: Dataset) -> Window | None:
    centres, widths = _numbers(tags, "WindowCenter"), _numbers(tags, "WindowWidth")
    if not centres or not widths or widths[0] <= 0:
        return None
    return Window(centres[0], widths[0], text(tags, "VOILUTFunction") or "LINEAR")


def _lut(header: Header, keyword: str, layout: Layout) -> Lut | None:
    items = header.tags.get(keyword)
    if not items:
        return None
    descriptor, data = (items[0].get_item(name) for name in ("LUTDescriptor", "LUTData"))
    signed = layout.signed or descriptor.VR == "SS"
    kinds = header.order + ("HhH" if signed else "HHH")
    count, first, bits = struct.unpack(kinds, descriptor.value)
    count = count or 2**16
    # Entries of 8 bits may stand in bytes or in words.
    kind = np.dtype(header.order + "u2") if len(data.value) >= 2 * count else np.dtype("u1")
    if not 8 <= bits <= 8 * kind.itemsize:
        raise ImageRefused("damaged", f"The DICOM file is damaged: its {keyword} cannot be read.")
    return Lut(first, bits, np.frombuffer(data.value, kind, count).astype(np.uint16))


def _padding(header: Header, layout: Layout) -> tuple[int, int] | None:
    limits: list[int] = []
    for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        element = header.tags.get_item(keyword)
        if element is not None and element.value is not None and len(element.value) == 2:
            kind = header.order + ("h" if layout.signed else "H")
            limits += struct.unpack(kind, element.value)
    return (min(limits), max(limits)) if limits else None
