"""The history of the records: searched page by page, and deleted from with a line in the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge.audit import write_line
from edge.clock import timestamp
from edge.database import Database
from edge.records import select


@dataclass(frozen=True)
class Search:
    """Which screenings are asked for: those that meet all that is not None.

    Attributes:
        patient_id: the whole ID; a-z and A-Z count as the same.
        since, until: from this moment on, and before that one, by the kiosk's clock; with their
            time zones.
        outcome: one of `edge.screening.OUTCOMES`.
        verdict: one of `edge.followup.VERDICTS`.
        unjudged: only films that were screened and wait for a verdict; synthetic and refused ones
            wait for none.
    """

    patient_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    outcome: str | None = None
    verdict: str | None = None
    unjudged: bool = False


EVERYTHING = Search()


@dataclass(frozen=True)
class Page:
    """Part of what was found.

    Attributes:
        records: as they stand in JSON, newest first.
        next: what `find` takes as ``before`` for the page after this one; None after the last.
    """

    records: tuple[dict[str, Any], ...]
    next: int | None


def find(database: Database, search: Search, size: int = 50, before: int | None = None) -> Page:
    """One page of the screenings that meet a search.

    Pages follow the screenings' numbers: what is stored meanwhile neither repeats a screening on
    the next page nor hides one.

    Args:
        database: to read.
        search: what is asked for.
        size: screenings on a page, at least 1.
        before: only screenings with a lower number.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    condition, values = _condition(search, before)
    with database.read() as connection:
        found = select(connection, condition, *values, limit=size + 1)
    page = tuple(found[:size])
    return Page(page, page[-1]["number"] if len(found) > size else None)


def newer(database: Database, search: Search, before: int, size: int = 50) -> int | None:
    """The way back: what `find` takes as ``before`` for the page before that one.

    Returns:
        None where that page is the first.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    condition, values = _condition(search, None)
    query = " ".join(
        ["SELECT number FROM records WHERE", condition, "AND number >= ? ORDER BY number LIMIT ?"]
    )
    with database.read() as connection:
        rows = connection.execute(query, (*values, before, size + 1)).fetchall()
    return int(rows[size][0]) if len(rows) > size else None


def count(database: Database, search: Search, before: int | None = None) -> int:
    """How many screenings meet a search; with ``before``, only those with a lower number.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    condition, values = _condition(search, before)
    query = " ".join(["SELECT COUNT(*) FROM records WHERE", condition])
    with database.read() as connection:
        return int(connection.execute(query, values).fetchone()[0])


def delete(database: Database, screening_id: str, who: str) -> bool:
    """Delete a screening, its image and its judgement; the audit keeps its id, and by whom.

    Args:
        database: to change.
        screening_id: of the screening.
        who: a name that `edge.fields.read_who` has checked, or a role.

    Returns:
        Whether there was one.

    Raises:
        RecordsUnavailable: as `Database.write`.
    """
    with database.write() as connection:
        deleted = connection.execute(
            "DELETE FROM screenings WHERE id = ? RETURNING number", (screening_id,)
        ).fetchall()
        if deleted:
            write_line(connection, "screening_deleted", who, screening_id, number=deleted[0][0])
    return bool(deleted)


_UNJUDGED = """
verdict IS NULL AND outcome <> 'refused'
AND EXISTS (SELECT 1 FROM screenings s WHERE s.number = records.number AND s.synthetic = 0)
"""


def _condition(search: Search, before: int | None) -> tuple[str, tuple[object, ...]]:
    """SQL of fixed parts, and the values for its question marks."""
    given = {
        "patient_id = ? COLLATE NOCASE": search.patient_id,
        "time >= ?": None if search.since is None else timestamp(search.since),
        "time < ?": None if search.until is None else timestamp(search.until),
        "outcome = ?": search.outcome,
        "verdict = ?": search.verdict,
        "number < ?": before,
    }
    asked = {part: value for part, value in given.items() if value is not None}
    always = _UNJUDGED if search.unjudged else "TRUE"
    return " AND ".join([always, *asked]), tuple(asked.values())
