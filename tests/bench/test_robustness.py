"""Films are screened as filed and changed; each answer is kept, whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.changes import CHANGES, COPY, FILED
from bench.contenders import Contenders, choose_contenders, load_artifacts
from bench.films import FilmSet, drawn_films, find_films
from bench.resuming import resumable
from bench.robustness import screen_changed
from bench.robustness_score import SAMPLE, score_robustness
from bench.robustness_table import robustness_table
from bench.samples import samples_of
from edge.phantom import phantom_png

FEW = tuple(c for c in CHANGES if c.name in ("gamma, 0.6", "JPEG, quality 10"))
NAMES = [FILED, COPY, *(change.name for change in FEW)]

Lines = list[dict[str, object]]


@pytest.fixture(scope="module")
def slim() -> dict[int, Contenders]:
    artifacts = load_artifacts([])[1:]
    return {count: choose_contenders(artifacts, None, threads=count) for count in (1, 2)}


def run(slim: dict[int, Contenders], sets: list[FilmSet], path: Path | None = None) -> Lines:
    settings = {
        "sets": [films.describe() for films in sets],
        "quick": False,
        "threads": 2,
        "all_threads": sorted(slim),
        "changes": NAMES,
        "contenders": {each.name: each.describe() for each in slim[2].here},
    }
    contenders = {count: found.here for count, found in slim.items()}
    with resumable(path, "robustness", {}, settings, resume=True) as recorder:
        screen_changed(contenders, 2, sets, recorder, FEW, progress=False)
    return recorder.lines


def test_every_change_threads_and_variant_is_asked_once(slim: dict[int, Contenders]) -> None:
    lines = run(slim, [drawn_films(2, 256)])
    asked = [
        (line["file"], line["change"], line["threads"], line["variant"])
        for line in samples_of(lines, SAMPLE)
    ]
    assert len(asked) == len(set(asked)) == 2 * (len(NAMES) + 1) * 2
    assert {change for _, change, threads, _ in asked if threads == 1} == {FILED}


def test_two_hospitals_have_the_same_report(slim: dict[int, Contenders], tmp_path: Path) -> None:
    ward = tmp_path / "ward"
    ward.mkdir()
    for i in range(4):
        (ward / f"{i}.png").write_bytes(phantom_png(i, 256, 3 * (i % 2)))
    (ward / "bad.png").write_bytes(b"not an image")
    (ward / "films.csv").write_text("file,label\n0.png,0\n1.png,1\n2.png,0\n3.png,1\nbad.png,1\n")
    sets = [find_films(ward), find_films(ward / "films.csv")]
    result = score_robustness(run(slim, sets), resamples=20)
    plain, labelled = result["sets"].values()
    for films in (plain, labelled):
        assert set(films["variants"]) == {"slim, LiteRT fp32", "slim, LiteRT int8"}
        for changes in films["variants"].values():
            assert list(changes) == NAMES
            refused = {film["file"] for film in changes[FILED]["refusals"]["refused"]}
            assert "bad.png" in refused
            assert changes[FILED]["refusals"]["films"] == 5
            assert changes[COPY]["refusals"]["films"] == 4
        for threads in films["between_threads"].values():
            assert list(threads) == ["1"]
        assert films["between_variants"]["slim, LiteRT int8"]["against"] == "slim, LiteRT fp32"
    assert all(row["evaluation"] is None for row in plain["variants"]["slim, LiteRT fp32"].values())
    table = robustness_table(result)
    for text in ("films.csv: 5 films", "JPEG, quality 10", "threads 1 against 2"):
        assert text in table


def test_killed_run_goes_on_where_it_stopped(slim: dict[int, Contenders], tmp_path: Path) -> None:
    path = tmp_path / "robustness.jsonl"
    sets = [drawn_films(2, 256)]
    whole = run(slim, sets, path)
    content = path.read_text().splitlines(keepends=True)
    path.write_text("".join(content[:9]) + content[9][:20])
    assert samples_of(run(slim, sets, path), SAMPLE) == samples_of(whole, SAMPLE)
    assert path.read_text().splitlines()[1:-1] == [line.strip() for line in content[1:-1]]
