"""Whoever verifies an artifact is told whether it computes here what it has to."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge.artifact import DEFAULT_ARTIFACT, MANIFEST, Artifact
from edge.errors import ArtifactRefused
from edge.verification import verify_artifact

SHIPPED = sorted(path for path in DEFAULT_ARTIFACT.parent.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda path: path.name)
def test_what_comes_with_the_kiosk_is_whole(folder: Path) -> None:
    found = verify_artifact(folder)
    assert found["status"] == "ok"
    assert found["self_test"]["status"] == "passed"
    assert all(0 <= seen["demonstration_score"] <= 1 for seen in found["variants"].values())
    json.dumps(found, allow_nan=False)


@pytest.fixture
def folder(artifact: Artifact, tmp_path: Path) -> Path:
    return Path(shutil.copytree(artifact.folder, tmp_path / "artifact"))


def test_one_variant_of_other_scores_is_refused(artifact: Artifact, folder: Path) -> None:
    tests = artifact.manifest.self_test
    assert tests is not None
    wrong = tuple(replace(drawn, score=0.5) for drawn in tests["int8"])
    manifest = replace(artifact.manifest, self_test={**tests, "int8": wrong})
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    with pytest.raises(ArtifactRefused) as refusal:
        verify_artifact(folder)
    assert refusal.value.code == "self_test_failed"
    assert "int8" in refusal.value.message


def test_an_artifact_without_drawings_is_whole(artifact: Artifact, folder: Path) -> None:
    manifest = replace(artifact.manifest, self_test=None)
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    found = verify_artifact(folder)
    assert found["self_test"]["status"] == "not_available"
    assert set(found["variants"]) == set(manifest.variants)
