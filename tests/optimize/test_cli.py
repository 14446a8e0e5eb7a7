"""``pneumokiosk-optimize`` as it is typed, in a process of its own where that matters."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from edge.artifact import load_artifact
from edge.phantom import phantom_png
from edge.screening import Screener
from optimize.cli import cli
from train.weights import Weights, save_weights

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]


def test_convert_prints_the_manifest_that_it_wrote(
    command: Command, weights_file: Path, chest_xray: Path, tmp_path: Path
) -> None:
    digest = hashlib.sha256(weights_file.read_bytes()).hexdigest()
    figure = {"value": 0.9, "low": 0.8, "high": 1.0}
    evaluation = {
        "data": "Drawn test folder", "images": 4, "positives": 2, "threshold": 0.6,
        "resamples": 10, "seed": 0, "figures": {"auc": figure}, "weights_sha256": digest,
        "scores": {"NORMAL/a.jpeg": 0.5},
    }  # fmt: skip
    (tmp_path / "evaluation.json").write_text(json.dumps(evaluation))
    out = tmp_path / "artifact"
    done = command(
        "optimize", "convert", weights_file, "--out", out, "--data", chest_xray,
        "--name", "drawn", "--release", "7", "--measured", tmp_path / "evaluation.json", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == (out / "manifest.json").read_text()
    artifact = load_artifact(out)
    assert (artifact.manifest.name, artifact.manifest.version) == ("drawn", "7")
    assert artifact.manifest.made_from["weights_sha256"] == digest
    assert artifact.manifest.measured["figures"] == {"auc": figure}
    assert "scores" not in artifact.manifest.measured
    assert Screener(artifact).screen(phantom_png(1, 200)).outcome != "refused"


def test_refusal_is_one_sentence_and_status_two(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = command("optimize", "convert", tmp_path / "none", "--out", out)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "(missing_weights)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_refusals_name_their_code(
    weights_file: Path, untrained_weights: Weights, tmp_path: Path
) -> None:
    untrained = tmp_path / "untrained.safetensors"
    save_weights(untrained, untrained_weights)
    (tmp_path / "other.json").write_text('{"weights_sha256": "00"}')
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "there").mkdir()
    out = tmp_path / "out"
    cases = {
        "untrained_weights": (untrained, "--out", out),
        "other_evaluation": (weights_file, "--out", out, "--measured", tmp_path / "other.json"),
        "invalid_evaluation": (weights_file, "--out", out, "--measured", tmp_path / "broken.json"),
        "out_exists": (weights_file, "--out", tmp_path / "there"),
    }
    for code, arguments in cases.items():
        done = CliRunner().invoke(cli, ["convert", *map(str, arguments)])
        assert done.exit_code == 2, code
        assert f"({code})" in done.output
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments", [("prune", "--macs", "0.5", "--importance", "l1"), ("convert",), ("onnx",)]
)
def test_what_cannot_be_written_is_one_sentence(
    weights_file: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("no folder")
    command, *options = arguments
    out = ["--out", str(tmp_path / "file" / "out")]
    done = CliRunner().invoke(cli, [command, str(weights_file), *options, *out])
    assert done.exit_code == 3
    assert "(cannot_write)" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_name_that_leads_elsewhere_is_refused(weights_file: Path, tmp_path: Path) -> None:
    arguments = [str(weights_file), "--out", str(tmp_path / "out"), "--name", "../../tiny"]
    done = CliRunner().invoke(cli, ["convert", *arguments])
    assert done.exit_code == 2
    assert "(invalid_name)" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_converter_that_is_killed_is_told(weights_file: Path, tmp_path: Path) -> None:
    """As the delegate kills it where it cannot take a file, or the system where memory ends."""
    arguments = ["convert", str(weights_file), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-m", "optimize", *arguments], cwd=ROOT,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    parent = psutil.Process(process.pid)
    limit = time.monotonic() + 120
    while not (workers := [c for c in parent.children() if "spawn_main" in " ".join(c.cmdline())]):
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.02)
    workers[0].kill()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 3
    assert "(step_killed)" in said and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_help_has_an_example(command: Command) -> None:
    done = command("optimize", "convert", "--help")
    assert done.returncode == 0
    assert "Example: pneumokiosk-optimize convert" in done.stdout


def test_wrong_usage_is_status_two(command: Command) -> None:
    assert command("optimize", "convert").returncode == 2
