"""The command ``pneumokiosk-optimize sparsify``: what it prints, leaves behind and refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from optimize.cli import cli
from train.weights import Weights, load_weights, save_weights


def run(weights: Path, *arguments: object) -> Any:
    return CliRunner().invoke(cli, ["sparsify", str(weights), *map(str, arguments)])


@pytest.fixture
def file(tiny_weights: Weights, tmp_path: Path) -> Path:
    """Of a network that learns by steps of four films."""
    path = tmp_path / "weights.safetensors"
    save_weights(path, replace(tiny_weights, recipe=replace(tiny_weights.recipe, batch=4)))
    return path


def test_a_finished_run_leaves_nothing_but_its_file(
    file: Path, chest_xray: Path, tmp_path: Path
) -> None:
    out = tmp_path / "runs" / "sparse.safetensors"
    done = run(file, "--sparsity", 0.75, "--epochs", 1, "--data", chest_xray, "--out", out)
    assert done.exit_code == 0, done.output
    assert "pruned kernels: 31" in done.stdout and " of 416 are zero, " in done.stdout
    assert list(out.parent.iterdir()) == [out]
    assert load_weights(out).facts["sparsity"]["share"] == 0.75


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("invalid_sparsity", ("--sparsity", 1)),
        ("invalid_sparsity", ("--sparsity", -0.1)),
        ("invalid_sparsity", ("--sparsity", "nan")),
        ("invalid_sparsity", ()),
        ("invalid_sparsity", ("--sparsity", 0.5, "--pattern", "2:4")),
        ("unknown_pattern", ("--pattern", "1:4")),
        ("invalid_training", ("--sparsity", 0.5, "--epochs", -1)),
        ("invalid_training", ("--sparsity", 0.5, "--learning-rate", "inf")),
        ("missing_data", ("--sparsity", 0.5)),
        ("missing_folder", ("--sparsity", 0.5, "--data", "nowhere")),
        ("missing_weights", ("--sparsity", 0.5, "--data", "nowhere", "--teacher", "nowhere")),
    ],
)
def test_refusals_name_their_code(
    file: Path, tmp_path: Path, code: str, arguments: tuple[object, ...]
) -> None:
    done = run(file, *arguments, "--out", tmp_path / "out.safetensors")
    assert done.exit_code == 2, done.output
    assert f"({code})" in done.output
    assert list(tmp_path.iterdir()) == [file]


def test_weights_that_are_no_numbers_are_not_written(
    file: Path, chest_xray: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.safetensors"
    done = run(file, "--sparsity", 0.5, "--learning-rate", 1e30, "--data", chest_xray, "--out", out)
    assert done.exit_code == 3, done.output
    assert "(diverged)" in done.output
    assert list(tmp_path.iterdir()) == [file]


def test_help_has_an_example() -> None:
    done = CliRunner().invoke(cli, ["sparsify", "--help"])
    assert done.exit_code == 0
    assert "Example: pneumokiosk-optimize sparsify" in done.output
