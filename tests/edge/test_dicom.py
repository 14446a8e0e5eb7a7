"""A DICOM file becomes grey pixels and facts, or a refusal with a reason, whatever stands in it."""

from __future__ import annotations

import json
import logging
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from edge.cli import cli
from edge.errors import ImageRefused
from edge.phantom import draw_phantom
from edge.radiograph import read_radiograph
from edge.screening import Screener

Pixels = np.ndarray[Any, Any]
Dicom = Callable[..., bytes]

FILM: Pixels = draw_phantom(side=96).astype(np.uint16) * 16
"""12 bits."""


def code(data: bytes) -> str:
    with pytest.raises(ImageRefused) as refusal:
        read_radiograph(data)
    assert refusal.value.message.endswith(".")
    return refusal.value.code


def peak(read: Callable[[], object]) -> int:
    """Bytes that a call takes at most."""
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("cut", [0, 128, 132])
def test_neither_preamble_nor_file_meta_is_needed(dicom: Dicom, cut: int) -> None:
    data = dicom(FILM, BitsStored=12)
    start = 132 + 12 + struct.unpack("<L", data[140:144])[0]  # (0002,0000) tells the group's length
    bare = {0: data, 128: data[132:], 132: data[start:]}[cut]
    np.testing.assert_array_equal(read_radiograph(bare).pixels, read_radiograph(data).pixels)


def test_names_are_neither_kept_nor_logged(
    dicom: Dicom, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = {"PatientName": "Mwangi^Amina", "PatientID": "KIJABE-4711", "StudyDate": "20230401"}
    with caplog.at_level(logging.DEBUG):
        data = dicom(FILM, BitsStored=12, PatientBirthDate="20220704", **secrets)
        told = repr(vars(read_radiograph(data)))
        code(data.replace(b"MONOCHROME2", b"Mwangi^Amin"))
        code(data[:-9])
    told += caplog.text + "".join(capfd.readouterr())
    assert not [secret for secret in (*secrets.values(), "20220704") if secret in told]


@pytest.mark.parametrize(
    ("reason", "elements"),
    [
        ("wrong_modality", {"Modality": "CT"}),
        ("wrong_modality", {"Modality": "RF"}),
        ("wrong_modality", {"Modality": None}),
        ("not_for_presentation", {"PresentationIntentType": "FOR PROCESSING"}),
        ("colour", {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}),
        ("colour", {"PhotometricInterpretation": "PALETTE COLOR"}),
        ("colour", {"PhotometricInterpretation": None}),
        ("several_frames", {"NumberOfFrames": 2}),
        ("no_pixel_data", {"PixelData": None}),
        ("unsupported_pixels", {"BitsAllocated": 32, "BitsStored": 32}),
        ("unsupported_pixels", {"BitsStored": 4}),
        ("damaged", {"HighBit": 20}),
        ("damaged", {"Rows": None}),
        ("damaged", {"RescaleSlope": 0}),
        ("too_many_pixels", {"Rows": 65_000, "Columns": 65_000}),
        ("too_small", {"Rows": 63}),
        ("truncated", {"Rows": 97}),
    ],
)
def test_refusals(dicom: Dicom, reason: str, elements: dict[str, Any]) -> None:
    assert code(dicom(FILM, **elements)) == reason


def test_a_blank_film_is_refused(dicom: Dicom) -> None:
    assert code(dicom(np.full((96, 96), 7, np.uint16))) == "blank"


@pytest.mark.parametrize("kept", [0.01, 0.02, 0.1, 0.5, 0.99])
def test_truncated_files_are_refused(dicom: Dicom, kept: float) -> None:
    _, frame = cv2.imencode(".jp2", FILM)
    for data in (dicom(FILM), dicom(FILM, uid.JPEG2000, frame.tobytes())):
        assert code(data[: int(len(data) * kept)]) in ("truncated", "unsupported_format")


def test_other_compressions_are_named(dicom: Dicom) -> None:
    with pytest.raises(ImageRefused, match="MPEG2") as refusal:
        read_radiograph(dicom(FILM, uid.MPEG2MPML, b"film"))
    assert refusal.value.code == "unsupported_transfer_syntax"


def test_a_deflated_file_is_not_inflated(dicom: Dicom) -> None:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeezer.compress(bytes(100_000_000)) + squeezer.flush()
    plain = dicom(FILM, uid.DeflatedExplicitVRLittleEndian)
    meta = 132 + 12 + struct.unpack("<L", plain[140:144])[0]
    data = plain[:meta] + bomb
    assert code(data) == "deflated"
    assert peak(lambda: code(data)) < 1_000_000


def test_a_header_of_millions_of_elements_is_not_kept(dicom: Dicom) -> None:
    plain = dicom(FILM)
    meta = 132 + 12 + struct.unpack("<L", plain[140:144])[0]
    sequence = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff"
    items = sequence + b"\xfe\xff\x00\xe0\0\0\0\0" * 3_000_000
    nested = (
        b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    ) * 10**6
    for data in (plain[:meta] + items, plain[:meta] + nested):
        assert code(data) == "damaged"
        assert peak(lambda data=data: code(data)) < 40_000_000  # type: ignore[misc]


def test_run_lengths_unpack_no_further_than_the_film(dicom: Dicom) -> None:
    runs = b"\x81\xff" * 2_000_000  # 128 bytes each
    frame = struct.pack("<16L", 2, 64, 64 + len(runs) // 2, *[0] * 13) + runs
    data = dicom(FILM, uid.RLELossless, frame)
    assert peak(lambda: code(data)) < 3 * len(data)


@pytest.mark.parametrize("kind", [".jpg", ".jp2"])
def test_a_frame_that_declares_more_than_the_file_is_not_decoded(dicom: Dicom, kind: str) -> None:
    _, large = cv2.imencode(kind, np.zeros((3000, 3000), np.uint8))
    syntax = {".jpg": uid.JPEGBaseline8Bit, ".jp2": uid.JPEG2000}[kind]
    assert code(dicom(FILM.astype(np.uint8), syntax, large.tobytes())) == "damaged"


def test_a_large_film_takes_little_memory(dicom: Dicom) -> None:
    data = dicom(np.resize(FILM, (2000, 2000)), BitsStored=12)
    read_radiograph(data)
    assert peak(lambda: read_radiograph(data)) < 20_000_000


def test_mutated_files_are_read_or_refused_and_nothing_else(
    dicom: Dicom, capfd: pytest.CaptureFixture[str]
) -> None:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [4096, 0, 16], np.arange(4096, dtype="<u2").tobytes()
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "OW"
    tables = {"VOILUTSequence": Sequence([item]), "WindowCenter": 9, "WindowWidth": 9}
    _, jp2 = cv2.imencode(".jp2", FILM)
    files = [
        dicom(FILM, BitsStored=12, RescaleSlope=2, PatientAge="003Y", **tables),
        dicom(FILM, uid.ImplicitVRLittleEndian, BitsStored=12, **tables),
        dicom(FILM, uid.JPEG2000, jp2.tobytes(), **tables),
    ]
    rng = np.random.default_rng(6)
    for i in range(300):
        data = bytearray(files[i % 3])
        reach = len(data) if i % 2 else 1500  # every other one in the header alone
        for place in rng.integers(0, reach, int(rng.integers(1, 20))):
            data[place] = rng.integers(256)
        try:
            radiograph = read_radiograph(bytes(data))
        except ImageRefused as refusal:
            assert refusal.code
        else:
            assert radiograph.pixels.ndim == 2
    assert capfd.readouterr() == ("", "")


def test_a_dicom_film_is_screened_as_the_same_film_in_a_png(
    dicom: Dicom, screener: Screener, post: Callable[..., Any], tmp_path: Path
) -> None:
    pixels = draw_phantom(1, 512, 2)
    data = dicom(pixels)
    _, png = cv2.imencode(".png", pixels)
    score = screener.screen(png.tobytes()).score
    assert screener.screen(data).score == score
    answer = post(data)
    assert (answer.status_code, answer.json["score"]) == (201, score)
    (tmp_path / "film").write_bytes(data)
    done = CliRunner().invoke(cli, ["screen", "--json", str(tmp_path / "film")])
    assert json.loads(done.output)["score"] == score


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("RG1_cr_chest_pa_mono1_j2k_lossy", ((1955, 1841), "PA", "CHEST")),
        ("RG3_cr_extremity_mono1_jpegls_lossless", ((1760, 1760), "AP", "EXTREMITY")),
        ("cr_chest_mono1_10bit_explicitLE", ((440, 440), "PA", "CHEST")),
        ("cr_mono1_modalityLUT_jpeglossless", ((1576, 1976), None, None)),
        ("nih_dx_1", ((1024, 1024), None, "CHEST")),
        ("rsna_cr_chest_pa_jpegbaseline_mono2", ((1024, 1024), "PA", "CHEST")),
        ("dx_extremity_no_pixeldata", "no_pixel_data"),
        ("nih_5_modality_ct", "wrong_modality"),
        ("tagged_cr_chest_512_rgb", "colour"),
    ],
)
def test_real_films(data_root: Path, name: str, outcome: str | tuple[Any, ...]) -> None:
    try:
        radiograph = read_radiograph((data_root / "dicom" / f"{name}.dcm").read_bytes())
    except ImageRefused as refusal:
        if refusal.code == "codec_missing":
            pytest.skip(refusal.message)
        assert refusal.code == outcome
        return
    seen = radiograph.pixels.shape, radiograph.says.view, radiograph.says.body_part
    assert seen == outcome
    # The middle of a chest, leg or jaw is brighter than what is darkest around it.
    height, width = radiograph.pixels.shape
    middle = radiograph.pixels[height // 3 : -height // 3, width // 3 : -width // 3]
    assert np.median(middle) > np.percentile(radiograph.pixels, 5)
