"""The file outlives what happens to disks, and is open to many at once."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.audit import read_lines, write_line
from edge.database import DATABASE, Database, connect, problems, transaction
from edge.errors import RecordsUnavailable
from edge.records import Patient, Records
from edge.schema import MIGRATIONS
from edge.screening import Screener

FIRST_VERSION = """
CREATE TABLE screenings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    time TEXT NOT NULL,
    outcome TEXT NOT NULL,
    score REAL,
    patient_id TEXT,
    model_sha256 TEXT NOT NULL,
    document TEXT NOT NULL
);
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;
"""
"""As the first kiosks made it."""


def test_it_is_set_up_to_outlive_a_power_cut(tmp_path: Path) -> None:
    with closing(connect(tmp_path / DATABASE)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert problems(connection) == ()


def test_its_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    database = Database(tmp_path)
    with database.write() as connection:
        write_line(connection, "tested", "a test")
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {DATABASE + suffix: 0o600 for suffix in ("", "-wal", "-shm")}
    database.close()


def test_records_of_the_first_version_are_migrated_in_place(
    tmp_path: Path, screener: Screener
) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE)) as old:
        old.executescript(FIRST_VERSION)
        for number in range(3):
            document = {**screener.screen(b"").to_dict(), "id": str(number), "age_months": None}
            document |= {"patient_id": "K-9", "sex": None, "view": None, "synthetic": number == 1}
            document |= {"time": f"2026-01-0{number + 1}T00:00:00Z"}
            old.execute(
                "INSERT INTO screenings VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
                (*(document[name] for name in ("id", "time", "outcome", "score", "patient_id")),
                 document["model"]["sha256"], json.dumps(document)),
            )  # fmt: skip
        old.commit()
    records = Records(tmp_path)
    recent = records.recent(10)
    assert [record["id"] for record in recent] == ["2", "1", "0"]
    assert [record["synthetic"] for record in recent] == [False, True, False]
    assert all(record["clock_doubt"] is False for record in recent)
    assert records.add(screener.screen(b""), Patient())["number"] == 4
    with records.database.read() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("SELECT SUM(synthetic) FROM screenings").fetchone() == (1,)
        assert problems(connection) == ()
    records.close()


def test_records_of_a_later_version_are_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE)) as later:
        later.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(RecordsUnavailable, match="version"), Database(tmp_path).read():
        pass


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with pytest.raises(KeyError), database.write() as connection:
        write_line(connection, "tested", "a test")
        raise KeyError
    with pytest.raises(RecordsUnavailable), database.write() as connection:
        write_line(connection, "tested", "a test")
        connection.execute("INSERT INTO no_such_table VALUES (1)")
    assert read_lines(database, 10) == ()
    with database.write() as connection:
        write_line(connection, "tested", "a test")
    assert len(read_lines(database, 10)) == 1
    database.close()


def test_a_file_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    (tmp_path / "occupied" / DATABASE).mkdir(parents=True)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / DATABASE).write_bytes(b"not a database" * 1000)
    for folder in ("occupied", "damaged", "absent"):
        database = Database(tmp_path / folder)
        for use in (database.read, database.write):
            with pytest.raises(RecordsUnavailable) as refusal, use():
                pass
            assert refusal.value.code == "records_unavailable"
        database.close()


def test_damage_is_found(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    with closing(connect(path)) as connection, transaction(connection, "BEGIN"):
        for _ in range(2000):
            write_line(connection, "tested", "a test", "a subject")
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 4096)
    with closing(connect(path)) as connection:
        try:
            assert problems(connection)
        except sqlite3.DatabaseError as error:
            assert "malformed" in str(error)


def test_eight_threads_read_and_write_at_once(tmp_path: Path, screener: Screener) -> None:
    records, refused, each = Records(tmp_path), screener.screen(b""), 12
    missing: list[str] = []

    def work(name: int) -> None:
        seen = 0
        for turn in range(each):
            own = f"{name}-{turn}"
            records.add(_renamed(refused, own), Patient(str(name)))
            if records.get(own) is None or (count := records.count()) <= seen:
                missing.append(own)
            seen = count

    def _renamed(screening: Any, name: str) -> Any:
        return type(screening)(**{**vars(screening), "id": name})

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missing == []
    stored = records.recent(1000)
    assert [record["number"] for record in stored] == list(range(8 * each, 0, -1))
    assert {record["id"] for record in stored} == {
        f"{n}-{t}" for n in range(8) for t in range(each)
    }
    records.close()


def test_a_reader_sees_one_moment_while_another_writes(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with database.read() as reader:
        before = reader.execute("SELECT COUNT(*) FROM audit").fetchone()
        with database.write() as writer:
            write_line(writer, "tested", "a test")
        assert reader.execute("SELECT COUNT(*) FROM audit").fetchone() == before == (0,)
    assert len(read_lines(database, 10)) == 1
    database.close()


def test_a_full_disk_refuses_keeps_and_recovers(
    tmp_path: Path, keep: Callable[..., Any], screener: Screener
) -> None:
    first = keep("K-9")
    small = Records(Database(tmp_path, max_pages=60))
    stored = 1
    with pytest.raises(RecordsUnavailable) as refusal:
        for _ in range(1000):
            small.add(screener.screen(b""), Patient())
            stored += 1
    assert refusal.value.code == "disk_full"
    assert "room" in refusal.value.message
    assert small.count() == len(small.recent(1000)) == stored > 1
    assert small.get(first["id"]) == {**first, "attention": None}

    with small.database.write() as connection:  # space is made
        connection.execute("DELETE FROM screenings WHERE number > 1")
    small.add(screener.screen(b""), Patient())
    assert small.count() == 2
    small.close()


TAKE_IT_ALONE = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], timeout=0).execute("PRAGMA journal_mode = DELETE")
"""


def test_one_more_connection_takes_no_lock_from_the_others(tmp_path: Path) -> None:
    """A process loses its POSIX locks on a file as soon as it closes any handle of that file."""
    database = Database(tmp_path)
    with database.read(), database.read(), database.read():
        pass
    command = [sys.executable, "-c", TAKE_IT_ALONE, str(database.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "database is locked" in done.stderr
    database.close()
    assert subprocess.run(command, check=False).returncode == 0


FULL_DISK = """
import os, sys
from pathlib import Path
from edge.audit import read_lines, write_line
from edge.database import Database
from edge.errors import RecordsUnavailable

folder, filler = Path(sys.argv[1]), Path(sys.argv[1], "filler")

def add(database):
    with database.write() as connection:
        write_line(connection, "tested", "a test", filling="x" * 20_000)

def refused(database):
    try:
        add(database)
    except RecordsUnavailable as refusal:
        assert refusal.code == "disk_full", refusal.message
        return True
    return False

def fill():
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass

database = Database(folder)
for _ in range(5):
    add(database)
fill()
written = 5
while not refused(database):  # into what the file had taken before
    written += 1
assert len(read_lines(database, 1000)) == written
filler.unlink()
add(database)
database.close()

fill()  # and now the kiosk starts on a disk that is full
database = Database(folder)
assert refused(database)
for _ in range(2):
    assert len(read_lines(database, 1000)) == written + 1
filler.unlink()
add(database)
assert len(read_lines(database, 1000)) == written + 2
database.close()
print("recovered")
"""


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    own_disk = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=1m none {tmp_path}"
    if (
        shutil.which("unshare") is None
        or subprocess.run([*own_disk, mount], check=False).returncode
    ):
        pytest.skip("this system gives no user a file system of their own")
    program = tmp_path.parent / f"{tmp_path.name}.py"
    program.write_text(FULL_DISK, encoding="utf-8")
    done = subprocess.run(
        [*own_disk, f"{mount} && exec {sys.executable} {program} {tmp_path}"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "recovered", done.stderr
