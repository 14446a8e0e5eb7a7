"""A backup is whole, checked, and can be made while the kiosk works; a restore loses nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge import occupancy
from edge.accounts import Accounts
from edge.audit import read_lines
from edge.backup import Backup, back_up, last_backup, newest_backup
from edge.database import DATABASE, Database, problems
from edge.errors import RecordsUnavailable
from edge.records import Records
from edge.restore import restore

Keep = Callable[..., Any]


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The data folder of another kiosk."""
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def _code(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(RecordsUnavailable) as refusal:
        call(*arguments)
    return refusal.value.code


def _ids(folder: Path) -> list[str]:
    records = Records(folder)
    ids = [record["id"] for record in records.recent(1000)]
    records.close()
    return ids


def _backed_up(records: Records, stick: Path) -> Backup:
    return back_up(records.database, stick, "a test")


def test_a_backup_is_one_whole_file(records: Records, keep: Keep, stick: Path) -> None:
    ids = [keep("K-9")["id"] for _ in range(3)]
    made = _backed_up(records, stick)
    assert list(stick.iterdir()) == [made.path]
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert (made.screenings, made.bytes) == (3, made.path.stat().st_size)
    with closing(sqlite3.connect(made.path)) as copy:
        assert problems(copy) == ()
        assert [row[0] for row in copy.execute("SELECT id FROM screenings ORDER BY number")] == ids
    assert list(stick.iterdir()) == [made.path]


def test_a_backup_is_told_of_in_the_audit(records: Records, keep: Keep, stick: Path) -> None:
    keep()
    assert last_backup(records.database) is None
    made = _backed_up(records, stick)
    assert last_backup(records.database) == made.time
    (line,) = read_lines(records.database, 9)
    assert (line.action, line.who, line.subject) == ("backed_up", "a test", str(made.path))


def test_the_newest_backup_holds_the_latest_screening(
    records: Records, keep: Keep, stick: Path
) -> None:
    assert _code(newest_backup, stick) == "no_backup"
    keep()
    first = _backed_up(records, stick)
    keep()
    second = _backed_up(records, stick)
    os.utime(second.path, (0, 0))  # whatever the clock said
    assert newest_backup(stick) == second.path != first.path


def test_a_backup_made_while_the_kiosk_writes_is_of_one_moment(
    records: Records, keep: Keep, stick: Path
) -> None:
    keep()
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            keep()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        backups = [_backed_up(records, stick) for _ in range(3)]
    finally:
        done.set()
        writer.join()
    for made in backups[-1:]:
        with closing(sqlite3.connect(made.path)) as copy:
            assert problems(copy) == ()
            count, last = copy.execute("SELECT COUNT(*), MAX(number) FROM screenings").fetchone()
        assert count == last == made.screenings


def test_what_cannot_be_backed_up_is_refused(
    records: Records, keep: Keep, stick: Path, other: Path
) -> None:
    assert _code(back_up, Database(other), stick, "a test") == "no_records"
    keep()
    assert _code(back_up, records.database, stick / "unplugged", "a test") == "backup_folder"
    assert _code(back_up, records.database, stick / ("x" * 5000), "a test") == "backup_folder"
    assert list(stick.iterdir()) == list(other.iterdir()) == []
    assert read_lines(records.database, 9) == ()


def test_a_folder_that_cannot_be_written_is_refused(records: Records, keep: Keep) -> None:
    keep()
    folder = Path("/proc/self")  # not even root makes files there
    if not folder.is_dir():
        pytest.skip("this system has no folder that nobody can write")
    assert _code(back_up, records.database, folder, "a test") == "backup_failed"
    assert last_backup(records.database) is None


def test_a_restore_brings_the_records_to_a_new_kiosk(
    records: Records, keep: Keep, stick: Path, other: Path
) -> None:
    ids = [keep()["id"] for _ in range(3)][::-1]
    made = _backed_up(records, stick)
    done = restore(stick, other, "a test")
    assert (done.source, done.kept, done.screenings) == (made.path, None, 3)
    assert _ids(other) == ids
    assert made.path.exists()
    database = Database(other)
    assert read_lines(database, 1)[0].action == "restored"
    database.close()


def test_a_restore_keeps_the_former_records_aside(
    records: Records, keep: Keep, stick: Path, tmp_path: Path
) -> None:
    first = keep()["id"]
    made = _backed_up(records, stick)
    second = keep()["id"]
    records.close()
    done = restore(made.path, tmp_path, "a test")
    assert _ids(tmp_path) == [first]
    assert done.kept is not None
    again = restore(done.kept, tmp_path, "a test")  # it was the wrong one
    assert _ids(tmp_path) == [second, first]
    assert again.kept not in (None, done.kept)
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {
        DATABASE, done.kept.name, f"{Path(DATABASE).stem}-before-restore-2.sqlite3",
    }  # fmt: skip


@pytest.mark.parametrize("damaged", [b"not a database" * 1000, b""])
def test_a_restore_takes_the_place_of_damaged_records(
    records: Records, keep: Keep, stick: Path, other: Path, damaged: bytes
) -> None:
    ids = [keep()["id"]]
    _backed_up(records, stick)
    (other / DATABASE).write_bytes(damaged)
    (other / f"{DATABASE}-wal").write_bytes(b"left over")
    done = restore(stick, other, "a test")
    assert _ids(other) == ids
    assert done.kept is not None
    assert done.kept.read_bytes() == damaged
    assert done.kept.with_name(done.kept.name + "-wal").read_bytes() == b"left over"


def test_nothing_is_restored_under_a_working_kiosk(
    records: Records, keep: Keep, stick: Path, tmp_path: Path
) -> None:
    keep()
    _backed_up(records, stick)
    assert _code(restore, stick, tmp_path, "a test") == "records_in_use"
    assert keep()["number"] == 2
    records.close()
    with closing(sqlite3.connect(tmp_path / DATABASE)) as someone:  # who knows no such rules
        someone.execute("SELECT * FROM screenings").fetchone()
        someone.execute("INSERT INTO sessions SELECT 1, 1, 1 WHERE FALSE")
        assert _code(restore, stick, tmp_path, "a test") == "records_in_use"
    assert len(_ids(tmp_path)) == 2
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [DATABASE]


def test_nobody_works_in_a_folder_that_is_being_restored(
    records: Records, keep: Keep, tmp_path: Path
) -> None:
    with occupancy.alone(tmp_path):
        assert _code(records.count) == "records_in_use"
        assert _code(keep) == "records_in_use"
    assert keep()["number"] == 1


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "another", "flipped"])
def test_a_damaged_backup_changes_nothing(
    records: Records, keep: Keep, stick: Path, tmp_path: Path, damage: str
) -> None:
    for _ in range(30):
        keep()
    path = _backed_up(records, stick).path
    records.close()
    content = path.read_bytes()
    if damage == "another":
        path.unlink()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE recipes (name)")
    else:
        middle = len(content) // 2
        flipped = content[:middle] + bytes([255] * 4096) + content[middle + 4096 :]
        damages = {"cut": content[:middle], "text": b"text" * 999, "empty": b""}
        path.write_bytes({**damages, "flipped": flipped}[damage])
    before = _ids(tmp_path)
    names = {p.name for p in tmp_path.iterdir()}
    assert _code(restore, stick, tmp_path, "a test") == "backup_damaged"
    assert {p.name for p in tmp_path.iterdir()} == names
    assert _ids(tmp_path) == before


def test_a_backup_that_is_not_there_changes_nothing(tmp_path: Path, stick: Path) -> None:
    assert _code(restore, stick, tmp_path, "a test") == "no_backup"
    assert _code(restore, stick / "none.sqlite3", tmp_path, "a test") == "no_backup"
    assert _code(restore, stick, tmp_path / "absent", "a test") == "no_backup"


def test_sessions_that_ended_since_do_not_come_back(
    records: Records, keep: Keep, stick: Path, tmp_path: Path
) -> None:
    keep()
    accounts = Accounts(records.database, cost=2)
    accounts.set_pin("operator", "271828", "a test")
    token = accounts.sign_in("operator", "271828")
    _backed_up(records, stick)
    accounts.sign_out(token)
    records.close()
    restore(stick, tmp_path, "a test")
    assert accounts.role_of(token) is None
    assert accounts.has_pin("operator")


KILLED = """
import os, signal, sys, threading
from pathlib import Path
from edge.restore import restore
threading.Timer(float(sys.argv[3]), lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
for _ in range(1000):
    restore(Path(sys.argv[1]), Path(sys.argv[2]), "a test")
"""


def test_a_restore_that_is_killed_leaves_whole_records(
    records: Records, keep: Keep, stick: Path, other: Path
) -> None:
    ids = [keep()["id"] for _ in range(3)][::-1]
    made = _backed_up(records, stick)
    restore(stick, other, "a test")
    for delay in (0.03, 0.05, 0.1):
        program = [sys.executable, "-c", KILLED, str(made.path), str(other), str(delay)]
        assert subprocess.run(program, check=False).returncode == -signal.SIGKILL
        assert _ids(other) == ids
        with Database(other).read() as connection:
            assert problems(connection) == ()
