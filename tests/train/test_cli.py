"""``pneumokiosk-train`` as it is typed, in a process of its own where that matters."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from train.cli import cli

Command = Callable[..., subprocess.CompletedProcess[str]]


def here(*arguments: object) -> Result:
    """The command in this process, where the imports are paid for already."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def run(
    command: Command,
    chest_xray: Path,
    tiny_settings: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, Any]]:
    """A finished run and what the command printed."""
    out = tmp_path_factory.mktemp("runs") / "cli"
    done = command("train", "fit", "--data", chest_xray, "--out", out, *tiny_settings, "--json")
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return out, printed


def test_fit_prints_what_it_chose(run: tuple[Path, dict[str, Any]]) -> None:
    out, printed = run
    assert Path(printed["weights"]) == out / "weights.safetensors"
    assert (out / "weights.safetensors").is_file() and (out / "log.csv").is_file()
    assert {p["name"] for p in printed["operating_points"]} == {"refer", "uncertain"}
    assert printed["calibration"]["method"] == "platt"


def test_evaluate_prints_figures_and_writes_scores(
    run: tuple[Path, dict[str, Any]], command: Command, chest_xray: Path, tmp_path: Path
) -> None:
    out, printed = run
    weights, file = out / "weights.safetensors", tmp_path / "evaluation.json"
    done = command(
        "train", "evaluate", "--weights", weights, "--data", chest_xray, "--split", "test",
        "--out", file, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["images"] == 32 and result["positives"] == 16
    assert "test" in result["data"]
    refer = next(p for p in printed["operating_points"] if p["name"] == "refer")
    assert result["threshold"] == refer["threshold"]
    assert result["threshold_chosen_on"] == refer["chosen_on"]
    assert len(result["weights_sha256"]) == 64
    for figure in result["figures"].values():
        assert figure["low"] <= figure["high"]
    written = json.loads(file.read_text())
    scores = written.pop("scores")
    assert written == result
    assert len(scores) == 32
    caught = sum(
        score >= result["threshold"]
        for name, score in scores.items()
        if name.startswith("PNEUMONIA/")
    )
    assert caught == result["confusion"]["true_positive"]


def test_evaluate_looks_at_validation_unless_told_otherwise(
    run: tuple[Path, dict[str, Any]], chest_xray: Path
) -> None:
    out, printed = run
    done = here("evaluate", "--weights", out / "weights.safetensors", "--data", chest_xray)
    assert done.exit_code == 0
    assert "held-out patients" in done.output
    assert f"{printed['trained_on']['validation_images']} images" in done.output
    assert "auc" in done.output and "95 %" in done.output


def test_pretrained_weights_begin_a_screening_network(
    tiny_settings: tuple[str, ...], chest_xray: Path, chestxray14: Path, tmp_path: Path
) -> None:
    findings = ("--set", 'outputs=["Mass", "Pneumonia"]', "--set", "network.outputs=2")
    done = here(
        "pretrain", "--data", chestxray14, "--out", tmp_path / "adults", *tiny_settings, *findings,
        "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert printed["weights"] == str(tmp_path / "adults" / "weights.safetensors")
    assert set(printed["findings"]) == {"Mass", "Pneumonia"}
    assert printed["made_by"]["throughput"]["images_per_second"] > 0
    assert "110 of 120 rows have an image" in done.stderr

    outputs = ("--set", 'outputs=["normal", "pneumonia", "Mass"]', "--set", "network.outputs=3")
    done = here(
        "fit", "--data", chest_xray, "--out", tmp_path / "children", *tiny_settings, *outputs,
        "--from", printed["weights"], "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "outputs loaded: Mass" in done.stderr
    assert "outputs that begin at random: normal, pneumonia" in done.stderr
    assert len(json.loads(done.stdout)["trained_on"]["started_from"]) == 64


def test_pretrain_prints_an_auc_of_every_finding(
    tiny_settings: tuple[str, ...], chestxray14: Path, tmp_path: Path
) -> None:
    findings = ("--set", 'outputs=["Mass", "Hernia"]', "--set", "network.outputs=2")
    done = here(
        "pretrain", "--data", chestxray14, "--out", tmp_path / "run", *tiny_settings, *findings
    )
    assert done.exit_code == 0, done.output
    mass, hernia, cost, written = done.stdout.splitlines()
    assert mass.startswith("Mass") and "95 %" in mass
    assert hernia.startswith("Hernia") and "not measured" in hernia
    assert "images/s" in cost and "measured peak of 1 x" in cost
    assert str(tmp_path / "run" / "weights.safetensors") in written


def test_refusal_is_one_sentence_and_status_two(
    command: Command, chest_xray: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x"
    done = command("train", "fit", "--data", chest_xray, "--out", out, "--set", "speed=1")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "(invalid_recipe)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_refusals_name_their_code(
    run: tuple[Path, dict[str, Any]], chest_xray: Path, tmp_path: Path
) -> None:
    out, _ = run
    cases = {
        "run_exists": ("fit", "--data", chest_xray, "--out", out),
        "missing_recipe": ("fit", "--data", chest_xray, "--out", out, "--recipe", "none"),
        "missing_folder": ("fit", "--data", tmp_path, "--out", tmp_path / "run"),
        "missing_weights": ("evaluate", "--weights", tmp_path / "none", "--data", chest_xray),
    }
    for code, arguments in cases.items():
        done = here(*arguments)
        assert done.exit_code == 2, code
        assert f"({code})" in done.output


@pytest.mark.parametrize("name", ["fit", "pretrain", "evaluate", "throughput"])
def test_help_has_an_example(command: Command, name: str) -> None:
    done = command("train", name, "--help")
    assert done.returncode == 0
    assert f"Example: pneumokiosk-train {name}" in done.stdout


def test_wrong_usage_is_status_two(command: Command) -> None:
    assert command("train", "fit").returncode == 2
    assert command("train", "evaluate", "--split", "all").returncode == 2
