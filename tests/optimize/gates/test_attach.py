"""An artifact gets gates; nothing else of it changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.artifact import DEFAULT_ARTIFACT, load_artifact
from edge.errors import ArtifactRefused, DataRefused
from edge.quality import Gates
from edge.screening import Screener
from edge.signature import SIGNATURE
from optimize.gates.attach import add_gates, read_gates


@pytest.fixture
def gates_file(fitted: Gates, tmp_path: Path) -> Path:
    path = tmp_path / "gates.json"
    path.write_text(json.dumps({**fitted.to_dict(), "measured": {}}), encoding="utf-8")
    return path


def test_an_artifact_gets_gates(gates_file: Path, tmp_path: Path) -> None:
    before = load_artifact(DEFAULT_ARTIFACT)
    manifest = add_gates(DEFAULT_ARTIFACT, gates_file, tmp_path / "gated")
    after = load_artifact(tmp_path / "gated")
    assert after.manifest == manifest
    assert after.manifest.gates == read_gates(gates_file)
    assert after.models == before.models
    assert after.manifest.files == before.manifest.files
    Screener(after)


def test_gates_can_be_exchanged(gates_file: Path, tmp_path: Path) -> None:
    add_gates(DEFAULT_ARTIFACT, gates_file, tmp_path / "first")
    add_gates(tmp_path / "first", gates_file, tmp_path / "second")
    names = {path.name for path in (tmp_path / "second").iterdir()}
    assert names == {"manifest.json", *load_artifact(tmp_path / "first").manifest.files}
    assert SIGNATURE not in names


def test_what_is_there_is_not_overwritten(gates_file: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(DataRefused) as refusal:
        add_gates(DEFAULT_ARTIFACT, gates_file, tmp_path / "out")
    assert refusal.value.code == "out_exists"


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"description": "another"}'])
def test_what_holds_no_gates_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gates.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataRefused) as refusal:
        add_gates(DEFAULT_ARTIFACT, path, tmp_path / "out")
    assert refusal.value.code == "invalid_gates"
    assert not (tmp_path / "out").exists()


def test_a_broken_artifact_gets_none(gates_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactRefused):
        add_gates(tmp_path / "nowhere", gates_file, tmp_path / "out")
