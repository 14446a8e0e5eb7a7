"""Variant and threads are chosen by measurement, and what was found is remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import edge.choice
from edge.artifact import DEFAULT_ARTIFACT, Artifact, load_artifact
from edge.choice import CHOICES, MOST_THREADS, Timing, choose
from edge.errors import ArtifactRefused
from edge.processor import cores, processor_name
from edge.readiness import ready_screener


@pytest.fixture(scope="module")
def slim() -> Artifact:
    return load_artifact(DEFAULT_ARTIFACT.parent / "slim")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge.choice, "SECONDS", 0.01)


@pytest.fixture
def variants(slim: Artifact) -> tuple[str, ...]:
    return tuple(sorted(slim.manifest.variants))


def test_every_way_is_timed_once_and_then_remembered(
    slim: Artifact, variants: tuple[str, ...], tmp_path: Path
) -> None:
    first = choose(slim, variants, tmp_path)
    threads = range(1, min(cores(), MOST_THREADS) + 1)
    assert {(t.variant, t.threads) for t in first.timings} == {
        (variant, count) for variant in variants for count in threads
    }
    assert all(timing.milliseconds > 0 for timing in first.timings)
    assert not first.remembered
    second = choose(slim, variants, tmp_path)
    assert second == replace(first, remembered=True)
    assert processor_name() in (tmp_path / CHOICES).read_text(encoding="utf-8")
    assert json.loads(json.dumps(first.to_dict()))["variant"] == first.variant


def test_what_is_set_is_not_measured(
    slim: Artifact, variants: tuple[str, ...], tmp_path: Path
) -> None:
    both = choose(slim, variants, tmp_path, "fp32", 3)
    assert (both.variant, both.threads, both.timings) == ("fp32", 3, ())
    assert not (tmp_path / CHOICES).exists()
    assert choose(slim, variants, tmp_path, variant="fp32").variant == "fp32"
    assert choose(slim, variants, tmp_path, threads=2).threads == 2


def test_only_variants_that_passed_are_timed(slim: Artifact, tmp_path: Path) -> None:
    choice = choose(slim, ("fp32",), tmp_path, threads=1)
    assert (choice.variant, choice.timings) == ("fp32", ())


@pytest.mark.parametrize(
    ("variant", "code"), [("int8", "self_test_failed"), ("int3", "unknown_variant")]
)
def test_a_variant_that_must_not_be_used_is_refused(
    slim: Artifact, tmp_path: Path, variant: str, code: str
) -> None:
    with pytest.raises(ArtifactRefused) as refusal:
        choose(slim, ("fp32",), tmp_path, variant)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "null",
        lambda text: "[[]]",
        lambda text: "[" * 100_000,
        lambda text: '[{"for": {}, "timings": []}]',
        lambda text: text.replace('"milliseconds": ', '"milliseconds": -'),
        lambda text: text.replace('"threads": 1', '"threads": 64'),
    ],
)
def test_a_damaged_file_is_made_anew(
    slim: Artifact, variants: tuple[str, ...], tmp_path: Path, damage: Callable[[str], str]
) -> None:
    choose(slim, variants, tmp_path)
    path = tmp_path / CHOICES
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert not choose(slim, variants, tmp_path).remembered
    assert choose(slim, variants, tmp_path).remembered


def test_another_model_or_processor_is_measured_anew(
    slim: Artifact, variants: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(slim, variants, tmp_path)
    other = replace(slim, manifest_bytes=slim.manifest_bytes + b"\n")
    assert not choose(other, variants, tmp_path).remembered
    assert choose(slim, variants, tmp_path).remembered
    monkeypatch.setattr(edge.choice, "processor_name", lambda: "Another")
    assert not choose(slim, variants, tmp_path).remembered


def test_a_folder_that_cannot_be_written_stops_nothing(
    slim: Artifact, variants: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert choose(slim, variants, tmp_path / "file").timings


@pytest.mark.parametrize(
    ("timings", "expected"),
    [
        ([("fp32", 1, 9.0), ("fp32", 2, 5.0), ("int8", 1, 4.0), ("int8", 2, 2.5)], ("int8", 2)),
        ([("fp32", 1, 2.0), ("fp32", 2, 5.0), ("int8", 1, 4.0), ("int8", 2, 2.5)], ("fp32", 1)),
        ([("fp32", 1, 9.0), ("fp32", 2, 9.0), ("int8", 1, 2.6), ("int8", 2, 2.5)], ("int8", 1)),
        ([("fp32", 1, 2.5), ("fp32", 2, 9.0), ("int8", 1, 2.6), ("int8", 2, 9.0)], ("int8", 1)),
        ([("fp32", 1, 2.6), ("fp32", 2, 9.0), ("int8", 1, 9.0), ("int8", 2, 2.5)], ("fp32", 1)),
    ],
)
def test_near_ties_go_to_fewer_threads_then_to_the_usual_variant(
    slim: Artifact,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    timings: list[tuple[str, int, float]],
    expected: tuple[str, int],
) -> None:
    monkeypatch.setattr(edge.choice, "cores", lambda: 2)
    choose(slim, ("fp32", "int8"), tmp_path)
    path = tmp_path / CHOICES
    entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    entries[0]["timings"] = [vars(Timing(*timing)) for timing in timings]
    path.write_text(json.dumps(entries), encoding="utf-8")
    choice = choose(slim, ("fp32", "int8"), tmp_path)
    assert choice.remembered
    assert (choice.variant, choice.threads) == expected


def test_a_screener_is_made_ready(slim: Artifact, tmp_path: Path, png: bytes) -> None:
    screener, self_test, choice = ready_screener(slim, tmp_path, "auto", 0)
    assert self_test.passed
    assert screener.model_identity["variant"] == choice.variant
    assert screener.screen(png).score is not None
    set_screener, _, set_choice = ready_screener(slim, tmp_path, "fp32", 1)
    assert set_screener.model_identity["variant"] == set_choice.variant == "fp32"


def test_a_variant_that_fails_is_passed_over(slim: Artifact, tmp_path: Path) -> None:
    broken = replace(slim, models={**slim.models, "int8": b"no model" * 100})
    screener, self_test, choice = ready_screener(broken, tmp_path)
    assert self_test.usable == ("fp32",)
    assert screener.model_identity["variant"] == choice.variant == "fp32"
