"""Images are kept where they are to be, without anything but their pixels, and not for ever."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.audit import read_lines
from edge.history import delete
from edge.images import encode, read_image
from edge.radiograph import read_radiograph
from edge.records import Patient, Records
from edge.retention import Retention
from edge.screening import Screener

START = datetime(2026, 5, 1, tzinfo=UTC)


class Kiosk:
    """Records that keep images for ten days, and a clock to turn."""

    def __init__(self, folder: Path, screener: Screener) -> None:
        self.time = START
        self.records = Records(folder, Retention(True, 10), lambda: self.time)
        self._screener = screener

    def screen(self, film: bytes, synthetic: bool = False) -> str:
        record = self.records.add(self._screener.screen(film), Patient("K-9"), synthetic)
        return str(record["id"])

    def image(self, screening_id: str) -> bytes | None:
        return read_image(self.records.database, screening_id)


@pytest.fixture
def kiosk(tmp_path: Path, screener: Screener) -> Iterator[Kiosk]:
    kiosk = Kiosk(tmp_path, screener)
    yield kiosk
    kiosk.records.close()


def _chunks(png: bytes) -> set[bytes]:
    at, names = 8, set()
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        names.add(png[at + 4 : at + 8])
        at += 12 + length
    return names


def test_a_film_is_kept_as_it_was_without_what_the_file_said(kiosk: Kiosk, jpeg: bytes) -> None:
    comment = b"\xff\xfe\x00\x10Jane Doe K-9.."
    film = jpeg[:2] + comment + jpeg[2:]
    kept = kiosk.image(kiosk.screen(film))
    assert kept is not None
    assert b"Jane" not in kept
    assert _chunks(kept) == {b"IHDR", b"IDAT", b"IEND"}
    assert np.array_equal(read_radiograph(kept).pixels, read_radiograph(film).pixels)


def test_sixteen_bits_stay_sixteen() -> None:
    pixels = np.arange(10_000, dtype=np.uint16).reshape(100, 100) * 6
    again = cv2.imdecode(np.frombuffer(encode(pixels), np.uint8), cv2.IMREAD_UNCHANGED)
    assert again is not None
    assert again.dtype == np.uint16
    assert np.array_equal(again, pixels)


def test_no_image_is_kept_unless_it_is_to_be(
    records: Records, screener: Screener, png: bytes, kiosk: Kiosk
) -> None:
    stored = records.add(screener.screen(png), Patient())
    assert stored["image_kept"] is False
    assert read_image(records.database, stored["id"]) is None
    assert kiosk.image(kiosk.screen(png, synthetic=True)) is None
    assert kiosk.image(kiosk.screen(b"no film")) is None
    assert kiosk.image("nobody") is None


def test_the_record_says_whether_its_image_is_kept(kiosk: Kiosk, png: bytes) -> None:
    screening_id = kiosk.screen(png)
    record = kiosk.records.get(screening_id)
    assert record is not None
    assert record["image_kept"] is True


def test_images_expire_and_records_stay(kiosk: Kiosk, png: bytes) -> None:
    first = kiosk.screen(png)
    kiosk.time = START + timedelta(days=10)
    second = kiosk.screen(png)
    assert kiosk.image(first) is not None
    kiosk.time += timedelta(seconds=1)
    third = kiosk.screen(png)
    assert kiosk.image(first) is None
    assert kiosk.image(second) is not None
    kiosk.time += timedelta(days=30)
    assert kiosk.records.expire_images() == 2
    assert kiosk.image(third) is None
    assert kiosk.records.count() == 3
    numbers = [line.detail["number"] for line in read_lines(kiosk.records.database, 9)]
    assert numbers == [2, 1]


def test_a_clock_that_is_doubted_deletes_nothing(kiosk: Kiosk, png: bytes) -> None:
    first = kiosk.screen(png)
    kiosk.time = datetime(1970, 1, 1, tzinfo=UTC)
    second = kiosk.screen(png)
    kiosk.time = datetime(1970, 3, 1, tzinfo=UTC)
    assert kiosk.records.expire_images() == 0
    kiosk.time = START + timedelta(days=10)  # set right
    assert kiosk.records.expire_images() == 0
    assert kiosk.image(first) is not None
    assert kiosk.image(second) is not None


def test_an_image_goes_with_its_record(kiosk: Kiosk, png: bytes) -> None:
    screening_id = kiosk.screen(png)
    assert delete(kiosk.records.database, screening_id, "a test")
    assert kiosk.image(screening_id) is None
    with kiosk.records.database.read() as connection:
        assert connection.execute("SELECT COUNT(*) FROM images").fetchone() == (0,)


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_days_have_bounds(days: int) -> None:
    with pytest.raises(ValueError, match="days"):
        Retention(True, days)


def test_what_was_deleted_is_overwritten(
    tmp_path: Path, records: Records, keep: Callable[..., Any]
) -> None:
    kept = [keep(f"a very rare name {number}") for number in range(20)]
    for record in kept:
        delete(records.database, record["id"], "a test")
    records.close()
    for path in tmp_path.iterdir():
        assert b"a very rare name" not in path.read_bytes()
