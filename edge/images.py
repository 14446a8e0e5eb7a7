"""A film's pixels as they are kept: all of them and nothing else.

They lie in the records' own file, in a table of their own, and not as files beside it: a record
and its image are stored in one transaction, deleted in one, and copied by one backup; a power cut
leaves neither half a film nor one that no record knows. PNG loses nothing of 8 or 16 bits, so
that a film which is opened again is the film that was screened.

De-identified means: what the file said beside its pixels is gone, its name included. What someone
burned into the pixels themselves, such as a name on the film, stays.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import cv2
import numpy.typing as npt

from edge.database import Database

_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def encode(pixels: npt.NDArray[Any]) -> bytes:
    """Grey pixels as a PNG file without metadata.

    Args:
        pixels: (height, width), uint8 or uint16.
    """
    _, data = cv2.imencode(".png", pixels, _FAST)
    return data.tobytes()


def store(connection: sqlite3.Connection, number: int, png: bytes) -> None:
    """Keep the image of a screening, in the transaction that has just stored the screening.

    Its time runs from the latest that any screening has: where the clock stepped back, it would
    otherwise be over as soon as the clock is set right.
    """
    connection.execute(
        "INSERT INTO images (screening, time, png) SELECT ?, MAX(time), ? FROM screenings",
        (number, png),
    )


def read_image(database: Database, screening_id: str) -> bytes | None:
    """The PNG file of a screening's image, or None if none is kept.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    with database.read() as connection:
        row = connection.execute(
            "SELECT png FROM images JOIN screenings ON number = screening WHERE id = ?",
            (screening_id,),
        ).fetchone()
    return None if row is None else bytes(row[0])
