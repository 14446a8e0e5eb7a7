"""A form becomes one image file and what was typed about the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, cast

from flask import Request

from edge.errors import ImageRefused
from edge.records import Patient, read_patient


@dataclass(frozen=True)
class Upload:
    """One image file, not read yet, and its patient."""

    image: BinaryIO
    patient: Patient


def read_upload(request: Request) -> Upload:
    """Read the multipart form of a request.

    Raises:
        ImageRefused: ``no_image`` or ``several_images``.
        FieldRefused: ``invalid_field``.
        werkzeug.exceptions.RequestEntityTooLarge: the body is larger than is accepted.
    """
    files = request.files.getlist("image")
    # A browser sends a nameless empty file where none was chosen.
    if not files or (len(files) == 1 and not files[0].filename and not files[0].stream.read(1)):
        raise ImageRefused("no_image", "No image was sent. Choose a JPEG, PNG or DICOM file.")
    if len(files) > 1:
        raise ImageRefused(
            "several_images", f"Send one image at a time. {len(files)} were received."
        )
    files[0].stream.seek(0)
    return Upload(cast(BinaryIO, files[0].stream), read_patient(request.form))
