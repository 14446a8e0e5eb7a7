"""Settings that an administrator changes on the page: every change is kept, and can be undone.

The audit tells of each change too, in a line of its own.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from edge.audit import write_line
from edge.clock import timestamp
from edge.database import Database
from edge.fields import read_who


@dataclass(frozen=True)
class Change:
    """One change of one setting.

    Attributes:
        number: counts up over all settings.
        time: of the clock, UTC, ISO 8601.
        name: of the setting.
        value: what it became, as JSON has it; None for the value that it has by itself.
        who: a name or a role.
        reverts: number of the change that this one undid, or None.
    """

    number: int
    time: str
    name: str
    value: Any
    who: str
    reverts: int | None = None


def change(database: Database, name: str, value: object, who: str) -> Change:
    """Give a setting a value; the last change of a setting is the one that counts.

    Raises:
        FieldRefused: ``invalid_field``: ``who`` is no name.
        RecordsUnavailable: as `Database.write`.
    """
    who = read_who(who)
    with database.write() as connection:
        return _add(connection, name, value, who, None)


def revert(database: Database, number: int, who: str) -> Change | None:
    """Undo a change: its setting gets the value that it had before. The change itself is kept.

    Returns:
        The new change; None if there is none of that number.

    Raises:
        FieldRefused: ``invalid_field``: ``who`` is no name.
        RecordsUnavailable: as `Database.write`.
    """
    who = read_who(who)
    with database.write() as connection:
        undone = _last(connection, "number = ?", number)
        if undone is None:
            return None
        former = _last(connection, "name = ? AND number < ?", undone.name, number)
        value = None if former is None else former.value
        return _add(connection, undone.name, value, who, number)


def latest(database: Database, name: str) -> Change | None:
    """The change of a setting that counts, or None if it was never changed.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    with database.read() as connection:
        return _last(connection, "name = ?", name)


def read_changes(database: Database, name: str) -> tuple[Change, ...]:
    """All changes of a setting, newest first.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    with database.read() as connection:
        return tuple(_changes(connection, "name = ?", name))


def _add(
    connection: sqlite3.Connection, name: str, value: object, who: str, reverts: int | None
) -> Change:
    time = timestamp()
    cursor = connection.execute(
        "INSERT INTO changes (time, name, value, who, reverts) VALUES (?, ?, ?, ?, ?)",
        (time, name, json.dumps(value), who, reverts),
    )
    write_line(connection, "changed", who, name, number=cursor.lastrowid, reverts=reverts)
    return Change(int(cursor.lastrowid or 0), time, name, value, who, reverts)


def _last(connection: sqlite3.Connection, condition: str, *values: object) -> Change | None:
    found = _changes(connection, condition, *values)
    return found[0] if found else None


def _changes(connection: sqlite3.Connection, condition: str, *values: object) -> list[Change]:
    query = " ".join([_SELECT, condition, "ORDER BY number DESC"])
    return [
        Change(number, time, name, json.loads(value), who, reverts)
        for number, time, name, value, who, reverts in connection.execute(query, values)
    ]


_SELECT = "SELECT number, time, name, value, who, reverts FROM changes WHERE"
