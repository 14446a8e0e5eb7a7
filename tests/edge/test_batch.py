"""A folder of films, screened by the real command: killed, resumed, and read by a spreadsheet."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import edge
from edge.artifact import Artifact
from edge.batch import COLUMNS, HEADER, list_files
from edge.batch_workers import WINDOW, Setting, screen_files
from edge.database import Database
from edge.errors import PneumoKioskError
from edge.operating import OperatingChoice, choose, manifest_choice
from edge.phantom import phantom_png
from edge.provenance import manifest_hash
from edge.screening import OUTCOMES

CHANGES_FROM_RUN_TO_RUN = {"time", "id", "decode_ms", "preprocess_ms", "inference_ms", "total_ms"}


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "edge", "batch", *map(str, arguments)]


def _batch(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(*arguments), capture_output=True, text=True, check=False)


def _rows(path: Path) -> list[dict[str, str]]:
    text = path.read_bytes().decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def _lasting(path: Path) -> list[dict[str, str]]:
    """What a table says, without what differs from one run to another."""
    return [
        {column: cell for column, cell in row.items() if column not in CHANGES_FROM_RUN_TO_RUN}
        for row in _rows(path)
    ]


def _waited(until: Callable[[], bool]) -> None:
    for _ in range(6000):
        if until():
            return
        time.sleep(0.01)
    pytest.fail("it did not come in a minute")


@pytest.fixture(autouse=True)
def no_kiosk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thresholds are the artifact's, whatever kiosk whoever runs the tests has."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def film() -> bytes:
    return phantom_png(side=256)


@pytest.fixture
def folder(tmp_path: Path, film: bytes) -> Path:
    """Five films, one of them twice as deep, and a text."""
    folder = tmp_path / "films"
    (folder / "b" / "deep").mkdir(parents=True)
    for number, name in enumerate(["c.png", "b/film", "b/deep/d.jpg", "a.png", "b.png"]):
        (folder / name).write_bytes(phantom_png(number, side=256))
    (folder / "b" / "notes.png").write_text("no image", encoding="utf-8")
    return folder


IN_ORDER = ["a.png", "b/deep/d.jpg", "b/film", "b/notes.png", "b.png", "c.png"]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "results.csv"


def test_every_file_is_one_line_whatever_it_is_called(folder: Path, out: Path) -> None:
    done = _batch(folder, "--out", out)
    assert done.returncode == 1, done.stderr
    assert edge.STANDING_SENTENCE in done.stdout
    rows = _rows(out)
    assert [row["file"] for row in rows] == IN_ORDER
    assert [row["number"] for row in rows] == list("123456")
    assert all(list(row) == list(COLUMNS) for row in rows)
    assert all(row["outcome"] in OUTCOMES for row in rows)
    assert all(row["notice"] == edge.STANDING_SENTENCE for row in rows)
    refused = rows[3]
    assert (refused["outcome"], refused["score"]) == ("refused", "")
    assert refused["reasons"].startswith("unsupported_format: ")
    assert not out.with_name("results.csv.part").exists()


def test_two_processes_say_what_one_says(folder: Path, out: Path, tmp_path: Path) -> None:
    other = tmp_path / "two.csv"
    _batch(folder, "--out", out)
    done = _batch(folder, "--out", other, "--jobs", 2)
    assert done.returncode == 1, done.stderr
    assert _lasting(other) == _lasting(out)


def test_json_is_printed_line_by_line(folder: Path, out: Path) -> None:
    done = _batch(folder, "--out", out, "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["file"] for one in found] == IN_ORDER
    assert found[3]["reasons"][0]["code"] == "unsupported_format"
    assert [one["id"] for one in found] == [row["id"] for row in _rows(out)]


def test_what_is_done_is_done_once(folder: Path, out: Path) -> None:
    first = _batch(folder, "--out", out)
    table = out.read_bytes()
    again = _batch(folder, "--out", out)
    assert again.returncode == first.returncode
    assert "All done before" in again.stdout
    assert out.read_bytes() == table
    anew = _batch(folder, "--out", out, "--restart")
    assert anew.returncode == first.returncode
    assert out.read_bytes() != table  # other ids
    (folder / "z.png").write_bytes(b"")
    more = _batch(folder, "--out", out)
    assert more.returncode == 2
    assert "(folder_changed)" in more.stderr


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_run_goes_on_where_it_was(
    tmp_path: Path, film: bytes, out: Path, jobs: int
) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number:03}").write_bytes(film)
    part = out.with_name("results.csv.part")
    with subprocess.Popen(_command(folder, "--out", out, "--jobs", jobs)) as process:
        _waited(lambda: part.exists() and part.read_bytes().count(b"\n") > 20)
        process.send_signal(signal.SIGKILL)
    kept = part.read_bytes()
    whole = kept[: kept.rindex(b"\n") + 1]
    assert 20 < whole.count(b"\n") < 401
    assert not out.exists()
    done = _batch(folder, "--out", out, "--jobs", 2)
    assert done.returncode in (0, 1), done.stderr
    assert out.read_bytes().startswith(whole)
    assert [row["file"] for row in _rows(out)] == [f"{number:03}" for number in range(400)]
    assert not part.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda table: table[:-10],
        lambda table: table[:-1],
        lambda table: table[: len(HEADER.encode()) + 5],
        lambda table: table[: len(HEADER.encode())],
        lambda table: table[:7],
        lambda table: b"",
        lambda table: table[:-200] + bytes(200),
        lambda table: table + bytes(4096),
        lambda table: table + b'"\xff',
    ],
)
def test_a_torn_end_is_cut_off(
    folder: Path, out: Path, damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    whole = tmp_path / "whole.csv"
    _batch(folder, "--out", whole)
    out.with_name("results.csv.part").write_bytes(damage(whole.read_bytes()))
    done = _batch(folder, "--out", out)
    assert done.returncode == 1, done.stderr
    assert _lasting(out) == _lasting(whole)


def test_another_model_does_not_go_on(
    folder: Path, out: Path, artifact: Artifact, tmp_path: Path
) -> None:
    _batch(folder, "--out", out)
    part = out.rename(out.with_name("results.csv.part"))
    begun = part.read_bytes()
    other = Path(shutil.copytree(artifact.folder, tmp_path / "other"))
    manifest = (other / "manifest.json").read_bytes()
    (other / "manifest.json").write_bytes(manifest + b" ")  # the same content, another file
    for arguments in (("--artifact", other), ("--variant", "fp32")):
        done = _batch(folder, "--out", out, *arguments)
        assert done.returncode == 2
        assert "(other_model)" in done.stderr
        assert "--restart" in done.stderr
        assert part.read_bytes() == begun
    assert _batch(folder, "--out", out, "--artifact", other, "--restart").returncode == 1
    assert len(_rows(out)) == len(IN_ORDER)


def test_thresholds_are_those_that_the_kiosk_has_chosen(
    folder: Path, out: Path, artifact: Artifact, tmp_path: Path
) -> None:
    kiosk, model = tmp_path / "kiosk", manifest_hash(artifact)
    kiosk.mkdir()
    with contextlib.closing(Database(kiosk)) as database:
        choose(database, OperatingChoice("local", 1.0, 0.0, "a test", model), "me")
    part = out.with_name("results.csv.part")
    _batch(folder, "--out", out)
    out.rename(part)
    changed = _batch(folder, "--out", out, "--data-dir", kiosk)
    assert changed.returncode == 2
    assert "(other_model)" in changed.stderr
    done = _batch(folder, "--out", out, "--data-dir", kiosk, "--restart")
    assert "Refer from 1.000, uncertain from 0.000 (local)." in done.stdout
    assert {row["operating_point"] for row in _rows(out)} == {"local"}
    assert {row["threshold"] for row in _rows(out)} == {"1.0"}
    assert {row["outcome"] for row in _rows(out)} == {"uncertain", "refused"}
    nowhere = _batch(folder, "--out", tmp_path / "other.csv", "--data-dir", tmp_path / "nowhere")
    assert nowhere.returncode == 2
    assert "(no_records)" in nowhere.stderr
    assert not (tmp_path / "nowhere").exists()


def test_wrong_use_is_told_with_a_code(folder: Path, out: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden").write_bytes(b"")
    mine = tmp_path / "mine.csv"
    mine.write_text("name,age\n", encoding="utf-8")
    for arguments, code in (
        ((tmp_path / "missing", "--out", out), "folder_unreadable"),
        ((mine, "--out", out), "folder_unreadable"),
        ((tmp_path / "empty", "--out", out), "folder_empty"),
        ((folder, "--out", tmp_path / "missing" / "r.csv"), "cannot_write"),
        ((folder, "--out", folder), "cannot_write"),
        ((folder, "--out", mine), "out_is_other"),
        ((folder, "--out", mine, "--restart"), "out_is_other"),
        ((folder, "--out", out, "--variant", "int3"), "unknown_variant"),
        ((folder, "--out", out, "--artifact", tmp_path), "manifest_missing"),
    ):
        done = _batch(*arguments)
        assert (done.returncode, f"({code})" in done.stderr) == (2, True), done.stderr
    assert mine.read_text(encoding="utf-8") == "name,age\n"


def test_all_screened_is_success_or_the_gates_say_why_not(folder: Path, out: Path) -> None:
    (folder / "b" / "notes.png").unlink()
    done = _batch(folder, "--out", out)
    refused = [row for row in _rows(out) if row["outcome"] == "refused"]
    assert done.returncode == (1 if refused else 0), done.stderr


def test_no_file_name_is_a_formula_or_a_second_line(tmp_path: Path, out: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    for name in (
        b"=1+1",
        b"+1.png",
        b"a\r\nb",
        b"\xff.png",
        b'x,"y',
        b" @SUM(A1)",
        "\u202eé".encode(),
    ):
        Path(os.fsdecode(bytes(folder) + b"/" + name)).write_bytes(b"")
    done = _batch(folder, "--out", out)
    assert done.returncode == 1, done.stderr
    assert sorted(row["file"] for row in _rows(out)) == sorted(
        ["'=1+1", "'+1.png", "a\\r\\nb", "\\udcff.png", 'x,"y', "' @SUM(A1)", "\\u202eé"]
    )
    assert out.read_bytes().count(b"\n") == 8
    assert "All done before" in _batch(folder, "--out", out).stdout


def test_the_table_is_no_film(folder: Path) -> None:
    out = folder / "b" / "results.csv"
    for _ in range(2):
        _batch(folder, "--out", out)
        assert [row["file"] for row in _rows(out)] == IN_ORDER


def test_links_lead_nowhere(folder: Path, tmp_path: Path, film: bytes) -> None:
    (tmp_path / "secret.png").write_bytes(film)
    (folder / "out of it.png").symlink_to(tmp_path / "secret.png")
    (folder / "up").symlink_to(tmp_path)
    (folder / "round").symlink_to(folder)
    (folder / "broken").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    listed = [path.relative_to(folder).as_posix() for path in list_files(folder)]
    assert listed == IN_ORDER
    (tmp_path / "by link").symlink_to(folder)
    assert len(list(list_files(tmp_path / "by link"))) == len(IN_ORDER)


def test_a_missing_folder_is_told_at_the_first_file(tmp_path: Path) -> None:
    with pytest.raises(PneumoKioskError, match="cannot be read"):
        next(list_files(tmp_path / "missing"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_process_costs_one_line(
    folder: Path, artifact: Artifact, film: bytes, jobs: int
) -> None:
    """The films behind the one that was being screened are screened by another process."""
    names = [folder / f"{number:03}" for number in range(40)]
    for name in names:
        name.write_bytes(film)
    names[20].unlink()
    os.mkfifo(names[20])  # whoever screens it waits for its content
    choice = manifest_choice(artifact.manifest, manifest_hash(artifact))
    screened = screen_files(names, Setting(folder, artifact, choice), jobs)
    lines = [next(screened).line for _ in range(20)]
    writer = _opened_when_read(names[20])
    for child in _children():
        os.kill(child, signal.SIGKILL)
    lines += [one.line for one in screened]
    os.close(writer)
    rows = list(csv.DictReader(lines, COLUMNS))
    assert [row["file"] for row in rows] == [name.name for name in names]
    died = [row["file"] for row in rows if row["reasons"].startswith("worker_died: ")]
    assert "020" in died
    assert len(died) <= jobs


def _opened_when_read(pipe: Path) -> int:
    """A named pipe's end for writing, as soon as another process has opened the other one."""
    opened: list[int] = []

    def reader_is_there() -> bool:
        with contextlib.suppress(OSError):
            opened.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(opened)

    _waited(reader_is_there)
    return opened[0]


def _children() -> list[int]:
    """Processes that this one started to screen."""
    import multiprocessing

    return [child.pid for child in multiprocessing.active_children() if child.pid]


def test_what_is_in_flight_is_bounded(folder: Path, artifact: Artifact) -> None:
    """However many files there are, only so many are taken before the first line is out."""
    taken = 0

    def endless() -> Iterator[Path]:
        nonlocal taken
        while True:
            taken += 1
            yield folder / "a.png"

    choice = manifest_choice(artifact.manifest, manifest_hash(artifact))
    screened = screen_files(endless(), Setting(folder, artifact, choice), jobs=2)
    for number in range(1, 200):
        next(screened)
        assert taken <= number + 2 * WINDOW
    screened.close()  # type: ignore[attr-defined]
    assert not _children()


def test_two_batches_do_not_write_one_table(folder: Path, out: Path, film: bytes) -> None:
    for number in range(300):
        (folder / f"{number:03}").write_bytes(film)
    part = out.with_name("results.csv.part")
    with subprocess.Popen(_command(folder, "--out", out)) as process:
        _waited(lambda: part.exists() and part.read_bytes().count(b"\n") > 2)
        process.send_signal(signal.SIGSTOP)
        done = _batch(folder, "--out", out)
        process.kill()
    assert done.returncode == 2
    assert "(batch_running)" in done.stderr
