"""An artifact is read whole and unaltered, or refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.artifact import MANIFEST, Artifact, Manifest, load_artifact
from edge.errors import ArtifactRefused
from edge.quality import Gates
from edge.screening import Screener
from edge.signature import SIGNATURE


@pytest.fixture
def folder(artifact: Artifact, tmp_path: Path) -> Path:
    return Path(shutil.copytree(artifact.folder, tmp_path / "artifact"))


def _code(folder: Path) -> str:
    with pytest.raises(ArtifactRefused) as refusal:
        load_artifact(folder)
    assert refusal.value.message
    return refusal.value.code


def _rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a manifest and close it by a hash that matches: what a wrong tool would write."""
    content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    content.pop("content_sha256")
    change(content)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    content["content_sha256"] = hashlib.sha256(canonical.encode()).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(content), encoding="utf-8")


def test_the_artifact_that_comes_with_the_kiosk_is_whole(artifact: Artifact) -> None:
    assert set(artifact.models) == set(artifact.manifest.variants)
    for variant, content in artifact.models.items():
        record = artifact.manifest.files[artifact.manifest.variants[variant]]
        assert (len(content), hashlib.sha256(content).hexdigest()) == (record.bytes, record.sha256)


def test_a_copy_elsewhere_is_as_good(folder: Path, artifact: Artifact) -> None:
    assert load_artifact(folder).manifest == artifact.manifest


def test_a_manifest_survives_being_written(folder: Path, artifact: Artifact) -> None:
    (folder / MANIFEST).write_text(artifact.manifest.to_json(), encoding="utf-8")
    assert load_artifact(folder).manifest == artifact.manifest


def test_any_changed_byte_of_any_file_is_refused(folder: Path, artifact: Artifact) -> None:
    rng = np.random.default_rng(0)
    for name in artifact.manifest.files:
        whole = (folder / name).read_bytes()
        for place in rng.integers(0, len(whole), 15):
            altered = bytearray(whole)
            altered[place] ^= int(rng.integers(1, 256))
            (folder / name).write_bytes(altered)
            assert _code(folder) == "hash_mismatch"
        (folder / name).write_bytes(whole)


def test_any_changed_byte_of_the_manifest_is_refused_or_means_the_same(
    folder: Path, artifact: Artifact
) -> None:
    whole = (folder / MANIFEST).read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for place in rng.integers(0, len(whole), 300):
        altered = bytearray(whole)
        altered[place] ^= 1 << int(rng.integers(8))
        (folder / MANIFEST).write_bytes(altered)
        try:
            loaded = load_artifact(folder)
        except ArtifactRefused:
            refused += 1
        else:  # one kind of white space for another
            assert loaded.manifest == artifact.manifest
    assert refused > 200


@pytest.mark.parametrize("change", [b"", b"more"])
def test_files_of_another_length_are_refused(
    folder: Path, artifact: Artifact, change: bytes
) -> None:
    path = folder / next(iter(artifact.manifest.files))
    path.write_bytes(path.read_bytes() + change if change else path.read_bytes()[:-1])
    assert _code(folder) == "hash_mismatch"


def test_missing_parts_are_named(folder: Path, artifact: Artifact, tmp_path: Path) -> None:
    assert _code(tmp_path / "nowhere") == "manifest_missing"
    (folder / next(iter(artifact.manifest.files))).unlink()
    assert _code(folder) == "file_missing"


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"null", b"not json", b"\xff\xfe", b'"text"', b"[" * 100_000]
)
def test_what_is_not_a_manifest_is_refused(folder: Path, text: bytes) -> None:
    (folder / MANIFEST).write_bytes(text)
    assert _code(folder) == "manifest_invalid"


def test_gates_travel_in_the_manifest(folder: Path, artifact: Artifact, gates: Gates) -> None:
    manifest = replace(artifact.manifest, gates=gates)
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    assert load_artifact(folder).manifest == manifest


def test_a_manifest_without_gates_is_as_good(folder: Path, artifact: Artifact) -> None:
    manifest = replace(artifact.manifest, gates=None)
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    assert "gates" not in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert load_artifact(folder).manifest.gates is None


@pytest.mark.parametrize(
    "change",
    [
        lambda g: g.update(description="another"),
        lambda g: g.update(weights={}),
        lambda g: g["weights"].update(frontal="1 2"),
        lambda g: g["limits"].update(beauty={"warn": 1.0, "refuse": None}),
        lambda g: g.update(limits=None),
        lambda g: g.clear(),
    ],
)
def test_gates_that_make_no_sense_are_refused(
    folder: Path, gates: Gates, change: Callable[[dict[str, Any]], object]
) -> None:
    content = json.loads(json.dumps(gates.to_dict()))
    change(content)
    _rewrite(folder, lambda c: c.update(gates=content))
    assert _code(folder) == "manifest_invalid"


def test_a_manifest_without_a_self_test_is_as_good(folder: Path, artifact: Artifact) -> None:
    manifest = replace(artifact.manifest, self_test=None)
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    assert "self_test" not in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert load_artifact(folder).manifest == manifest


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.clear(),
        lambda t: t.pop("int8"),
        lambda t: t.update(int3=t["int8"]),
        lambda t: t.update(int8=[]),
        lambda t: t.update(int8=7),
        lambda t: t["int8"][0].update(score=1.5),
        lambda t: t["int8"][0].update(score=float("nan")),
        lambda t: t["int8"][0].update(score="high"),
        lambda t: t["int8"][0].update(seed=-1),
        lambda t: t["int8"][0].update(seed=0.5),
        lambda t: t["int8"][0].update(side=1_000_000),
        lambda t: t["int8"][0].update(side=8),
        lambda t: t["int8"][0].update(opacities=1_000),
        lambda t: t["int8"][0].update(beauty=1),
        lambda t: t["int8"][0].pop("side"),
    ],
)
def test_a_self_test_that_makes_no_sense_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    _rewrite(folder, lambda content: change(content["self_test"]))
    assert _code(folder) == "manifest_invalid"


@pytest.mark.parametrize("version", [0, 2, 99, "1", None])
def test_other_format_versions_are_refused(folder: Path, version: object) -> None:
    _rewrite(folder, lambda content: content.update(format_version=version))
    assert _code(folder) == "format_version"


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/hostname", "sub/file", "..", "", "a\0b", MANIFEST, SIGNATURE]
)
def test_a_manifest_may_name_files_of_its_own_folder_only(folder: Path, name: str) -> None:
    def redirect(content: dict[str, Any]) -> None:
        content["files"][name] = next(iter(content["files"].values()))

    _rewrite(folder, redirect)
    assert _code(folder) == "manifest_invalid"


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("operating_points"),
        lambda c: c.update(operating_points=c["operating_points"][:1]),
        lambda c: c["operating_points"][0].update(threshold=1.5),
        lambda c: c["operating_points"][0].update(threshold="high"),
        lambda c: c.update(default_variant="int3"),
        lambda c: c["variants"].update(int8="elsewhere.tflite"),
        lambda c: c["calibration"].update(slope=-1.0),
        lambda c: c["calibration"].pop("slope"),
        lambda c: c["calibration"].pop("intercept"),
        lambda c: c["calibration"].update(intercept=float("nan")),
        lambda c: c["input"].update(resize="nearest"),
        lambda c: c["input"].update(unknown=1),
        lambda c: c["outputs"].update(attention=[1]),
        lambda c: c.update(files=[]),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    _rewrite(folder, change)
    assert _code(folder) == "manifest_invalid"


def test_a_whole_file_that_is_no_model_is_refused(artifact: Artifact) -> None:
    broken = replace(artifact, models=dict.fromkeys(artifact.models, b"not a model" * 100))
    with pytest.raises(ArtifactRefused) as refusal:
        Screener(broken)
    assert refusal.value.code == "model_unusable"


def test_an_unknown_variant_is_refused(artifact: Artifact) -> None:
    with pytest.raises(ArtifactRefused) as refusal:
        Screener(artifact, "int3")
    assert refusal.value.code == "unknown_variant"


def test_a_model_of_another_size_than_its_manifest_says_is_refused(artifact: Artifact) -> None:
    contract = replace(artifact.manifest.input, size=artifact.manifest.input.size + 1)
    manifest: Manifest = replace(artifact.manifest, input=contract)
    with pytest.raises(ArtifactRefused) as refusal:
        Screener(replace(artifact, manifest=manifest))
    assert refusal.value.code == "model_unusable"
