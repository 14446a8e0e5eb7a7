"""Pixels come out of a DICOM file as they went in, however they are stored."""

from __future__ import annotations

import base64
import importlib.util
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydicom import uid
from pydicom.pixels.encoders.base import RLELosslessEncoder

from edge.errors import ImageRefused
from edge.phantom import draw_phantom
from edge.radiograph import read_radiograph

Pixels = np.ndarray[Any, Any]

LE = uid.ExplicitVRLittleEndian
NATIVE = [LE, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian]
FILM: Pixels = draw_phantom(side=96)
"""8 bits."""

Dicom = Callable[..., bytes]

needs_gdcm = pytest.mark.skipif(
    importlib.util.find_spec("gdcm") is None, reason="python-gdcm is not installed"
)


def film(bits: int) -> Pixels:
    """The phantom with that many bits a pixel."""
    return np.asarray(FILM.astype(np.float64) * ((2**bits - 1) / 255), np.uint16)


def ranged(pixels: Pixels) -> Pixels:
    """What is shown without a window: 8 bits as they are; of more, their own range."""
    if pixels.dtype == np.uint8:
        return pixels
    values = pixels.astype(np.float64)
    return np.asarray(np.rint((values - values.min()) / np.ptp(values) * 65535))


def code(data: bytes) -> str:
    with pytest.raises(ImageRefused) as refusal:
        read_radiograph(data)
    assert refusal.value.message.endswith(".")
    return refusal.value.code


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("bits", [10, 12, 15, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_uncompressed_pixels_of_any_depth(
    dicom: Dicom, syntax: uid.UID, bits: int, signed: bool
) -> None:
    pixels = film(bits).astype(np.int32) - (2 ** (bits - 1) if signed else 0)
    stored = pixels.astype(np.int16 if signed else np.uint16)
    data = dicom(stored, syntax, BitsStored=bits, PixelRepresentation=int(signed))
    radiograph = read_radiograph(data)
    assert radiograph.format == "dicom"
    assert radiograph.pixels.dtype == np.uint16
    np.testing.assert_array_equal(radiograph.pixels, ranged(pixels))


def test_pixels_that_begin_at_an_odd_place(dicom: Dicom) -> None:
    data = dicom(film(16), LE, PatientComments="AB")
    before, _, after = data.partition(b"LT\x02\x00AB")
    pixels = read_radiograph(before + b"LT\x01\x00A" + after).pixels
    np.testing.assert_array_equal(pixels, ranged(film(16)))


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda syntax: syntax.keyword)
def test_eight_bits_stay_eight_bits(dicom: Dicom, syntax: uid.UID) -> None:
    odd = FILM[:95, :95]
    pixels = read_radiograph(dicom(odd, syntax)).pixels
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, ranged(odd))


def test_eight_bits_in_swapped_words(dicom: Dicom) -> None:
    data = dicom(FILM.reshape(-1, 2)[:, ::-1].reshape(FILM.shape), uid.ExplicitVRBigEndian)
    data = data.replace(b"\x7f\xe0\x00\x10OB", b"\x7f\xe0\x00\x10OW")
    np.testing.assert_array_equal(read_radiograph(data).pixels, ranged(FILM))


def test_bits_beside_the_stored_ones_are_no_picture(dicom: Dicom) -> None:
    above = film(12) | np.uint16(0x5000)
    np.testing.assert_array_equal(
        read_radiograph(dicom(above, BitsStored=12)).pixels, ranged(film(12))
    )
    below = (film(12) << 4) | np.uint16(5)
    np.testing.assert_array_equal(
        read_radiograph(dicom(below, BitsStored=12, HighBit=15)).pixels, ranged(film(12))
    )


@pytest.mark.parametrize("pixels", [FILM, film(12)], ids=["8", "12"])
def test_run_lengths(dicom: Dicom, pixels: Pixels) -> None:
    frame = RLELosslessEncoder.encode(
        pixels,
        encoding_plugin="pydicom",
        rows=pixels.shape[0],
        columns=pixels.shape[1],
        samples_per_pixel=1,
        bits_allocated=8 * pixels.dtype.itemsize,
        bits_stored=8 * pixels.dtype.itemsize,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2",
        number_of_frames=1,
    )
    seen = read_radiograph(dicom(pixels, uid.RLELossless, frame)).pixels
    np.testing.assert_array_equal(seen, ranged(pixels))


def encoded(kind: str, pixels: Pixels, *options: int) -> bytes:
    _, data = cv2.imencode(kind, pixels, list(options))
    return data.tobytes()


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit])
def test_jpeg_of_8_bits_needs_no_codec(dicom: Dicom, syntax: uid.UID) -> None:
    frame = encoded(".jpg", FILM)
    expected = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_GRAYSCALE)
    seen = read_radiograph(dicom(FILM, syntax, frame)).pixels
    np.testing.assert_array_equal(seen, ranged(np.asarray(expected)))


@pytest.mark.parametrize("pixels", [FILM, film(16)], ids=["8", "16"])
@pytest.mark.parametrize("boxes", [True, False])
def test_jpeg_2000_needs_no_codec(
    dicom: Dicom, pixels: Pixels, boxes: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    frame = encoded(".jp2", pixels, cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000)  # lossless
    frame = frame if boxes else frame[frame.index(b"\xff\x4f\xff\x51") :]
    seen = read_radiograph(dicom(pixels, uid.JPEG2000Lossless, frame)).pixels
    np.testing.assert_array_equal(seen, ranged(pixels))
    assert capfd.readouterr() == ("", "")


EXTENDED_12_BIT = zlib.decompress(
    base64.b85decode(
        "c-s4a<NpH&0WUXCHwH#V1_nkTWcYuZ!I^=Bjg6g+m4ls~os*M;i${c)hnt&6Qb?FzL{>^(PF6}rMnOeST|r4lSw=>"
        "~TvNxu(8R<<Uft5x!pKI?*u?1nK?ZIf1_uTQMn*w~|3?@^!R8|a4sM{ZqyPgWD~d2XgNm_J;Qw0;93Tz$4DAAEc)5"
        "L6rSKfMu;tV;2ckGDANP=;8p@exL7Zw26pKhv4YSAqi|QUiJ|aami9Vt@=>FdX0L72zW&"
    )
)
"""A 64 x 64 slope, 40 a row and 25 a column, by libjpeg-turbo: GDCM writes no valid one."""


@needs_gdcm
def test_jpeg_of_12_bits(dicom: Dicom) -> None:
    y, x = np.indices((64, 64))
    data = dicom(
        np.zeros((64, 64), np.uint16), uid.JPEGExtended12Bit, EXTENDED_12_BIT, BitsStored=12
    )
    np.testing.assert_allclose(read_radiograph(data).pixels / 16, y * 40 + x * 25, atol=10)


@needs_gdcm
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    "syntax", ["JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless"]
)
def test_codecs_of_the_extra(dicom: Dicom, syntax: str, signed: bool, tmp_path: Path) -> None:
    import gdcm

    pixels = film(12).astype(np.int32) - (2048 if signed else 0)
    plain, packed = str(tmp_path / "plain.dcm"), str(tmp_path / "packed.dcm")
    stored = pixels.astype(np.int16 if signed else np.uint16)
    Path(plain).write_bytes(dicom(stored, BitsStored=12, PixelRepresentation=int(signed)))
    reader, change, writer = (
        gdcm.ImageReader(),
        gdcm.ImageChangeTransferSyntax(),
        gdcm.ImageWriter(),
    )
    reader.SetFileName(plain)
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(packed)
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    seen = read_radiograph(Path(packed).read_bytes()).pixels
    np.testing.assert_array_equal(seen, ranged(pixels))


def jpeg_skeleton(marker: int, rows: int = 96, columns: int = 96) -> bytes:
    """The segments of a grey JPEG of 12 bits without any picture in it."""
    frame = struct.pack(">BBHBHHBBBB", 0xFF, marker, 11, 12, rows, columns, 1, 1, 0x11, 0)
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x01\x00\x00"
    return b"\xff\xd8" + frame + scan + bytes(200) + b"\xff\xd9"


@pytest.mark.parametrize(
    ("syntax", "marker"),
    [(uid.JPEGLosslessSV1, 0xC3), (uid.JPEGLSLossless, 0xF7), (uid.JPEGExtended12Bit, 0xC1)],
)
def test_a_missing_codec_is_named(
    dicom: Dicom, syntax: uid.UID, marker: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])  # as where it is not installed
    with pytest.raises(ImageRefused, match=r"python-gdcm \(pneumokiosk\[codecs\]\)") as refusal:
        read_radiograph(dicom(film(12), syntax, jpeg_skeleton(marker), BitsStored=12))
    assert refusal.value.code == "codec_missing"


@needs_gdcm
def test_gdcm_stays_out_of_the_process(dicom: Dicom, tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(dicom(FILM))
    program = (
        "import sys, pathlib\n"
        "from edge.radiograph import read_radiograph\n"
        "read_radiograph(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "print('_gdcm' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "film")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


@needs_gdcm
@pytest.mark.parametrize(
    ("syntax", "marker"),
    [(uid.JPEGLosslessSV1, 0xC3), (uid.JPEGLSLossless, 0xF7), (uid.JPEGExtended12Bit, 0xC1)],
)
def test_what_gdcm_cannot_read_is_damaged(dicom: Dicom, syntax: uid.UID, marker: int) -> None:
    assert code(dicom(film(12), syntax, jpeg_skeleton(marker), BitsStored=12)) == "damaged"
