"""The tables of the records, version after version. What was released is never changed again."""

from __future__ import annotations

_SCREENINGS = (
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

_CLINIC = (
    "ALTER TABLE screenings ADD COLUMN manifest_sha256 TEXT",
    "ALTER TABLE screenings ADD COLUMN clock_doubt INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE screenings ADD COLUMN synthetic INTEGER NOT NULL DEFAULT 0",
    "UPDATE screenings SET synthetic = coalesce(json_extract(document, '$.synthetic'), 0)",
    "CREATE INDEX screenings_by_patient ON screenings (patient_id COLLATE NOCASE, number)",
    "CREATE INDEX screenings_by_outcome ON screenings (outcome, number)",
    "CREATE INDEX screenings_by_time ON screenings (time)",
    "CREATE INDEX screenings_by_manifest ON screenings (manifest_sha256)",
    # A table of its own: history is read without turning the pages that images fill.
    """
    CREATE TABLE images (
        screening INTEGER PRIMARY KEY REFERENCES screenings (number) ON DELETE CASCADE,
        time TEXT NOT NULL,
        png BLOB NOT NULL
    )
    """,
    "CREATE INDEX images_by_time ON images (time)",
    """
    CREATE TABLE judgements (
        screening INTEGER PRIMARY KEY REFERENCES screenings (number) ON DELETE CASCADE,
        verdict TEXT NOT NULL CHECK (verdict IN ('pneumonia', 'not_pneumonia', 'unknown')),
        who TEXT NOT NULL,
        time TEXT NOT NULL
    )
    """,
    """
    CREATE VIEW records AS
    SELECT s.number, s.id, s.time, s.outcome, s.patient_id, s.document, s.clock_doubt,
        j.verdict, j.who AS judged_by, j.time AS judged_at, i.screening IS NOT NULL AS image_kept
    FROM screenings s
    LEFT JOIN judgements j ON j.screening = s.number
    LEFT JOIN images i ON i.screening = s.number
    """,
    """
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        time TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT,
        who TEXT NOT NULL,
        detail TEXT NOT NULL
    )
    """,
    "CREATE INDEX audit_by_subject ON audit (subject, number)",
    "CREATE INDEX audit_by_action ON audit (action, number)",
    """
    CREATE TABLE changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        time TEXT NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        who TEXT NOT NULL,
        reverts INTEGER REFERENCES changes (number)
    )
    """,
    "CREATE INDEX changes_by_name ON changes (name, number)",
    *(
        f"""
        CREATE TRIGGER {table}_bars_{deed.lower()} BEFORE {deed} ON {table}
        BEGIN SELECT RAISE(ABORT, 'lines are only ever added to the {table}'); END
        """
        for table in ("audit", "changes")
        for deed in ("UPDATE", "DELETE")
    ),
    """
    CREATE TABLE accounts (
        role TEXT PRIMARY KEY CHECK (role IN ('operator', 'administrator')),
        salt BLOB NOT NULL,
        hash BLOB NOT NULL,
        cost INTEGER NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE sessions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        token_sha256 BLOB NOT NULL UNIQUE,
        role TEXT NOT NULL REFERENCES accounts (role) ON DELETE CASCADE
    )
    """,
)

MIGRATIONS = (_SCREENINGS, _CLINIC)
"""Statements that lead from one version to the next; PRAGMA user_version counts those applied."""
