"""Who did what to the records. Lines are only ever added, and none holds a patient's data.

A screening is named by its random id, which means nothing once the screening is deleted.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from edge.clock import timestamp
from edge.database import Database

_SELECT = "SELECT number, time, action, subject, who, detail FROM audit WHERE"


@dataclass(frozen=True)
class Line:
    """One line of the audit.

    Attributes:
        number: counts up, whatever the clock does.
        time: of the clock, UTC, ISO 8601.
        action: what was done, in snake_case.
        subject: to what: a screening's id, a role, a file; None where that goes without saying.
        who: as they called themselves.
        detail: what else there is to know.
    """

    number: int
    time: str
    action: str
    subject: str | None
    who: str
    detail: dict[str, Any]


def write_line(
    connection: sqlite3.Connection,
    action: str,
    who: str,
    subject: str | None = None,
    **detail: object,
) -> None:
    """Add a line, in the transaction of what it tells of: both are kept, or neither."""
    connection.execute(
        "INSERT INTO audit (time, action, subject, who, detail) VALUES (?, ?, ?, ?, ?)",
        (timestamp(), action, subject, who, json.dumps(detail)),
    )


def read_lines(
    database: Database,
    limit: int,
    before: int | None = None,
    subject: str | None = None,
    action: str | None = None,
) -> tuple[Line, ...]:
    """The last lines, newest first.

    Args:
        database: to read.
        limit: how many at most.
        before: only lines older than this one.
        subject: only lines about it.
        action: only lines of this kind.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    conditions = {"number < ?": before, "subject = ?": subject, "action = ?": action}
    asked = {condition: value for condition, value in conditions.items() if value is not None}
    where = " AND ".join(["TRUE", *asked])
    query = " ".join([_SELECT, where, "ORDER BY number DESC LIMIT ?"])
    with database.read() as connection:
        rows = connection.execute(query, (*asked.values(), limit)).fetchall()
    return tuple(
        Line(number, time, action, subject, who, json.loads(detail))
        for number, time, action, subject, who, detail in rows
    )
