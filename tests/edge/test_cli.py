"""The command line, as a shell runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import edge
from edge.artifact import Artifact, load_artifact
from edge.cli import cli
from edge.radiograph import read_radiograph


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def film(png: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "a film.png"
    path.write_bytes(png)
    return path


@pytest.fixture
def altered(artifact: Artifact, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(artifact.folder, tmp_path / "altered"))
    path = folder / artifact.manifest.variants["int8"]
    path.write_bytes(b"?" + path.read_bytes()[1:])
    return folder


def test_screening_prints_one_line_a_file(film: Path) -> None:
    done = _run("screen", film, film)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(str(film) in line and edge.STANDING_SENTENCE in line for line in lines)


def test_screening_as_json_prints_one_object_a_file(film: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("not an image", encoding="utf-8")
    files = [film, text, tmp_path / "missing.png", tmp_path, film]
    done = _run("screen", "--json", *files)
    assert done.returncode == 1
    screenings = [json.loads(line) for line in done.stdout.splitlines()]
    assert [screening["file"] for screening in screenings] == [str(file) for file in files]
    reasons = [[reason["code"] for reason in s["reasons"]] for s in screenings]
    unreadable = ["unreadable_file"]
    assert reasons == [[], ["unsupported_format"], unreadable, unreadable, []]
    assert screenings[0]["score"] == screenings[4]["score"] is not None


@pytest.mark.parametrize("variant", sorted(load_artifact().manifest.variants))
def test_screening_with_a_variant_and_threads(film: Path, variant: str) -> None:
    done = _run("screen", "--json", "--variant", variant, "--threads", 1, film)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"]["variant"] == variant


def test_screening_with_an_altered_model_is_refused(film: Path, altered: Path) -> None:
    done = _run("screen", "--artifact", altered, film)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "error: " in done.stderr
    assert "(hash_mismatch)" in done.stderr


def test_verifying_a_whole_artifact(artifact: Artifact) -> None:
    done = _run("verify", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["status"] == "ok"
    assert set(report["files"]) == set(artifact.manifest.files)
    assert set(report["variants"]) == set(artifact.manifest.variants)
    assert report["self_test"]["status"] == "passed"
    readable = _run("verify", artifact.folder)
    assert "self-test: passed" in readable.stdout
    assert readable.returncode == 0
    assert all(name in readable.stdout for name in artifact.manifest.files)


def test_verifying_an_altered_artifact(altered: Path, tmp_path: Path) -> None:
    done = _run("verify", altered, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["reasons"][0]["code"] == "hash_mismatch"
    missing = _run("verify", tmp_path / "none")
    assert missing.returncode == 1
    assert "(manifest_missing)" in missing.stderr


def test_drawing_the_demonstration_image(tmp_path: Path) -> None:
    out = tmp_path / "new" / "drawn.png"
    done = _run("phantom", out, "--seed", 3, "--opacities", 2)
    assert done.returncode == 0, done.stderr
    assert "synthetic" in done.stdout
    assert read_radiograph(out.read_bytes()).format == "png"
    (tmp_path / "file").write_bytes(b"")
    refused = _run("phantom", tmp_path / "file" / "drawn.png")
    assert refused.returncode == 1
    assert "(cannot_write)" in refused.stderr


def test_the_version() -> None:
    assert edge.__version__ in _run("--version").stdout


@pytest.mark.parametrize("command", [None, *cli.commands])
def test_every_command_has_help_with_an_example(command: str | None) -> None:
    done = _run(*([command] if command else []), "--help")
    assert done.returncode == 0
    assert "Example: pneumokiosk" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["screen"],
        ["screen", "--threads", "0", "x"],
        ["screen", "--variant", "int3", "x"],
        ["serve", "--port", "99999"],
        ["serve", "--host", "0.0.0.0"],
        ["serve", "--host", "kiosk.example"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_told(arguments: list[str]) -> None:
    done = _run(*arguments)
    assert done.returncode == 2
    assert done.stderr


def test_a_data_folder_that_cannot_be_made_is_told(film: Path) -> None:
    done = _run("serve", "--data-dir", film / "records")
    assert done.returncode == 2
    assert "(data_dir_unusable)" in done.stderr


def test_help_and_version_load_no_model_runtime() -> None:
    program = """
import sys
from edge.cli import cli
cli(["--help"], standalone_mode=False)
assert not {"numpy", "cv2", "ai_edge_litert", "flask"} & set(sys.modules), "slow to start"
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
