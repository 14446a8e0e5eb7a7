"""Zeros stand where they were asked for, in a network that works and says what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
import tensorflow_model_optimization as tfmot
import tf_keras
from click.testing import CliRunner

from edge.errors import DataRefused
from edge.phantom import draw_phantom
from optimize.cli import cli
from optimize.sparsity import Sparsity, prunable_layers, prune_at_once, sparsify, with_pruning
from optimize.twin_training import train_twin
from train.augmentation import Pixels
from train.batches import TrainingBatches
from train.evaluation import predict
from train.network import NetworkConfig
from train.recipe import Recipe
from train.rivals import build_network
from train.splits import load_training_data
from train.weights import Tensors, Weights, build_trained, load_weights, save_weights, tensors_of

PRUNED = ("stage1_block1_0", "stage1_block1_1", "stage1_block1_2", "stage1_block1_3")


def run(weights: Path, *arguments: object) -> Any:
    return CliRunner().invoke(cli, ["sparsify", str(weights), *map(str, arguments)])


def zeros(kernel: Any) -> float:
    return float((kernel == 0).mean())


def tensorrt_takes(kernel: Any) -> bool:
    """The check of NVIDIA's guide, on weights as [K, C, R, S]."""
    kernel = kernel.reshape((1, 1, *kernel.shape)) if kernel.ndim == 2 else kernel
    laid = kernel.transpose(3, 2, 0, 1)
    return laid.shape[1] % 4 == 0 and all(
        np.count_nonzero(laid[k, c : c + 4, r, s]) <= 2
        for k, r, s in np.ndindex(laid.shape[0], *laid.shape[2:])
        for c in range(0, laid.shape[1], 4)
    )


@pytest.fixture(scope="module")
def file(tiny_weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a network that learns by steps of four films."""
    facts = {
        **tiny_weights.facts,
        "trained_on": {"started_from": "elsewhere"},
        "validation_adults": {"all": 0.6},
    }
    path = tmp_path_factory.mktemp("sparse") / "weights.safetensors"
    recipe = replace(tiny_weights.recipe, batch=4)
    save_weights(path, replace(tiny_weights, recipe=recipe, facts=facts))
    return path


@pytest.fixture(scope="module")
def weights(file: Path) -> Weights:
    return load_weights(file)


@pytest.fixture(scope="module")
def sparse(file: Path, chest_xray: Path) -> Path:
    """Three quarters of the weights are zero, after two epochs."""
    out = file.with_name("sparse.safetensors")
    done = run(file, "--sparsity", 0.75, "--epochs", 2, "--data", chest_xray, "--out", out)
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def two_of_four(file: Path, chest_xray: Path) -> dict[str, Any]:
    """What the command prints, taught by the network itself."""
    out = file.with_name("two-of-four.safetensors")
    done = run(
        file, "--pattern", "2:4", "--epochs", 1, "--learning-rate", 1e-3, "--teacher", file,
        "--data", chest_xray, "--out", out, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def test_the_share_that_was_asked_for_is_there(sparse: Path, weights: Weights) -> None:
    tensors = load_weights(sparse).tensors
    for name in (*(f"{block}_conv" for block in PRUNED), "dense"):
        kernel = tensors[f"{name}/kernel"]
        assert abs(zeros(kernel) - 0.75) <= 1 / kernel.size, name
    for name in ("stem_conv", "logits"):
        assert zeros(tensors[f"{name}/kernel"]) == 0
    moved = [n for n, value in tensors.items() if np.abs(value - weights.tensors[n]).max() > 1e-3]
    assert "stem_conv/kernel" in moved  # it learnt


def test_facts_say_what_is_in_the_file(sparse: Path, weights: Weights) -> None:
    made = load_weights(sparse)
    said = made.facts["sparsity"]
    assert (said["from"], said["share"], said["pattern"]) == (weights.sha256, 0.75, "")
    assert (said["epochs"], said["learning_rate"]) == (2, weights.recipe.learning_rate)
    for name, layer in said["layers"].items():
        kernel = made.tensors[f"{name}/kernel"]
        assert (layer["weights"], layer["zeros"]) == (kernel.size, (kernel == 0).sum())
        assert layer["pruned"] is (name == "dense" or name.removesuffix("_conv") in PRUNED)
    assert said["network"]["weights"] == sum(value.size for value in made.tensors.values())
    assert said["network"]["zeros"] == sum((value == 0).sum() for value in made.tensors.values())


def test_the_file_compresses_smaller_and_is_no_smaller(sparse: Path) -> None:
    sizes = load_weights(sparse).facts["sparsity"]["litert_fp32"]
    before, after = sizes["before"], sizes["after"]
    assert after["gzip_bytes"] < before["gzip_bytes"] < before["bytes"]
    assert after["bytes"] == pytest.approx(before["bytes"], rel=0.02)


def test_operating_points_are_chosen_anew(sparse: Path, weights: Weights) -> None:
    made = load_weights(sparse)
    assert made.facts["operating_points"] != weights.facts["operating_points"]
    assert made.facts["calibration"] != weights.facts["calibration"]
    assert made.facts["trained_on"] == {"started_from": "elsewhere"}
    assert "validation_adults" not in made.facts
    assert made.recipe == replace(weights.recipe, epochs=2, schedule="cosine")


def test_both_kerases_say_the_same(sparse: Path, films: list[Pixels]) -> None:
    made = load_weights(sparse)
    ours, theirs = (
        predict(build_trained(made, namespace), films, made.recipe.input)
        for namespace in (keras, tf_keras)
    )
    assert ours.std() > 1e-3
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_two_of_every_four_input_channels_are_zero(two_of_four: dict[str, Any]) -> None:
    made = load_weights(Path(two_of_four["weights"]))
    pruned = [name for name, layer in two_of_four["layers"].items() if layer["pruned"]]
    assert sorted(pruned) == ["dense", *(f"{block}_conv" for block in PRUNED)]
    for name in pruned:
        kernel = made.tensors[f"{name}/kernel"]
        assert tensorrt_takes(kernel), name
        assert zeros(kernel) == 0.5, name
    assert two_of_four["pattern"] == "2:4"
    assert two_of_four["learning_rate"] == 1e-3
    assert two_of_four["taught_by"] == [two_of_four["from"]]
    assert made.recipe.distillation == 0.75


@pytest.mark.parametrize("goal", [Sparsity(0.6), Sparsity(pattern="2:4")], ids=["share", "2:4"])
def test_the_stripped_network_is_the_pruned_one(
    weights: Weights, films: list[Pixels], chest_xray: Path, goal: Sparsity
) -> None:
    images = load_training_data(chest_xray, 0.3, 1, progress=False).training
    recipe = replace(weights.recipe, epochs=1)
    batches = TrainingBatches(images, recipe)
    pruned = with_pruning(build_trained(weights, tf_keras), goal, len(batches))
    callback = tfmot.sparsity.keras.UpdatePruningStep()
    train_twin(pruned, recipe, batches, callbacks=[callback], progress=False)
    stripped = tfmot.sparsity.keras.strip_pruning(pruned)
    said = [predict(model, films, recipe.input) for model in (pruned, stripped)]
    np.testing.assert_allclose(said[0], said[1], atol=1e-5)
    assert tensors_of(stripped).keys() == weights.tensors.keys()


@pytest.mark.parametrize("steps", [1, 2, 3, 9, 84, 130, 1001])
def test_the_schedule_ends_at_what_was_asked(weights: Weights, steps: int) -> None:
    wrapped = with_pruning(build_trained(weights, tf_keras), Sparsity(0.8), steps)
    schedule = wrapped.get_layer("prune_low_magnitude_dense").pruning_schedule
    due = [step for step in range(1, steps + 1) if schedule(np.int64(step))[0]]
    assert float(schedule(np.int64(due[-1]))[1]) == pytest.approx(0.8)
    assert due[-1] <= max(1, 0.6 * steps + 0.5)
    assert len(due) <= 100


def at_once(weights: Weights, goal: Sparsity) -> Tensors:
    pruned = prune_at_once(build_trained(weights, tf_keras), goal)
    return tensors_of(tfmot.sparsity.keras.strip_pruning(pruned))


def test_without_training_the_smallest_go_at_once(weights: Weights, chest_xray: Path) -> None:
    goal = Sparsity(0.5, epochs=0)
    made = sparsify(weights, goal, data=chest_xray, progress=False)
    assert made.recipe == weights.recipe
    assert made.facts["sparsity"]["learning_rate"] == 0
    for name, value in made.tensors.items():
        before = weights.tensors[name]
        kept = value != 0
        np.testing.assert_array_equal(value[kept], before[kept])
        if not kept.all() and name.endswith("kernel"):
            assert np.abs(before[~kept]).max() < np.abs(before[kept]).min()
            assert zeros(value) == 0.5


def test_of_every_four_the_two_smallest_go(weights: Weights) -> None:
    before = weights.tensors["dense/kernel"]
    after = at_once(weights, Sparsity(pattern="2:4"))["dense/kernel"]
    fours = np.abs(before).T.reshape(-1, 4)
    kept = (after.T.reshape(-1, 4) != 0) * fours
    np.testing.assert_allclose(np.sort(fours)[:, 2:], np.sort(kept)[:, 2:])


def test_channels_that_do_not_come_in_fours_stay(make_weights: Callable[..., Weights]) -> None:
    config = NetworkConfig(
        width=6, depths=(1,), strides=(1,), dilations=(1,), input_size=32, dense=8
    )
    weights = make_weights(config, 9)
    goal = Sparsity(pattern="2:4", epochs=0)
    chosen = prunable_layers(build_trained(weights, tf_keras), goal)
    assert chosen == ("dense",)  # of 24 features; the convolutions have six input channels
    tensors = at_once(weights, goal)
    assert [n for n, value in tensors.items() if "kernel" in n and zeros(value)] == ["dense/kernel"]


def test_a_network_without_fours_is_refused(make_weights: Callable[..., Weights]) -> None:
    config = NetworkConfig(
        width=2, depths=(1,), strides=(1,), dilations=(1,), input_size=32, dense=8,
        pruned=(2, 5, 2, 2),
    )  # fmt: skip
    model = build_trained(make_weights(config, 9), tf_keras)
    assert prunable_layers(model, Sparsity(0.5))
    with pytest.raises(DataRefused) as refusal:
        prunable_layers(model, Sparsity(pattern="2:4"))
    assert refusal.value.code == "nothing_to_prune"


def test_efficientnet_keeps_its_depthwise_convolutions() -> None:
    recipe = Recipe(architecture="efficientnet_lite0")
    keras.utils.set_random_seed(1)
    model = build_network(recipe, tf_keras)
    goal = Sparsity(pattern="2:4", epochs=0)
    tensors = tensors_of(tfmot.sparsity.keras.strip_pruning(prune_at_once(model, goal)))
    pruned = {n for n, value in tensors.items() if n.endswith("kernel") and zeros(value)}
    dense = {n for n in tensors if n.endswith("kernel")} - pruned
    assert {n.removesuffix("/kernel") for n in dense} == {
        "stem_conv", "logits", *(f"block{n}_depth_conv" for n in range(16)),
    }  # fmt: skip
    assert all(
        tensorrt_takes(tensors[name]) for name in ("dense/kernel", "block1_expand_conv/kernel")
    )
    assert all(zeros(tensors[name]) == 0.5 for name in pruned)
    assert build_trained(Weights(tensors, recipe), keras).name == "efficientnet_lite0"


def test_it_learns_from_adults_where_its_recipe_does(
    weights: Weights, chest_xray: Path, tmp_path: Path
) -> None:
    lines = ["Image Index,Finding Labels,Patient ID,View Position"]
    (tmp_path / "images").mkdir()
    for patient in range(1, 31):
        sick = patient % 2 == 0
        for film, view in enumerate(("AP", "PA")):
            name = f"{patient:08d}_{film:03d}.png"
            lines.append(f"{name},{'Pneumonia' if sick else 'No Finding'},{patient},{view}")
            drawn = draw_phantom(2 * patient + film, 64, 3 * sick)
            cv2.imwrite(str(tmp_path / "images" / name), drawn)
    (tmp_path / "Data_Entry_2017_v2020.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    recipe = replace(weights.recipe, chestxray14=0.4, attention=0.5)
    made = sparsify(
        replace(weights, recipe=recipe), Sparsity(0.5, epochs=1), data=chest_xray,
        chestxray14=tmp_path, teachers=[weights], progress=False,
    )  # fmt: skip
    assert (made.recipe.chestxray14, made.recipe.attention) == (0.4, 0.0)
    with pytest.raises(DataRefused) as refusal:
        sparsify(
            replace(weights, recipe=recipe), Sparsity(0.5), data=chest_xray, teachers=[weights]
        )
    assert refusal.value.code == "missing_chestxray14"


@pytest.mark.parametrize(
    ("code", "changes", "goal", "taught"),
    [
        ("not_sparsifiable", {"architecture": "vgg16"}, Sparsity(0.5), False),
        ("missing_teacher", {"distillation": 0.5}, Sparsity(0.5), False),
        ("missing_teacher", {"attention": 0.5}, Sparsity(0.5), False),
        ("idle_teacher", {}, Sparsity(0.5, epochs=0), True),
        ("too_few_images", {"batch": 1000}, Sparsity(0.5), False),
    ],
)
def test_networks_and_teachers_that_do_not_fit_are_refused(
    weights: Weights,
    chest_xray: Path,
    code: str,
    changes: dict[str, Any],
    goal: Sparsity,
    taught: bool,
) -> None:
    changed = replace(weights, recipe=replace(weights.recipe, **changes))
    teachers = [weights] if taught else []
    with pytest.raises(DataRefused) as refusal:
        sparsify(changed, goal, data=chest_xray, teachers=teachers, progress=False)
    assert refusal.value.code == code
