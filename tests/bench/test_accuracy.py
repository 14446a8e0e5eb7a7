"""Accuracy of the shipped artifact on a small data set of synthetic phantoms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.accuracy import compare_variants
from bench.report import accuracy_table
from edge.artifact import OperatingPoint, load_artifact
from edge.errors import DataRefused
from edge.phantom import phantom_png
from edge.screening import Screener


@pytest.fixture
def phantoms(tmp_path: Path) -> Path:
    for name, opacities in (("NORMAL", 0), ("PNEUMONIA", 3)):
        folder = tmp_path / "test" / name
        folder.mkdir(parents=True)
        for i in range(4):
            (folder / f"{name}-{i}.png").write_bytes(phantom_png(i, 256, opacities))
    return tmp_path


def test_every_variant_is_measured_on_every_image(phantoms: Path) -> None:
    artifact = load_artifact()
    comparison = compare_variants(artifact, phantoms)
    assert set(comparison["variants"]) == set(artifact.manifest.variants)
    for evaluation in comparison["variants"].values():
        assert (evaluation["images"], evaluation["positives"]) == (8, 4)
        assert sum(evaluation["confusion"].values()) == 8
        assert sum(evaluation["outcomes"].values()) == 8
        assert 0 <= evaluation["figures"]["auc"]["value"] <= 1
    assert "auc" in accuracy_table(comparison)


def test_outcome_that_depends_on_the_variant_is_listed(phantoms: Path) -> None:
    artifact = load_artifact()
    data = (phantoms / "test" / "NORMAL" / "NORMAL-0.png").read_bytes()
    scores = {v: Screener(artifact, v).screen(data).score or 0.0 for v in artifact.models}
    assert scores["int8"] != scores["fp32"]
    # A threshold that only the higher of the two scores reaches.
    points = (
        OperatingPoint("refer", max(scores.values()), "test", "test"),
        OperatingPoint("uncertain", 0.0, "test", "test"),
    )
    manifest = replace(artifact.manifest, operating_points=points)
    changed = compare_variants(replace(artifact, manifest=manifest), phantoms)["changed"]
    listed = next(c for c in changed if c["file"] == "NORMAL/NORMAL-0.png")
    assert {listed["int8"]["outcome"], listed["fp32"]["outcome"]} == {"refer", "uncertain"}
    assert listed["int8"]["score"] == scores["int8"]


def test_image_that_the_kiosk_refuses_is_named(phantoms: Path) -> None:
    bad = phantoms / "test" / "NORMAL" / "bad.png"
    bad.write_bytes(b"not an image")
    with pytest.raises(DataRefused, match="bad.png") as refusal:
        compare_variants(load_artifact(), phantoms)
    assert refusal.value.code == "refused_image"
