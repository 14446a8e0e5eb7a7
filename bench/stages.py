"""Where the time of one screening goes: decoding, gates, preprocessing, the network.

The attention map is part of the network's graph, so its time is within that of the network.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from edge.artifact import Artifact, load_artifact
from edge.colour import coloured_share
from edge.errors import WorkFailed
from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from edge.quality import examine
from edge.radiograph import read_radiograph
from edge.runtime import Model
from edge.screening import Screener

STAGES = ("decode", "gates", "preprocess", "inference")
"""In their order; ``rest`` is what `edge.screening.Screener.screen` takes besides."""
FULL_SIZE = (2000, 1700)
DICOM_SIDE = 2000

T = TypeVar("T")


def full_size_files() -> dict[str, bytes]:
    """A drawn thorax as what a clinic has: a large JPEG, and an uncompressed 16-bit DICOM."""
    film = draw_phantom(0, DICOM_SIDE)
    small = cv2.resize(film, FULL_SIZE, interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    width, height = FULL_SIZE
    return {
        f"JPEG, {width} x {height}": jpeg,
        f"DICOM, {DICOM_SIDE} x {DICOM_SIDE}, 16 bits": _dicom(film.astype(np.uint16) * 257),
    }


class Stages:
    """Artifacts at their default variants, each ready to screen the same files."""

    def __init__(self, folders: Mapping[str, Path], files: Mapping[str, bytes], threads: int):
        """Load every artifact.

        Args:
            folders: of the artifacts, by name.
            files: image files by name.
            threads: processor threads that a prediction may use.
        """
        artifacts = {name: load_artifact(folder) for name, folder in folders.items()}
        self._files = dict(files)
        self._manifests = {name: artifact.manifest for name, artifact in artifacts.items()}
        self._screeners = {name: _lenient(each, threads) for name, each in artifacts.items()}
        self._models = {
            name: Model(each.models[each.manifest.default_variant], threads)
            for name, each in artifacts.items()
        }

    def measure(self, name: str, file: str) -> dict[str, float]:
        """Screen a file once as a whole and once stage by stage.

        Returns:
            Milliseconds of each of `STAGES`, and ``total`` of the screening as a whole.

        Raises:
            WorkFailed: ``not_screened``: the artifact refuses the file.
        """
        data, manifest = self._files[file], self._manifests[name]
        # Once without a clock: another artifact or file has had the caches.
        screening = self._screeners[name].screen(data)
        if screening.score is None:
            raise WorkFailed("not_screened", f"{name} refuses {file}: {screening.reasons[0][1]}")
        total, _ = _timed(lambda: self._screeners[name].screen(data))
        decode, radiograph = _timed(lambda: read_radiograph(data))
        pixels, gates = radiograph.pixels, manifest.gates
        examined = 0.0
        if gates is not None:
            examined, _ = _timed(lambda: examine(gates, pixels, coloured_share(data)))
        prepare, image = _timed(lambda: preprocess(pixels, manifest.input))
        inference, _ = _timed(lambda: self._models[name].predict(image))
        parts = dict(zip(STAGES, (decode, examined, prepare, inference), strict=True))
        return {**parts, "total": total}


def _lenient(artifact: Artifact, threads: int) -> Screener:
    """Gates take their time, but only warn: whether a drawing passes is no question here."""
    gates = artifact.manifest.gates
    actions = dict.fromkeys(gates.limits, "warn") if gates else None
    return Screener(artifact, threads=threads, actions=actions)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter_ns()
    value = work()
    return (time.perf_counter_ns() - started) / 1e6, value


def _dicom(pixels: np.ndarray[tuple[int, int], np.dtype[np.uint16]]) -> bytes:
    """A digital radiograph of nobody, in the plainest transfer syntax."""
    from pydicom import uid
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    film = FileDataset("", {}, b"\0" * 128, meta, is_implicit_VR=False, is_little_endian=True)
    film.SOPClassUID = uid.DigitalXRayImageStorageForPresentation
    film.SOPInstanceUID = uid.generate_uid(entropy_srcs=["phantom"])
    film.Modality, film.ViewPosition = "DX", "AP"
    film.PhotometricInterpretation, film.SamplesPerPixel = "MONOCHROME2", 1
    film.Rows, film.Columns = pixels.shape
    film.BitsAllocated = film.BitsStored = 16
    film.HighBit, film.PixelRepresentation = 15, 0
    film.PixelData = pixels.astype("<u2").tobytes()
    film["PixelData"].VR = "OW"
    out = io.BytesIO()
    film.save_as(out, enforce_file_format=True)
    return out.getvalue()
