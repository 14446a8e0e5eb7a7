"""The pixel data of a DICOM file become stored values.

OpenCV, which the kiosk has anyway, reads the 8-bit JPEGs and JPEG 2000. GDCM of the codecs extra
reads the rest, in a process of its own. What a compressed frame declares of itself is held against
the header before any decoder sees it.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import config, uid

from edge import dicom_codec
from edge.dicom_header import ITEM, SEQUENCE_END, UNDEFINED, Element, end_of, read_element
from edge.dicom_tags import Layout
from edge.errors import ImageRefused
from edge.raster import check_jpeg, decode

NATIVE = {uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian}
JPEG = {uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1}
JPEG_LS = {uid.JPEGLSLossless, uid.JPEGLSNearLossless}
JPEG_2000 = {uid.JPEG2000Lossless, uid.JPEG2000}
READABLE = NATIVE | JPEG | JPEG_LS | JPEG_2000 | {uid.RLELossless}

MAX_TILES = 10_000
"""Of JPEG 2000: decoders set aside some kB for each before they read one."""
PATIENCE = 30.0
"""Seconds by the clock for a frame that GDCM decompresses; its processor time ends before."""

_OPENCV_JPEG = (0xC0, 0xC1, 0xC2)
_SIZ = b"\xff\x4f\xff\x51"


@dataclass(frozen=True)
class Codestream:
    """What a compressed frame declares of itself.

    Attributes:
        width, height: in pixels.
        components: 1 for grey.
        precision: bits of a sample.
        by_opencv: OpenCV can read it.
    """

    width: int
    height: int
    components: int
    precision: int
    by_opencv: bool


def check_syntax(syntax: str) -> None:
    """Refuse a transfer syntax that is not read, before anything is read.

    Raises:
        ImageRefused: ``deflated`` or ``unsupported_transfer_syntax``.
    """
    if syntax == uid.DeflatedExplicitVRLittleEndian:
        raise ImageRefused(
            "deflated",
            "The DICOM file is deflated, which this kiosk does not unpack. Export it uncompressed.",
        )
    if syntax not in READABLE:
        name = uid.UID(syntax, config.IGNORE).name
        name = "unknown" if name == syntax else name
        raise ImageRefused(
            "unsupported_transfer_syntax",
            f"This kiosk does not read the DICOM file's compression ({name}). Export it"
            " uncompressed.",
        )


def read_stored(
    data: bytes, order: str, pixels: Element, syntax: str, layout: Layout
) -> npt.NDArray[Any]:
    """Read the stored values of one grey frame.

    Args:
        data: the whole file.
        order: ``"<"`` or ``">"``, the byte order of native pixels.
        pixels: the pixel data element.
        syntax: UID of a transfer syntax that `check_syntax` lets through.
        layout: how the pixels are stored; their size was checked.

    Returns:
        (rows, columns), uint8 or uint16: words below 2^layout.stored, signed values in two's
        complement.

    Raises:
        ImageRefused: ``truncated``, ``damaged``, ``no_pixel_data``, ``several_frames`` or
            ``codec_missing``.
    """
    if syntax in NATIVE:
        words = _native(data, order, pixels, layout)
        return _lowest_bits(words >> layout.shift if layout.shift else words, layout)
    frame = _frame(data, pixels)
    rle = syntax == uid.RLELossless
    words = _unpacked(frame, layout) if rle else _decompressed(frame, syntax, layout)
    if words.shape != (layout.rows, layout.columns):
        raise ImageRefused("damaged", "The DICOM file is damaged: its frame has another size.")
    if not layout.signed and int(words.max()) >> layout.stored:
        raise ImageRefused("damaged", "The DICOM file is damaged: pixels have more bits than said.")
    return _lowest_bits(words, layout)


def _lowest_bits(words: npt.NDArray[Any], layout: Layout) -> npt.NDArray[Any]:
    """Drop what is above the value; most files have nothing there, and a copy may take 80 MB."""
    if not int(words.max()) >> layout.stored:
        return words
    return np.asarray(words & (2**layout.stored - 1), words.dtype)


def _native(data: bytes, order: str, pixels: Element, layout: Layout) -> npt.NDArray[Any]:
    if pixels.length == UNDEFINED or min(pixels.length, len(data) - pixels.value) < layout.bytes:
        raise ImageRefused("truncated", "The DICOM file is cut short.")
    count = layout.rows * layout.columns
    if layout.allocated == 8 and order == ">" and pixels.vr == b"OW":
        # Bytes in words of swapped bytes.
        words = np.frombuffer(data[pixels.value : pixels.value + count + count % 2], ">u2")
        words = words.astype("<u2").view(np.uint8)[:count]
    else:
        kind = np.dtype(f"{order}u{layout.allocated // 8}")
        words = np.frombuffer(data, kind, count, pixels.value)
        # OpenCV wants whole words at even places, as all sound files have them.
        words = words.astype(kind.newbyteorder("="), copy=not words.flags.aligned)
    return words.reshape(layout.rows, layout.columns)


def _frame(data: bytes, pixels: Element) -> bytes:
    """Join the fragments of encapsulated pixel data."""
    if pixels.length != UNDEFINED:
        raise ImageRefused("damaged", "The DICOM file is damaged: its frame is not encapsulated.")
    items, offset = [], pixels.value
    while True:
        item = read_element(data, offset, "<", implicit=True)
        if item.tag == SEQUENCE_END:
            break
        if item.tag != ITEM:
            raise ImageRefused("damaged", "The DICOM file is damaged: a fragment is missing.")
        offset = end_of(data, item)
        items.append(data[item.value : offset])
    if not items[1:]:
        raise ImageRefused("no_pixel_data", "The DICOM file holds no pixels.")
    if len(items[0]) > 4:  # the table of offsets: four bytes for each frame
        raise several_frames()
    return b"".join(items[1:])


def _unpacked(frame: bytes, layout: Layout) -> npt.NDArray[Any]:
    """Unpack run lengths (PS3.5, annex G).

    pydicom would unpack whatever a segment holds: 25 MB of runs make 1.6 GB.
    """
    planes, count = layout.allocated // 8, layout.rows * layout.columns
    if len(frame) < 64:
        raise ImageRefused("truncated", "The DICOM file is cut short.")
    number, *starts = struct.unpack("<16L", frame[:64])
    if number != planes:
        raise ImageRefused("damaged", "The DICOM file is damaged: it has not a segment per byte.")
    words = np.empty((count, planes), np.uint8)
    for plane, start in enumerate(starts[:planes]):
        stop = starts[plane + 1] if plane + 1 < planes else len(frame)
        # The most significant byte comes first.
        words[:, planes - 1 - plane] = np.frombuffer(_runs(frame[start:stop], count), np.uint8)
    kind = np.dtype(f"<u{planes}")
    return words.view(kind).astype(kind.newbyteorder("=")).reshape(layout.rows, layout.columns)


def _runs(segment: bytes, count: int) -> bytes:
    unpacked, place = bytearray(), 0
    while len(unpacked) < count and place < len(segment):
        head = segment[place]
        if head < 128:
            unpacked += segment[place + 1 : place + head + 2]
            place += head + 2
        else:
            if head > 128:
                unpacked += segment[place + 1 : place + 2] * (257 - head)
            place += 2 if head > 128 else 1
    if len(unpacked) < count:
        raise ImageRefused("truncated", "The DICOM file is cut short.")
    return bytes(unpacked[:count])


def _decompressed(frame: bytes, syntax: str, layout: Layout) -> npt.NDArray[Any]:
    stream = _check_jpeg_2000(frame) if syntax in JPEG_2000 else _check_jpeg(frame)
    if (stream.height, stream.width, stream.components) != (layout.rows, layout.columns, 1):
        raise ImageRefused("damaged", "The DICOM file is damaged: its frame has another size.")
    if stream.by_opencv:
        return decode(frame[max(frame.find(_SIZ), 0) :] if syntax in JPEG_2000 else frame)
    return _decompressed_apart(frame, syntax, layout, stream.precision)


def _check_jpeg(frame: bytes) -> Codestream:
    jpeg = check_jpeg(frame)
    by_opencv = jpeg.marker in _OPENCV_JPEG and jpeg.precision == 8
    return Codestream(jpeg.width, jpeg.height, jpeg.components, jpeg.precision, by_opencv)


def _check_jpeg_2000(frame: bytes) -> Codestream:
    """Read the SIZ segment (ISO 15444-1, A.5.1)."""
    start = frame.find(_SIZ, 0, 1024)  # some writers put boxes before it
    head = frame[start + 8 : start + 43]
    if start < 0 or len(head) < 35:
        raise ImageRefused("damaged", "The DICOM file is damaged: its frame is no JPEG 2000.")
    if not frame.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise ImageRefused("truncated", "The DICOM file is cut short.")
    right, bottom, left, top, across, down, _, _, components, depth = struct.unpack(">8LHB", head)
    width, height = right - left, bottom - top
    if 0 in (across, down) or (width // across + 1) * (height // down + 1) > MAX_TILES:
        raise ImageRefused("damaged", "The DICOM file is damaged: its frame has too many tiles.")
    return Codestream(width, height, components, (depth & 0x7F) + 1, not depth & 0x80)


def _decompressed_apart(
    frame: bytes, syntax: str, layout: Layout, precision: int
) -> npt.NDArray[Any]:
    if PathFinder.find_spec("gdcm") is None:
        raise ImageRefused(
            "codec_missing",
            f"The DICOM file is compressed ({uid.UID(syntax).name}). To read it, install the"
            " package python-gdcm (pneumokiosk[codecs]), or export the film uncompressed.",
        )
    kind = np.dtype(np.uint8 if precision <= 8 else np.uint16)
    numbers = (layout.rows, layout.columns, 8 * kind.itemsize, precision, int(layout.signed))
    try:
        done = subprocess.run(  # noqa: S603 - this very Python, our own program, checked numbers
            [sys.executable, "-P", dicom_codec.__file__, str(syntax), *map(str, numbers)],
            input=frame,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # GDCM remarks on every damaged file
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _undecodable() from error
    if done.returncode != 0 or len(done.stdout) != layout.rows * layout.columns * kind.itemsize:
        raise _undecodable()
    return np.frombuffer(done.stdout, kind).reshape(layout.rows, layout.columns)


def _undecodable() -> ImageRefused:
    return ImageRefused("damaged", "The DICOM file cannot be decompressed: it is damaged.")


def several_frames() -> ImageRefused:
    """The refusal of a film in motion."""
    return ImageRefused(
        "several_frames", "The DICOM file holds several frames. Send a single radiograph."
    )
