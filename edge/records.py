"""What was screened, kept through a power cut. Images are not kept."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.errors import FieldRefused, RecordsUnavailable
from edge.screening import Screening

DATABASE = "screenings.sqlite3"
MAX_PATIENT_ID = 64
MAX_AGE_MONTHS = 1440
SEXES = {"F": "F", "FEMALE": "F", "M": "M", "MALE": "M", "O": "O", "OTHER": "O"}
VIEWS = ("PA", "AP")

# Applied in turn; PRAGMA user_version counts those that a database has seen.
MIGRATIONS = (
    """
    CREATE TABLE screenings (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        time TEXT NOT NULL,
        outcome TEXT NOT NULL,
        score REAL,
        patient_id TEXT,
        model_sha256 TEXT NOT NULL,
        document TEXT NOT NULL
    )
    """,
)


@dataclass(frozen=True)
class Patient:
    """What the operator typed about the child; all of it optional.

    Attributes:
        patient_id: at most `MAX_PATIENT_ID` printable characters.
        age_months: 0 to `MAX_AGE_MONTHS`.
        sex: ``"F"``, ``"M"`` or ``"O"``, as in DICOM.
        view: ``"PA"`` or ``"AP"``.
    """

    patient_id: str | None = None
    age_months: int | None = None
    sex: str | None = None
    view: str | None = None


def read_patient(fields: Mapping[str, str]) -> Patient:
    """Check what was typed; blank fields count as left out.

    Raises:
        FieldRefused: ``invalid_field``.
    """
    given = {name: fields.get(name, "").strip() for name in Patient.__dataclass_fields__}
    patient_id, age = given["patient_id"], given["age_months"]
    sex, view = given["sex"].upper(), given["view"].upper()
    if len(patient_id) > MAX_PATIENT_ID or not patient_id.isprintable():
        raise _invalid("patient_id", f"at most {MAX_PATIENT_ID} printable characters", patient_id)
    # isdecimal alone takes other scripts' digits, and int() would take them too.
    if age and not (age.isascii() and age.isdecimal() and len(age) <= 4):
        raise _invalid("age_months", f"a whole number from 0 to {MAX_AGE_MONTHS}", age)
    if age and int(age) > MAX_AGE_MONTHS:
        raise _invalid("age_months", f"a whole number from 0 to {MAX_AGE_MONTHS}", age)
    if sex and sex not in SEXES:
        raise _invalid("sex", "F, M or O", sex)
    if view and view not in VIEWS:
        raise _invalid("view", "PA or AP", view)
    return Patient(
        patient_id or None, int(age) if age else None, SEXES.get(sex), view if view else None
    )


class Records:
    """The screenings of one kiosk, in one SQLite file; safe to call from any thread.

    The file is opened at first use and again after a failure, so a disk that comes back is used
    again without a restart.
    """

    def __init__(self, data_dir: Path) -> None:
        """Name the folder; nothing is opened yet."""
        self._path = data_dir / DATABASE
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def add(
        self, screening: Screening, patient: Patient, synthetic: bool = False
    ) -> dict[str, Any]:
        """Store a screening; it is on the disk when this returns.

        Args:
            screening: its attention map is answered but not stored.
            patient: what was typed about the child.
            synthetic: the image was drawn, not filmed.

        Returns:
            The screening as it stands in JSON, with the patient's fields and the time.

        Raises:
            RecordsUnavailable: ``records_unavailable``; nothing was stored.
        """
        record = {
            **screening.to_dict(),
            **asdict(patient),
            "synthetic": synthetic,
            "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
        row = (
            record["id"],
            record["time"],
            record["outcome"],
            record["score"],
            record["patient_id"],
            record["model"]["sha256"],
            json.dumps({**record, "attention": None}),
        )
        with self._open() as connection:
            connection.execute(
                "INSERT INTO screenings (id, time, outcome, score, patient_id, model_sha256,"
                " document) VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        return record

    def get(self, screening_id: str) -> dict[str, Any] | None:
        """The stored screening of that id, or None.

        Raises:
            RecordsUnavailable: ``records_unavailable``.
        """
        with self._open() as connection:
            row = connection.execute(
                "SELECT document FROM screenings WHERE id = ?", (screening_id,)
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def recent(self, number: int) -> list[dict[str, Any]]:
        """The last screenings, newest first.

        Raises:
            RecordsUnavailable: ``records_unavailable``.
        """
        # By order of arrival: a kiosk's clock may step back at boot.
        with self._open() as connection:
            rows = connection.execute(
                "SELECT document FROM screenings ORDER BY number DESC LIMIT ?", (number,)
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def count(self) -> int:
        """How many screenings are stored.

        Raises:
            RecordsUnavailable: ``records_unavailable``.
        """
        with self._open() as connection:
            return int(connection.execute("SELECT COUNT(*) FROM screenings").fetchone()[0])

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            self._drop()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed to the disk at the end, or rolled back."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _connect(self._path)
                with self._connection:
                    yield self._connection
            except (sqlite3.Error, ValueError) as error:
                self._drop()
                raise RecordsUnavailable(
                    "records_unavailable",
                    f"The records in {self._path} cannot be used: {error}. "
                    "Nothing was screened without being recorded.",
                ) from error

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):  # it is being given up already
                self._connection.close()
            self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=5)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # In WAL mode NORMAL may lose the last commit in a power cut; FULL does not.
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise ValueError(
            f"they have version {version}; this kiosk knows versions up to {len(MIGRATIONS)}"
        )
    for number, statement in enumerate(MIGRATIONS[version:], version + 1):
        # Python's sqlite3 opens no transaction by itself before CREATE or PRAGMA.
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def _invalid(name: str, rule: str, received: str) -> FieldRefused:
    shown = received if len(received) <= 80 else received[:80] + "…"
    return FieldRefused("invalid_field", f"{name} must be {rule}. Received: {shown!r}")
