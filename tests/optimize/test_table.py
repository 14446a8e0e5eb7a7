"""All variants and the full network in one table, on the same films and in the same run."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.errors import DataRefused
from optimize.artifact import Samples
from optimize.table import REFERENCE, compare_variants
from optimize.tflite import convert
from optimize.variants import Variant
from train.splits import load_training_data
from train.weights import Weights

NAMES = [REFERENCE, "fp32", "int8"]


@pytest.fixture(scope="module")
def full(tiny_weights: Weights, make_weights: Callable[..., Weights]) -> Weights:
    config = replace(tiny_weights.recipe.network, width=8)
    return replace(make_weights(config, 4), sha256="ef" * 32)


@pytest.fixture(scope="module")
def variants(tiny_weights: Weights, tiny_samples: Samples) -> list[Variant]:
    return [
        Variant("fp32", tiny_weights, convert(tiny_weights)),
        Variant("int8", tiny_weights, convert(tiny_weights, tiny_samples.calibration)),
    ]


def compared(
    full: Weights, variants: list[Variant], data: Path, split: str, out: Path
) -> dict[str, Any]:
    return compare_variants(
        full, variants, data, split, out, rounds=4, resamples=40, progress=False
    )


@pytest.fixture(scope="module")
def out(
    full: Weights, variants: list[Variant], chest_xray: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:  # fmt: skip
    folder = tmp_path_factory.mktemp("compared") / "table"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["/usr/bin/pneumokiosk-optimize", "run", "a recipe"])
        table = compared(full, variants, chest_xray, "validation", folder)
    assert json.loads((folder / "table.json").read_text(encoding="utf-8")) == table
    return folder


@pytest.fixture(scope="module")
def table(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "table.json").read_text(encoding="utf-8"))
    return found


def test_the_full_network_is_the_first_row(table: dict[str, Any]) -> None:
    assert [row["name"] for row in table["variants"]] == NAMES
    first = table["variants"][0]
    assert first["auc_difference"]["value"] == 0
    assert first["changed"] == []
    assert first["latency"]["1"]["times_faster"]["value"] == 1


def test_films_are_those_of_validation_patients(
    table: dict[str, Any], tiny_weights: Weights, chest_xray: Path
) -> None:
    recipe = tiny_weights.recipe
    images = load_training_data(
        chest_xray, recipe.validation_fraction, recipe.split_seed, progress=False
    )
    assert table["images"] == len(images.validation.samples)
    assert table["positives"] == int(images.validation.labels.sum())
    assert table["split"] == "validation"
    assert "held-out patients" in table["data"]


def test_a_row_holds_every_figure(table: dict[str, Any], out: Path) -> None:
    for row in table["variants"]:
        assert row["partitions"] == 1
        assert 0 < row["compressed_bytes"] < row["bytes"]
        for threads in ("1", "2"):
            latency = row["latency"][threads]
            assert latency["p50_ms"] > 0
            assert latency["times_faster"]["low"] <= latency["times_faster"]["high"]
        assert {"auc", "specificity_at_recall_0.967"} <= row["evaluation"]["figures"].keys()
        scores = (out / row["scores"]).read_text(encoding="utf-8").splitlines()
        assert len(scores) == table["images"]


def test_it_says_how_it_was_made(table: dict[str, Any]) -> None:
    assert (table["rounds"], table["resamples"], table["seed"]) == (4, 40, 0)
    assert table["machine"]["processor"]
    assert {"ai-edge-litert", "tensorflow"} <= table["machine"]["packages"].keys()
    assert table["command"] == "pneumokiosk-optimize run 'a recipe'"


def test_every_single_time_is_kept(out: Path) -> None:
    text = (out / "latency.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    keys = {(line["variant"], line["threads"], line["round"]) for line in lines}
    assert len(keys) == len(lines) == len(NAMES) * 2 * 4
    assert all(line["ms"] > 0 for line in lines)


def test_markdown_and_plot_show_every_variant(out: Path) -> None:
    text = (out / "table.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    for name in NAMES:
        (row,) = [line for line in rows if line.startswith(f"| {name} |") and "%" not in line][:1]
        assert row.count("|") == rows[0].count("|")
    plot = (out / "pareto.svg").read_text(encoding="utf-8")
    assert all(f"  {name} -->" in plot for name in NAMES)


def test_a_second_run_asks_nobody_again(
    full: Weights, variants: list[Variant], chest_xray: Path, out: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "table"
    shutil.copytree(out, copy)
    kept = {path: path.stat().st_mtime_ns for path in [*copy.glob("full*"), *copy.glob("scores/*")]}
    again = compared(full, variants, chest_xray, "validation", copy)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert {*copy.glob("full*"), *copy.glob("scores/*")} == kept.keys()
    before = json.loads((out / "table.json").read_text(encoding="utf-8"))
    for row, old in zip(again["variants"], before["variants"], strict=True):
        assert {**row, "latency": None} == {**old, "latency": None}


def test_the_test_folder_is_another_split(
    full: Weights, variants: list[Variant], chest_xray: Path, tmp_path: Path
) -> None:
    drawn = tmp_path / "drawn"
    shutil.copytree(chest_xray / "train", drawn / "test")
    other = replace(variants[0].weights.recipe, split_seed=9)
    moved = replace(variants[0], weights=replace(variants[0].weights, recipe=other))
    table = compared(full, [moved], drawn, "test", tmp_path / "out")
    assert (table["split"], table["images"], table["positives"]) == ("test", 24, 12)


def test_other_validation_patients_are_refused(
    full: Weights, variants: list[Variant], chest_xray: Path, tmp_path: Path
) -> None:
    other = replace(variants[0].weights.recipe, split_seed=9)
    moved = replace(variants[0], weights=replace(variants[0].weights, recipe=other))
    with pytest.raises(DataRefused) as refusal:
        compared(full, [moved], chest_xray, "validation", tmp_path / "out")
    assert refusal.value.code == "other_patients"
    assert not (tmp_path / "out").exists()


def test_a_variant_may_not_take_the_name_of_the_full_network(
    full: Weights, variants: list[Variant], chest_xray: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataRefused) as refusal:
        named = replace(variants[0], name=REFERENCE)
        compared(full, [named], chest_xray, "validation", tmp_path / "out")
    assert refusal.value.code == "same_name"
