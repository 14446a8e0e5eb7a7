"""``pneumokiosk-optimize onnx`` and ``tensorrt`` as they are typed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optimize.cli import cli
from optimize.onnx_runner import OnnxModel
from train.weights import Weights, save_weights

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


def test_onnx_reports_what_it_wrote(
    command: Command, weights_file: Path, chest_xray: Path, tmp_path: Path
) -> None:
    out = tmp_path / "int8.onnx"
    done = command(
        "optimize", "onnx", weights_file, "--out", out, "--int8", "--data", chest_xray, "--json"
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["precision"] == "int8"
    assert report["weights_sha256"] == hashlib.sha256(weights_file.read_bytes()).hexdigest()
    assert report["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert "training patients" in report["conversion_images"]
    OnnxModel(out.read_bytes())


def test_onnx_without_data_says_so(weights_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "fp32.onnx"
    done = invoke("onnx", weights_file, "--out", out)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("fp32: ") and f"written: {out}" in done.stdout
    assert b"synthetic phantoms" in out.read_bytes()


def test_refusals_name_their_code(
    weights_file: Path, untrained_weights: Weights, tmp_path: Path
) -> None:
    untrained = tmp_path / "untrained.safetensors"
    save_weights(untrained, untrained_weights)
    out = tmp_path / "out" / "made"
    cases: dict[str, tuple[object, ...]] = {
        "missing_weights": ("onnx", tmp_path / "none", "--out", out),
        "untrained_weights": ("onnx", untrained, "--out", out),
        "missing_onnx": ("tensorrt", tmp_path / "none.onnx", "--out", out),
        "invalid_onnx": ("tensorrt", weights_file, "--out", out),
    }
    for code, arguments in cases.items():
        done = invoke(*arguments)
        assert done.exit_code == 2, (code, done.output)
        assert f"({code})" in done.output
    assert not out.parent.exists()


def test_place_that_cannot_be_written_is_status_three(weights_file: Path) -> None:
    done = invoke("onnx", weights_file, "--out", weights_file / "inside.onnx")
    assert done.exit_code == 3
    assert "(cannot_write)" in done.output


@pytest.mark.parametrize("wrong", [("--precision", "bf16"), ("--workspace-mib", "0"), ()])
def test_wrong_usage_is_status_two(wrong: tuple[str, ...], tmp_path: Path) -> None:
    arguments = ("--out", tmp_path / "made", *wrong) if wrong else ()
    assert invoke("tensorrt", tmp_path / "a.onnx", *arguments).exit_code == 2


@pytest.mark.parametrize("missing", ["tensorrt", "cuda"])
def test_missing_part_is_one_sentence_and_status_three(
    weights_file: Path, tmp_path: Path, missing: str
) -> None:
    """Also where the other is there, and whatever this machine has."""
    (tmp_path / "tensorrt.py").write_text("__version__ = '10.0.0'\n")
    (tmp_path / f"{missing}.py").write_text("raise ImportError('it is not here')\n")
    graph, out = tmp_path / "fp32.onnx", tmp_path / "made.engine"
    assert invoke("onnx", weights_file, "--out", graph).exit_code == 0
    done = subprocess.run(
        [sys.executable, "-m", "optimize", "tensorrt", graph, "--out", out],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert f"({missing}_missing)" in done.stderr and len(done.stderr.splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize("name", ["onnx", "tensorrt"])
def test_help_has_an_example(name: str) -> None:
    done = invoke(name, "--help")
    assert done.exit_code == 0
    assert f"Example: pneumokiosk-optimize {name}" in done.output
