"""What an image file says about the film and the patient. Nothing of it is proven."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

MAX_AGE_MONTHS = 1440


@dataclass(frozen=True)
class FileSays:
    """Facts that stood in a file beside the pixels; None where it is silent or makes no sense.

    Attributes:
        age_months: whole months, 0 to `MAX_AGE_MONTHS`, at the time of the film.
        sex: ``"F"``, ``"M"`` or ``"O"``, as in DICOM.
        view: as in DICOM's View Position: ``"PA"``, ``"AP"``, ``"LL"``, ...
        body_part: as in DICOM's Body Part Examined: ``"CHEST"``, ...
        laterality: ``"L"``, ``"R"``, ``"U"`` or ``"B"``, of a paired body part.
        pixel_spacing_mm: millimetres from row to row and from column to column; unequal where
            pixels are not square. They are left as they are.
    """

    age_months: int | None = None
    sex: str | None = None
    view: str | None = None
    body_part: str | None = None
    laterality: str | None = None
    pixel_spacing_mm: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The facts as they stand in JSON."""
        return asdict(self)
