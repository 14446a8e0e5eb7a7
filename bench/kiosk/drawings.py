"""Films to upload, drawn: the phantom as JPEG, PNG and DICOM."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bench.stages import full_size_files
from edge.phantom import draw_phantom

Grey = npt.NDArray[np.uint8]


def full_size() -> tuple[bytes, bytes]:
    """A JPEG of 2000 x 1700 pixels, and a DICOM file of 2000 x 2000 pixels of 16 bits."""
    jpeg, dicom = full_size_files().values()
    return jpeg, dicom


def small_film(seed: int, side: int = 1024) -> bytes:
    """One of the phantoms, as PNG, JPEG or DICOM in turn."""
    drawn = draw_phantom(seed, side, opacities=seed % 4)
    return (png, jpeg, dicom)[seed % 3](drawn)


def crowd_films(seed: int, count: int) -> list[bytes]:
    """Films of 1024 x 1024 pixels, of all three formats in turn."""
    return [small_film(seed * count + number) for number in range(count)]


def little_film(seed: int) -> bytes:
    """A film that is soon screened: a PNG of 256 x 256 pixels."""
    return small_film(seed * 3, 256)


def png(pixels: npt.NDArray[np.integer[Any]]) -> bytes:
    """Grey pixels of 8 or 16 bits as PNG."""
    return cv2.imencode(".png", pixels)[1].tobytes()


def jpeg(pixels: Grey) -> bytes:
    """Grey pixels as JPEG."""
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def dicom(pixels: Grey, packing: str | None = None) -> bytes:
    """Grey pixels as a DICOM radiograph of nobody.

    Args:
        pixels: (height, width); stored with 16 bits, or with 8 where they are packed as JPEG.
        packing: ``"rle"``, ``"jpeg"``, or None for pixels as they are.
    """
    from pydicom import uid
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate

    packed = packing == "jpeg"
    bits = 8 if packed else 16
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.JPEGBaseline8Bit if packed else uid.ExplicitVRLittleEndian
    film = FileDataset("", {}, b"\0" * 128, meta, is_implicit_VR=False, is_little_endian=True)
    film.SOPClassUID = uid.DigitalXRayImageStorageForPresentation
    film.SOPInstanceUID = uid.generate_uid(entropy_srcs=["phantom"])
    film.PatientName, film.PatientAge, film.ViewPosition = "Nobody", "036M", "AP"
    film.Modality, film.PhotometricInterpretation = "DX", "MONOCHROME2"
    film.Rows, film.Columns = pixels.shape
    film.SamplesPerPixel, film.PixelRepresentation = 1, 0
    film.BitsAllocated, film.BitsStored, film.HighBit = bits, bits, bits - 1
    stored = (pixels.astype("<u2") * 257).tobytes()
    film.PixelData = encapsulate([jpeg(pixels)]) if packed else stored
    film["PixelData"].VR = "OB" if packed else "OW"
    film["PixelData"].is_undefined_length = packed
    if packing == "rle":
        film.compress(uid.RLELossless)
    out = io.BytesIO()
    film.save_as(out, enforce_file_format=True)
    return out.getvalue()
