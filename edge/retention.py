"""How long images are kept. Records stay until someone deletes them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.audit import write_line
from edge.clock import timestamp

MAX_DAYS = 36_500


@dataclass(frozen=True)
class Retention:
    """Whether the films that were screened are kept, and for how long.

    Attributes:
        keep_images: off, no image is stored; those that are stay until their time is over.
        days: 1 to `MAX_DAYS`, from the screening on.
    """

    keep_images: bool = False
    days: int = 30

    def __post_init__(self) -> None:
        if not 1 <= self.days <= MAX_DAYS:
            raise ValueError(f"days must be from 1 to {MAX_DAYS}. Received: {self.days}")


KEEP_NO_IMAGES = Retention()


def expire_images(connection: sqlite3.Connection, retention: Retention, moment: datetime) -> int:
    """Delete the images whose time is over, with a line in the audit.

    A clock that stands before the last record is not believed, and deletes nothing.

    Returns:
        How many there were.
    """
    latest = connection.execute("SELECT MAX(time) FROM screenings").fetchone()[0]
    if latest is None or timestamp(moment) < latest:
        return 0
    limit = timestamp(moment - timedelta(days=retention.days))
    number = connection.execute("DELETE FROM images WHERE time < ?", (limit,)).rowcount
    if number:
        write_line(connection, "images_expired", "kiosk", number=number, days=retention.days)
    return number
