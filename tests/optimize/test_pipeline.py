"""A pipeline does a step once, goes on after a kill, and publishes whole artifacts at the end."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from edge.artifact import load_artifact
from edge.errors import DataRefused, WorkFailed
from edge.signature import SIGNATURE
from optimize import once
from optimize.pipeline import Run
from optimize.pipeline_recipe import load_pipeline
from optimize.processes import only_one
from train.weights import Weights, load_weights, save_weights

ROOT = Path(__file__).parents[2]
RECIPE = """
[weights]
whole = "whole.safetensors"

[[steps]]
name = "small"
do = "prune"
from = "whole"
macs = {macs}
importance = "{importance}"

[[steps]]
name = "graph"
do = "onnx"
from = "whole"

[[steps]]
name = "artifact"
do = "convert"
from = "whole"
model = "tiny"

[publish]
clinic = "artifact"
"""
ENGINE = """
[[steps]]
name = "engine"
do = "tensorrt"
from = "graph"
optional = true

[[steps]]
name = "another"
do = "tensorrt"
from = "graph"
"""
Command = Callable[..., subprocess.CompletedProcess[str]]


def written(folder: Path, macs: float = 0.6, importance: str = "l1", text: str = RECIPE) -> Path:
    path = folder / "small.toml"
    path.write_text(text.format(macs=macs, importance=importance), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Weights) -> Path:
    """A folder with a recipe, its weights and a run of it; each test takes a copy."""
    folder = tmp_path_factory.mktemp("pipeline")
    save_weights(folder / "whole.safetensors", tiny_weights)
    Run(load_pipeline(str(written(folder))), folder / "run").run(folder / "models")
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def run_again(folder: Path, **settings: object) -> dict[str, str]:
    recipe = written(folder, **settings)  # type: ignore[arg-type]
    states = Run(load_pipeline(str(recipe)), folder / "run").run()["steps"]
    return {name: state.partition(":")[0] for name, state in states.items()}


def test_every_step_leaves_what_it_made(finished: Path) -> None:
    steps = finished / "run" / "steps"
    small = load_weights(steps / "small" / "weights.safetensors")
    assert small.facts["pruned"]["macs_after"] <= 0.6 * small.facts["pruned"]["macs_before"]
    assert (steps / "graph" / "model.onnx").stat().st_size > 0
    assert json.loads((steps / "graph" / "report.json").read_text())["precision"] == "fp32"
    assert load_artifact(steps / "artifact" / "artifact").manifest.name == "tiny"


def test_the_run_says_what_was_done_and_with_what(finished: Path) -> None:
    run = finished / "run"
    recipe = json.loads((run / "recipe.json").read_text())
    assert [step["name"] for step in recipe["steps"]] == ["small", "graph", "artifact"]
    assert recipe["steps"][0]["multiple"] == 1  # a default, written out
    assert "keras" in json.loads((run / "environment.json").read_text())["packages"]
    assert "step 1 of 3: small (prune): made" in (run / "log.txt").read_text()


def test_what_is_published_is_whole(finished: Path) -> None:
    assert load_artifact(finished / "models" / "clinic").manifest.name == "tiny"
    assert [path.name for path in (finished / "models").iterdir()] == ["clinic"]


def test_a_second_run_does_nothing(folder: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (folder / "run" / "steps").rglob("*")}
    assert set(run_again(folder).values()) == {"kept"}
    assert {p: p.stat().st_mtime_ns for p in (folder / "run" / "steps").rglob("*")} == before


@pytest.mark.skipif(importlib.util.find_spec("tensorrt") is not None, reason="TensorRT is here")
def test_what_this_machine_lacks_stops_a_run_unless_it_is_optional(folder: Path) -> None:
    with pytest.raises(WorkFailed) as failure:
        run_again(folder, text=RECIPE + ENGINE)
    assert failure.value.code == "tensorrt_missing"
    assert "engine (tensorrt): not available" in (folder / "run" / "log.txt").read_text()


def test_a_changed_setting_redoes_only_what_depends_on_it(folder: Path) -> None:
    states = run_again(folder, macs=0.5)
    assert (states["small"], states["graph"], states["artifact"]) == ("made", "kept", "kept")


def test_changed_weights_redo_all_that_starts_from_them(
    folder: Path, make_weights: Callable[..., Weights], tiny_weights: Weights
) -> None:
    save_weights(folder / "whole.safetensors", make_weights(tiny_weights.recipe.network, 8))
    states = run_again(folder)
    assert (states["small"], states["graph"], states["artifact"]) == ("made", "made", "made")


def test_a_step_whose_output_was_damaged_is_redone(folder: Path) -> None:
    path = folder / "run" / "steps" / "graph" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    assert run_again(folder)["graph"] == "made"


def test_a_step_says_with_which_versions_it_was_made(finished: Path) -> None:
    """A kept step is older than the run that kept it."""
    report = json.loads((finished / "run" / "steps" / "small" / "report.json").read_text())
    assert "tensorflow" in report["made_by"]["packages"]


def test_no_temporary_file_is_left_behind(finished: Path) -> None:
    assert not list((finished / "run" / "steps").glob("*/scratch"))


def test_publishing_replaces_an_older_artifact(folder: Path) -> None:
    (folder / "models" / "clinic" / "left_over").write_text("of an older one")
    recipe = load_pipeline(str(folder / "small.toml"))
    Run(recipe, folder / "run").run(folder / "models")
    assert not (folder / "models" / "clinic" / "left_over").exists()
    assert load_artifact(folder / "models" / "clinic").manifest.name == "tiny"


def test_a_killed_step_says_so_and_the_same_command_goes_on(
    finished: Path, tmp_path: Path, command: Command
) -> None:
    shutil.copy(finished / "whole.safetensors", tmp_path)
    arguments = ["run", str(written(tmp_path)), "--out", str(tmp_path / "run")]
    process = subprocess.Popen(
        [sys.executable, "-m", "optimize", *arguments],
        cwd=ROOT, env=dict(os.environ), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        kill_the_worker(process)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 3
    assert "step_killed" in errors
    assert not (tmp_path / "run" / "steps" / "small" / "done.json").exists()
    again = command("optimize", *arguments)
    assert again.returncode == 0, again.stderr
    assert "small: made" in again.stdout


def test_a_killed_run_publishes_nothing_and_the_same_command_goes_on(
    finished: Path, tmp_path: Path, command: Command
) -> None:
    shutil.copy(finished / "whole.safetensors", tmp_path)
    run, models = tmp_path / "run", tmp_path / "models"
    arguments = ["run", str(written(tmp_path)), "--out", str(run), "--publish", str(models)]
    process = subprocess.Popen([sys.executable, "-m", "optimize", *arguments], cwd=ROOT)
    limit = time.monotonic() + 120
    while not (run / "steps" / "artifact" / "scratch").exists():
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not models.exists()
    again = command("optimize", *arguments)
    assert again.returncode == 0, again.stderr
    assert "small: kept" in again.stdout and "artifact: made" in again.stdout
    assert load_artifact(models / "clinic").manifest.name == "tiny"


def kill_the_worker(process: subprocess.Popen[str]) -> None:
    """Kill the process that a step runs in, as the system does where memory ends."""
    limit = time.monotonic() + 120
    while time.monotonic() < limit and process.poll() is None:
        for child in psutil.Process(process.pid).children():
            if any("spawn_main" in part for part in child.cmdline()):
                child.kill()
                return
        time.sleep(0.02)
    pytest.fail("no step began")


def test_two_runs_in_one_folder_are_refused(folder: Path) -> None:
    with only_one(folder / "run"), pytest.raises(DataRefused) as refusal:
        run_again(folder)
    assert refusal.value.code == "run_in_use"


def test_a_full_disk_is_told_before_a_step(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "ROOM", 10**18)
    with pytest.raises(WorkFailed) as failure:
        run_again(folder, macs=0.4)
    assert failure.value.code == "disk_full"
    assert not (folder / "run" / "steps" / "small" / "done.json").exists()


def test_what_is_published_already_stays_and_so_does_its_signature(folder: Path) -> None:
    clinic = folder / "models" / "clinic"
    (clinic / SIGNATURE).write_bytes(b"signed since")
    Run(load_pipeline(str(folder / "small.toml")), folder / "run").run(folder / "models")
    assert (clinic / SIGNATURE).read_bytes() == b"signed since"


def test_what_stops_a_run_stands_in_its_log(folder: Path) -> None:
    (folder / "file").write_text("no folder")
    with pytest.raises(WorkFailed) as failure:
        Run(load_pipeline(str(folder / "small.toml")), folder / "run").run(folder / "file")
    assert failure.value.code == "cannot_write"
    assert "(cannot_write)" in (folder / "run" / "log.txt").read_text()


def test_an_artifact_that_could_not_be_made_is_not_published(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = written(folder, text=RECIPE.replace('"tiny"', '"other"\noptional = true'))
    monkeypatch.setattr(once, "ROOM", 10**18)
    with pytest.raises(WorkFailed) as failure:
        Run(load_pipeline(str(recipe)), folder / "run").run(folder / "models")
    assert failure.value.code == "nothing_to_publish"
    assert load_artifact(folder / "models" / "clinic").manifest.name == "tiny"


@pytest.mark.parametrize("table", ["", "[compare]\nagainst = 'whole'\n"])
def test_missing_films_are_told_before_the_first_step(folder: Path, table: str) -> None:
    step = "" if table else '[[steps]]\nname = "few"\ndo = "quantize"\nfrom = "whole"\n'
    recipe = load_pipeline(str(written(folder, macs=0.3, text=RECIPE + step + table)))
    with pytest.raises(DataRefused, match="few" if step else "the table") as refusal:
        Run(recipe, folder / "other").run()
    assert refusal.value.code == "missing_data"
    assert not (folder / "other").exists()


def test_a_folder_that_cannot_be_written_is_told(folder: Path) -> None:
    (folder / "file").write_text("no folder")
    for out in (folder / "file", folder / "file" / "run"):
        with pytest.raises(WorkFailed) as failure:
            Run(load_pipeline(str(folder / "small.toml")), out).run()
        assert failure.value.code == "cannot_write"


def test_missing_weights_are_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataRefused) as refusal:
        Run(load_pipeline(str(written(tmp_path))), tmp_path / "run").run()
    assert refusal.value.code == "missing_weights"
    assert not (tmp_path / "run").exists()
