"""Kiosks that are really broken, each in one way: the check that is made for it tells."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.kiosk.check import Plan
from bench.kiosk.damage import sound_files
from bench.kiosk.drawings import full_size
from bench.kiosk.running import Answer, Kiosks, RunningKiosk
from bench.kiosk.suite import CHECKS, run_checks
from bench.kiosk.verdict import score_kiosk
from bench.samples import Recorder
from edge.errors import WorkFailed
from edge.records import DATABASE
from edge.settings import FILE

PLAN = Plan(
    *full_size(), starts=1, requests=2, clients=3, films=4, uploads=9, screenings=8, kills=2,
    mutants=6, bits=2,
)  # fmt: skip


class Broken(Kiosks):
    """Changes a kiosk that has started, and its folder once it has ended."""

    def __init__(
        self,
        change: Callable[[RunningKiosk], object] = lambda kiosk: None,
        afterwards: Callable[[Path], object] = lambda folder: None,
    ) -> None:
        super().__init__()
        self._change, self._afterwards = change, afterwards

    @contextmanager
    def start(
        self,
        folder: Path,
        artifact: Path | None = None,
        within: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[RunningKiosk]:
        # Whatever artifact is asked for, it runs its own.
        with super().start(folder, None, within, environment) as kiosk:
            self._change(kiosk)
            yield kiosk
        self._afterwards(folder)


def rows_of(name: str, kiosks: Kiosks) -> list[dict[str, Any]]:
    settings = {"checks": [name], "quick": False, "films_are": "drawn", "artifact": "as shipped"}
    header = {"kind": "kiosk", "format": 1, "settings": settings, "machine": {}}
    recorder = Recorder([header])
    run_checks(recorder, kiosks, PLAN, [CHECKS[name]], progress=False)
    return list(score_kiosk(recorder.lines)["rows"])


@pytest.mark.parametrize(
    "name", ["ready", "speed", "crowd", "memory", "power-cut", "mutants", "full-disk"]
)
def test_a_kiosk_without_a_model_stands_nothing(name: str) -> None:
    rows = rows_of(name, Kiosks(Path("nowhere")))
    found = {row["met"] for row in rows}
    assert False in found or (name == "full-disk" and found == {None}), rows


def test_a_kiosk_that_takes_a_changed_artifact() -> None:
    (row,) = rows_of("flipped-bits", Broken())
    assert (row["met"], row["figures"]) == (False, {"refusals": 0, "bits": 2})


def mix_up(kiosk: RunningKiosk) -> None:
    """One of the crowd gets the answer that the very first film got."""
    screen, answers, number = kiosk.screen, list[Answer](), itertools.count()

    def screen_mixed(data: bytes, **patient: str) -> Answer:
        answers.append(answer := screen(data, **patient))
        return answers[0] if next(number) == PLAN.films + 3 else answer

    kiosk.screen = screen_mixed  # type: ignore[method-assign]


def test_a_kiosk_that_mixes_up_an_answer() -> None:
    rows = rows_of("crowd", Broken(mix_up))
    assert [row["met"] for row in rows] == [False, False]
    assert rows[0]["figures"]["mixed_up"] == 1


def crash(kiosk: RunningKiosk) -> None:
    """At the third damaged file; a sound one of each format comes before them."""
    screen, number = kiosk.screen, itertools.count()

    def screen_or_crash(data: bytes, **patient: str) -> Answer:
        if next(number) == len(sound_files()) + 2:
            kiosk.kill()
        return screen(data, **patient)

    kiosk.screen = screen_or_crash  # type: ignore[method-assign]


def test_a_kiosk_that_a_damaged_file_ends() -> None:
    (row,) = rows_of("mutants", Broken(crash))
    assert row["met"] is False
    assert "Mutant 2 ended it" in row["value"]


def overwrite(folder: Path) -> None:
    for path in folder.glob(f"{DATABASE}*"):
        path.write_bytes(bytes(range(256)) * 100)


def forget(folder: Path) -> None:
    for path in folder.glob(f"{DATABASE}*"):
        path.unlink()


@pytest.mark.parametrize("harm", [overwrite, forget])
def test_a_kiosk_whose_records_a_kill_harms(harm: Callable[[Path], object]) -> None:
    (row,) = rows_of("power-cut", Broken(afterwards=harm))
    assert row["met"] is False, row


def test_a_kiosk_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("port = 'none'\n", encoding="utf-8")
    with pytest.raises(WorkFailed, match="settings_invalid"), Kiosks().start(tmp_path):
        pass


def test_a_full_disk_is_not_measured_where_none_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (row,) = rows_of("full-disk", Kiosks())
    assert (row["met"], "unshare" in row["value"]) == (None, True)
