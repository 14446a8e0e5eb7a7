"""What was screened, kept through a power cut."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge import images
from edge.clock import Clock, now, timestamp
from edge.database import DATABASE, Database
from edge.fields import invalid
from edge.provenance import Provenance
from edge.retention import KEEP_NO_IMAGES, Retention, expire_images
from edge.screening import Screening

__all__ = ["DATABASE", "Patient", "Records", "read_patient", "select"]

MAX_PATIENT_ID = 64
MAX_AGE_MONTHS = 1440
SEXES = {"F": "F", "FEMALE": "F", "M": "M", "MALE": "M", "O": "O", "OTHER": "O"}
VIEWS = ("PA", "AP")


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
        raise invalid("patient_id", f"at most {MAX_PATIENT_ID} printable characters", patient_id)
    # isdecimal alone takes other scripts' digits, and int() would take them too.
    if age and not (age.isascii() and age.isdecimal() and len(age) <= 4):
        raise invalid("age_months", f"a whole number from 0 to {MAX_AGE_MONTHS}", age)
    if age and int(age) > MAX_AGE_MONTHS:
        raise invalid("age_months", f"a whole number from 0 to {MAX_AGE_MONTHS}", age)
    if sex and sex not in SEXES:
        raise invalid("sex", "F, M or O", sex)
    if view and view not in VIEWS:
        raise invalid("view", "PA or AP", view)
    return Patient(
        patient_id or None, int(age) if age else None, SEXES.get(sex), view if view else None
    )


class Records:
    """The screenings of one kiosk, safe to use from any thread.

    Attributes:
        database: where they are; the kiosk's other tables are there too.
        retention: whether images are kept, and how long; may be changed at any time.
    """

    def __init__(
        self,
        where: Path | Database,
        retention: Retention = KEEP_NO_IMAGES,
        clock: Clock = now,
    ) -> None:
        """Name the place; nothing is opened yet.

        Args:
            where: an existing folder, or the database in it.
            retention: whether images are kept, and how long.
            clock: tells the time.
        """
        self.database = where if isinstance(where, Database) else Database(where)
        self.retention = retention
        self._clock = clock

    def add(
        self,
        screening: Screening,
        patient: Patient,
        synthetic: bool = False,
        provenance: Provenance | None = None,
    ) -> dict[str, Any]:
        """Store a screening; it is on the disk when this returns.

        Args:
            screening: its attention map is answered but not stored; its radiograph is kept only
                where images are to be, and only what was filmed.
            patient: what was typed about the child.
            synthetic: the image was drawn, not filmed.
            provenance: what the screening was made with; None where that is not known.

        Returns:
            The screening as it stands in JSON, with what `select` adds to it.

        Raises:
            RecordsUnavailable: ``disk_full`` or ``records_unavailable``; nothing was stored.
        """
        document = {
            **screening.to_dict(),
            **asdict(patient),
            "synthetic": synthetic,
            "provenance": None if provenance is None else asdict(provenance),
        }
        film = None
        if self.retention.keep_images and screening.radiograph is not None and not synthetic:
            film = images.encode(screening.radiograph.pixels)
        with self.database.write() as connection:
            # Under the lock, so that the times of two threads cannot cross.
            moment = self._clock()
            document["time"] = timestamp(moment)
            number = _insert(connection, document)
            if film is not None:
                images.store(connection, number, film)
            expire_images(connection, self.retention, moment)
            record = select(connection, "id = ?", screening.id)[0]
        return {**record, "attention": document["attention"]}

    def get(self, screening_id: str) -> dict[str, Any] | None:
        """The stored screening of that id, or None.

        Raises:
            RecordsUnavailable: as `Database.read`.
        """
        with self.database.read() as connection:
            found = select(connection, "id = ?", screening_id)
        return found[0] if found else None

    def recent(self, number: int) -> list[dict[str, Any]]:
        """The last screenings, newest first.

        Raises:
            RecordsUnavailable: as `Database.read`.
        """
        with self.database.read() as connection:
            return select(connection, "TRUE", limit=number)

    def count(self) -> int:
        """How many screenings are stored.

        Raises:
            RecordsUnavailable: as `Database.read`.
        """
        with self.database.read() as connection:
            return int(connection.execute("SELECT COUNT(*) FROM screenings").fetchone()[0])

    def expire_images(self) -> int:
        """Delete the images whose time is over; adding a screening does the same.

        Raises:
            RecordsUnavailable: as `Database.write`.
        """
        with self.database.write() as connection:
            return expire_images(connection, self.retention, self._clock())

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self.database.close()


def select(
    connection: sqlite3.Connection, condition: str, *values: object, limit: int = -1
) -> list[dict[str, Any]]:
    """Screenings as they stand in JSON, newest first.

    By order of arrival: a kiosk's clock may step back at boot. To what was stored comes what is
    known by now: ``number``, which counts up and is never used again; ``clock_doubt``: an earlier
    screening has a later time; ``judgement``: None, or ``verdict``, ``who`` and ``time``;
    ``image_kept``.

    Args:
        connection: to read by.
        condition: SQL on the columns of the view ``records``, never made of what people typed.
        values: for the condition's question marks.
        limit: how many at most; -1 for all.
    """
    query = " ".join([_SELECT, condition, "ORDER BY number DESC LIMIT ?"])
    return [_record(*row) for row in connection.execute(query, (*values, limit))]


_SELECT = """
SELECT number, document, clock_doubt, verdict, judged_by, judged_at, image_kept
FROM records WHERE
"""


def _record(
    number: int,
    document: str,
    clock_doubt: int,
    verdict: str | None,
    judged_by: str,
    judged_at: str,
    image_kept: int,
) -> dict[str, Any]:
    judgement = {"verdict": verdict, "who": judged_by, "time": judged_at}
    return {
        **json.loads(document),
        "number": number,
        "clock_doubt": bool(clock_doubt),
        "judgement": None if verdict is None else judgement,
        "image_kept": bool(image_kept),
    }


def _insert(connection: sqlite3.Connection, document: dict[str, Any]) -> int:
    latest = connection.execute("SELECT MAX(time) FROM screenings").fetchone()[0]
    provenance = document["provenance"]
    values = (
        document["id"],
        document["time"],
        document["outcome"],
        document["score"],
        document["patient_id"],
        document["model"]["sha256"],
        None if provenance is None else provenance["manifest_sha256"],
        latest is not None and document["time"] < latest,
        document["synthetic"],
        json.dumps({**document, "attention": None}),
    )
    cursor = connection.execute(
        "INSERT INTO screenings (id, time, outcome, score, patient_id, model_sha256,"
        " manifest_sha256, clock_doubt, synthetic, document)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    return int(cursor.lastrowid or 0)
