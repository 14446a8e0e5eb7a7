"""What became of the child: the clinician's final judgement, recorded later."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

from edge.audit import write_line
from edge.clock import timestamp
from edge.database import Database
from edge.fields import invalid, read_who

VERDICTS = ("pneumonia", "not_pneumonia", "unknown")


@dataclass(frozen=True)
class Judgement:
    """A clinician's last word on one screening.

    Attributes:
        verdict: one of `VERDICTS`.
        who: as they signed.
        time: of the clock, UTC, ISO 8601.
    """

    verdict: str
    who: str
    time: str


@dataclass(frozen=True)
class Case:
    """A screening of which the truth is known: its score in [0, 1], and the truth."""

    score: float
    pneumonia: bool


@dataclass(frozen=True)
class FollowUp:
    """How far the screenings of one model have been followed up.

    Attributes:
        cases: those that were judged to be pneumonia or not.
        judged: how many of each outcome these are.
        open: how many of each outcome are not judged, or judged to be unknown.
    """

    cases: tuple[Case, ...]
    judged: dict[str, int]
    open: dict[str, int]


def judge(database: Database, screening_id: str, verdict: str, who: str) -> Judgement | None:
    """Record a judgement; one that stood before gives way, and stays in the audit.

    Args:
        database: to change.
        screening_id: of the screening.
        verdict: one of `VERDICTS`.
        who: a name or initials.

    Returns:
        What now stands; None if there is no such screening.

    Raises:
        FieldRefused: ``invalid_field``.
        RecordsUnavailable: as `Database.write`.
    """
    if verdict not in VERDICTS:
        raise invalid("verdict", "one of " + ", ".join(VERDICTS), verdict)
    judgement = Judgement(verdict, read_who(who), timestamp())
    with database.write() as connection:
        row = connection.execute(
            "SELECT number, verdict FROM records WHERE id = ?", (screening_id,)
        ).fetchone()
        if row is None:
            return None
        number, former = row
        connection.execute(
            "INSERT OR REPLACE INTO judgements (screening, verdict, who, time)"
            " VALUES (:number, :verdict, :who, :time)",
            {"number": number, **asdict(judgement)},
        )
        write_line(
            connection, "judged", judgement.who, screening_id, verdict=verdict, former=former
        )
    return judgement


def follow_up(database: Database, manifest_sha256: str) -> FollowUp:
    """The followed-up screenings of one model; synthetic and refused ones do not count.

    Scores of two models do not mix, and neither do those of two calibrations: hence the manifest.
    Every screening counts: a child that was filmed twice counts twice.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    with database.read() as connection:
        rows = connection.execute(
            "SELECT score, outcome, verdict FROM screenings"
            " LEFT JOIN judgements ON screening = number"
            " WHERE manifest_sha256 = ? AND score IS NOT NULL AND synthetic = 0 ORDER BY number",
            (manifest_sha256,),
        ).fetchall()
    known = [row for row in rows if row[2] in ("pneumonia", "not_pneumonia")]
    judged = Counter(outcome for _, outcome, _ in known)
    return FollowUp(
        tuple(Case(score, verdict == "pneumonia") for score, _, verdict in known),
        dict(judged),
        dict(Counter(outcome for _, outcome, _ in rows) - judged),
    )
