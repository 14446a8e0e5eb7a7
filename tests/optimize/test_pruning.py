"""``pneumokiosk-optimize prune``: one step or several, with and without training between."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from edge.errors import DataRefused
from optimize.artifact import Samples, build_artifact
from optimize.cli import cli
from optimize.pruning import Goal, macs, prune
from train.network import NetworkConfig, build
from train.throughput import multiply_accumulates
from train.weights import Weights, build_trained, load_weights, save_weights

TUNING = (
    "--finetune", "compact", "--set", "epochs=1", "--set", "batch=4", "--set", "warmup=1",
    "--set", "validation_fraction=0.3",
)  # fmt: skip


def run(weights: Path, *arguments: object) -> Any:
    return CliRunner().invoke(cli, ["prune", str(weights), *map(str, arguments)])


@pytest.fixture(scope="module")
def tuned(weights_file: Path, chest_xray: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In two steps, each fine-tuned by one epoch."""
    out = tmp_path_factory.mktemp("pruned") / "small.safetensors"
    done = run(
        weights_file, "--macs", 0.5, "--steps", 2, "--data", chest_xray, *TUNING, "--out", out
    )
    assert done.exit_code == 0, done.output
    return out


def test_one_step_to_half_of_the_multiplications(weights_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "half.safetensors"
    done = run(weights_file, "--macs", 0.5, "--importance", "l1", "--out", out, "--json")
    assert done.exit_code == 0, done.output
    pruned, whole = load_weights(out), load_weights(weights_file)
    left = multiply_accumulates(build_trained(pruned, keras))
    before = multiply_accumulates(build_trained(whole, keras))
    assert 0.4 * before < left <= 0.5 * before
    assert list(pruned.facts) == ["pruned"]  # no operating points
    made = pruned.facts["pruned"]
    assert (made["from"], made["importance"]) == (whole.sha256, "l1")
    assert (made["macs_before"], made["macs_after"]) == (before, left)
    assert made["fine_tuned"] is False
    assert json.loads(done.stdout) == {"weights": str(out), **made}


def test_without_fine_tuning_there_is_no_artifact(
    tiny_weights: Weights, tiny_samples: Samples, tmp_path: Path
) -> None:
    pruned = prune(tiny_weights, Goal(macs=0.5, importance="gamma"))
    with pytest.raises(DataRefused) as refusal:
        build_artifact(pruned, tmp_path / "out", tiny_samples, name="x", release="1")
    assert refusal.value.code == "untrained_weights"


def test_several_steps_end_where_one_does(tiny_weights: Weights) -> None:
    said: list[str] = []
    pruned = prune(tiny_weights, Goal(macs=0.3, importance="gamma", steps=3), say=said.append)
    assert 0.2 < macs(pruned) / macs(tiny_weights) <= 0.3
    assert [text[:11] for text in said] == [f"step {n} of 3" for n in (1, 2, 3)]


def test_taylor_looks_at_training_patients_and_comes_out_the_same(
    tiny_weights: Weights, chest_xray: Path
) -> None:
    first, again = (prune(tiny_weights, Goal(macs=0.6), data=chest_xray) for _ in range(2))
    other = prune(tiny_weights, Goal(macs=0.6, importance="gamma"))
    assert first.recipe == again.recipe != other.recipe
    for name, value in first.tensors.items():
        np.testing.assert_array_equal(value, again.tensors[name])


def test_fine_tuned_weights_are_like_any_others(
    tuned: Path, weights_file: Path, tiny_samples: Samples, tmp_path: Path
) -> None:
    small, whole = load_weights(tuned), load_weights(weights_file)
    assert macs(small) <= 0.5 * macs(whole)
    assert small.facts["pruned"]["from"] == whole.sha256
    assert small.facts["pruned"]["fine_tuned"] is True
    assert {point["name"] for point in small.facts["operating_points"]} == {"refer", "uncertain"}
    assert small.recipe.epochs == 1 and small.recipe.input == whole.recipe.input
    manifest = build_artifact(
        small, tmp_path / "artifact", tiny_samples, name="small", release="1", progress=False
    )
    assert manifest.made_from["recipe"]["network"]["pruned"] == small.recipe.network.pruned


def test_each_step_is_trained_from_the_one_before(tuned: Path) -> None:
    steps = tuned.with_name("small-steps")
    first, second = steps / "step-01", steps / "step-02"
    sizes = [macs(load_weights(step / "weights.safetensors")) for step in (first, second)]
    assert sizes[0] > sizes[1]
    for step in (first, second):
        cut = load_weights(step / "pruned.safetensors")
        assert (step / "started_from.txt").read_text() == cut.sha256
    taught = load_weights(first / "weights.safetensors")
    cut = load_weights(second / "pruned.safetensors")
    assert cut.facts["pruned"]["from"] == taught.sha256
    assert cut.tensors["logits/bias"] == pytest.approx(taught.tensors["logits/bias"])


def test_a_killed_pruning_is_resumed(tuned: Path, weights_file: Path, chest_xray: Path) -> None:
    """As if it had been killed in the second step, before its training began."""
    again = ("--macs", 0.5, "--steps", 2, "--data", chest_xray, *TUNING, "--out", tuned)
    refused = run(weights_file, *again)
    assert refused.exit_code == 2 and "(run_exists)" in refused.output
    changed = run(weights_file, *again, "--macs", 0.6, "--resume")
    assert changed.exit_code == 2 and "(pruning_changed)" in changed.output

    before = load_weights(tuned)
    steps = tuned.with_name("small-steps")
    for path in (steps / "step-02").iterdir():
        path.unlink()
    tuned.unlink()
    kept = steps / "step-01" / "weights.safetensors"
    touched = kept.stat().st_mtime_ns
    done = run(weights_file, *again, "--resume")
    assert done.exit_code == 0, done.output
    assert kept.stat().st_mtime_ns == touched
    after = load_weights(tuned)
    assert after.recipe == before.recipe
    for name, value in before.tensors.items():
        np.testing.assert_allclose(after.tensors[name], value, atol=2e-2)


def test_to_a_share_of_the_time(make_weights: Callable[..., Weights], tmp_path: Path) -> None:
    config = NetworkConfig(
        width=16, depths=(1, 1), strides=(1, 1), dilations=(1, 2), input_size=96, dense=8
    )
    weights = make_weights(config, 4)
    path, out = tmp_path / "weights.safetensors", tmp_path / "fast.safetensors"
    save_weights(path, weights)
    done = run(path, "--latency", 0.6, "--importance", "gamma", "--out", out)
    assert done.exit_code == 0, done.output
    made = load_weights(out).facts["pruned"]
    assert made["latency"] == 0.6
    assert made["latency_measured"] < 0.85  # measured anew, on a machine that may be busy
    assert 0 < made["macs_after"] < 0.9 * multiply_accumulates(build(config, keras))


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("invalid_budget", ("--macs", 0)),
        ("invalid_budget", ("--macs", 1.5)),
        ("invalid_budget", ("--macs", "nan")),
        ("invalid_budget", ("--latency", -1)),
        ("invalid_budget", ()),
        ("invalid_budget", ("--macs", 0.5, "--latency", 0.5)),
        ("invalid_budget", ("--macs", 0.5, "--steps", 0)),
        ("invalid_budget", ("--macs", 0.5, "--multiple", 0)),
        ("budget_unreachable", ("--macs", 0.5, "--multiple", 64, "--importance", "gamma")),
        ("unknown_importance", ("--macs", 0.5, "--importance", "random")),
        ("missing_images", ("--macs", 0.5, "--importance", "taylor")),
        ("missing_data", ("--macs", 0.5, *TUNING)),
        ("other_patients", ("--macs", 0.5, "--data", "none", "--finetune", "compact")),
    ],
)
def test_refusals_name_their_code(
    weights_file: Path, tmp_path: Path, code: str, arguments: tuple[object, ...]
) -> None:
    done = run(weights_file, *arguments, "--out", tmp_path / "out.safetensors")
    assert done.exit_code == 2, done.output
    assert f"({code})" in done.output
    assert not list(tmp_path.iterdir())


def test_a_rival_is_refused(tiny_weights: Weights) -> None:
    rival = replace(tiny_weights, recipe=replace(tiny_weights.recipe, architecture="vgg16"))
    with pytest.raises(DataRefused) as refusal:
        prune(rival, Goal(macs=0.5))
    assert refusal.value.code == "not_prunable"


def test_help_has_an_example() -> None:
    done = CliRunner().invoke(cli, ["prune", "--help"])
    assert done.exit_code == 0
    assert "Example: pneumokiosk-optimize prune" in done.output


def test_a_teacher_of_nothing_is_refused(weights_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    done = run(weights_file, "--macs", 0.5, "--teacher", weights_file, "--out", out)
    assert done.exit_code == 2
    assert "(idle_teacher)" in done.output
