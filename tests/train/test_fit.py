"""A run writes what it promises, guards its folder, and survives being killed."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from safetensors import safe_open

from edge.errors import DataRefused, WorkFailed
from train.chestxray14 import decided, split_chestxray14
from train.datasets import load_images
from train.fit import Beginning, fit
from train.network import OUTPUTS, NetworkConfig, build
from train.operating import choose_operation, shifted_margins
from train.other_hospital import adult_aucs
from train.recipe import Recipe
from train.splits import load_training_data
from train.weights import Weights, as_stored, build_trained, load_weights, weights_of

ROOT = Path(__file__).parents[2]
LOGGED = ("loss", "val_loss", "val_accuracy", "learning_rate")
COLUMNS = ("epoch", *LOGGED, "images_per_second", "seconds")


def read_log(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def refusal_of(*arguments: Any, **options: Any) -> str:
    with pytest.raises(DataRefused) as refusal:
        fit(*arguments, progress=False, **options)
    return refusal.value.code


@pytest.fixture(scope="module")
def unbroken(
    tiny_recipe: Recipe, chest_xray: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    assert fit(tiny_recipe, chest_xray, run, progress=False) == run / "weights.safetensors"
    return run


@pytest.fixture(scope="module")
def beginning(tiny_recipe: Recipe) -> Weights:
    model = build(tiny_recipe.network, keras)
    return replace(weights_of(model, tiny_recipe), sha256="ab" * 32)


def test_log_has_one_row_an_epoch(unbroken: Path, tiny_recipe: Recipe) -> None:
    rows = read_log(unbroken)
    assert tuple(rows[0]) == COLUMNS
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates == sorted(rates, reverse=True) and 0 <= rates[-1] < rates[0] < 0.01
    for row in rows:
        assert 0 <= float(row["val_accuracy"]) <= 1
        assert float(row["loss"]) > 0 and float(row["val_loss"]) > 0


def test_weights_say_where_they_come_from(unbroken: Path, tiny_recipe: Recipe) -> None:
    weights = load_weights(unbroken / "weights.safetensors")
    assert weights.recipe == tiny_recipe
    trained_on = weights.facts["trained_on"]
    assert trained_on["duplicates_removed"] == 3
    assert trained_on["training_images"] + trained_on["validation_images"] == 32
    assert trained_on["started_from"] == "random weights"
    assert trained_on["imagenet"] is False
    assert weights.facts["made_by"]["keras"] == keras.__version__
    assert {p["name"] for p in weights.facts["operating_points"]} == {"refer", "uncertain"}


def test_thresholds_are_those_of_the_validation_patients(
    unbroken: Path, tiny_recipe: Recipe, chest_xray: Path
) -> None:
    weights = load_weights(unbroken / "weights.safetensors")
    images = load_training_data(
        chest_xray, tiny_recipe.validation_fraction, tiny_recipe.split_seed, progress=False
    )
    model = build_trained(weights, keras)
    margins = shifted_margins(model, images.validation, tiny_recipe, progress=False)
    again = choose_operation(margins, images.validation.labels)
    for stated, found in zip(
        weights.facts["operating_points"], again["operating_points"], strict=True
    ):
        assert stated["threshold"] == pytest.approx(found["threshold"], abs=1e-4)


def test_training_moves_every_weight(unbroken: Path, tiny_recipe: Recipe) -> None:
    keras.utils.set_random_seed(tiny_recipe.seed)
    before = weights_of(build(tiny_recipe.network, keras), tiny_recipe).tensors
    after = load_weights(unbroken / "weights.safetensors").tensors
    still = [name for name in before if np.allclose(before[name], after[name], atol=1e-4)]
    assert not still


def test_existing_run_is_not_overwritten(
    unbroken: Path, tiny_recipe: Recipe, chest_xray: Path
) -> None:
    before = (unbroken / "weights.safetensors").read_bytes()
    assert refusal_of(tiny_recipe, chest_xray, unbroken) == "run_exists"
    assert (unbroken / "weights.safetensors").read_bytes() == before


def test_another_recipe_is_not_resumed(
    unbroken: Path, tiny_recipe: Recipe, chest_xray: Path
) -> None:
    for other in (
        replace(tiny_recipe, learning_rate=0.02),
        replace(tiny_recipe, augmentation=replace(tiny_recipe.augmentation, flip=0.4)),
    ):
        assert refusal_of(other, chest_xray, unbroken, resume=True) == "recipe_changed"


def test_a_run_from_before_a_setting_existed_is_resumed(
    unbroken: Path, tiny_recipe: Recipe, chest_xray: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(unbroken, tmp_path / "run")
    path = run / "recipe.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    del settings["attention"]
    path.write_text(json.dumps(settings), encoding="utf-8")
    fit(tiny_recipe, chest_xray, run, resume=True, progress=False)


def test_another_beginning_is_not_resumed(
    unbroken: Path, tiny_recipe: Recipe, chest_xray: Path, beginning: Weights
) -> None:
    found = refusal_of(
        tiny_recipe, chest_xray, unbroken, resume=True, beginning=Beginning(beginning)
    )
    assert found == "start_changed"


def test_finished_run_resumes_to_itself(
    unbroken: Path, tiny_recipe: Recipe, chest_xray: Path
) -> None:
    before = load_weights(unbroken / "weights.safetensors")
    log = (unbroken / "log.csv").read_bytes()
    fit(tiny_recipe, chest_xray, unbroken, resume=True, progress=False)
    after = load_weights(unbroken / "weights.safetensors")
    for name, value in before.tensors.items():
        np.testing.assert_array_equal(after.tensors[name], value)
    assert after.facts["operating_points"] == before.facts["operating_points"]
    assert (unbroken / "log.csv").read_bytes() == log


RUN = """
import sys
from pathlib import Path
from train.fit import fit
from train.recipe import load_recipe
fit(load_recipe(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), progress=False)
"""


def as_toml(recipe: Recipe) -> str:
    """The recipe as a file; JSON writes these plain values as TOML does."""
    lines, tables = [], []
    for name, value in recipe.to_dict().items():
        if isinstance(value, dict):
            tables.append(f"[{name}]")
            tables += [f"{key} = {json.dumps(inner)}" for key, inner in value.items()]
        else:
            lines.append(f"{name} = {json.dumps(value)}")
    return "\n".join(lines + tables)


def test_killed_run_resumes_to_the_same_weights(
    unbroken: Path, tiny_recipe: Recipe, chest_xray: Path, tmp_path: Path
) -> None:
    (tmp_path / "tiny.toml").write_text(as_toml(tiny_recipe))
    run = tmp_path / "killed"
    arguments = [str(tmp_path / "tiny.toml"), str(chest_xray), str(run)]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None and not list(run.glob("checkpoint-*.keras")):
            time.sleep(0.005)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (run / "weights.safetensors").exists()
    assert list(run.glob("checkpoint-*.keras"))

    assert refusal_of(tiny_recipe, chest_xray, run) == "run_exists"
    path = fit(tiny_recipe, chest_xray, run, resume=True, progress=False)
    resumed, expected = load_weights(path), load_weights(unbroken / "weights.safetensors")
    for name, value in expected.tensors.items():
        np.testing.assert_allclose(resumed.tensors[name], value, atol=1e-5, err_msg=name)
    for left, right in zip(read_log(run), read_log(unbroken), strict=True):
        for column in LOGGED:
            assert float(left[column]) == pytest.approx(float(right[column]), abs=1e-5)


@pytest.mark.parametrize(
    "origin", [{"imagenet": True}, {"started_from": "ImageNet: lite0.pth; taught by nobody"}]
)
def test_weights_remember_that_they_descend_from_imagenet(
    origin: dict[str, Any], beginning: Weights
) -> None:
    assert not Beginning(beginning).descends_from_imagenet
    descended = replace(beginning, facts={**beginning.facts, "trained_on": origin})
    assert Beginning(descended).descends_from_imagenet


def test_given_weights_are_where_training_begins(
    tiny_recipe: Recipe, chest_xray: Path, beginning: Weights, tmp_path: Path
) -> None:
    slow = replace(tiny_recipe, epochs=1, learning_rate=1e-9)
    path = fit(slow, chest_xray, tmp_path / "run", beginning=Beginning(beginning), progress=False)
    trained = load_weights(path)
    assert trained.facts["trained_on"]["started_from"] == beginning.sha256
    for name, value in beginning.tensors.items():
        if "moving_" not in name:  # these follow the images, whatever the rate
            np.testing.assert_allclose(trained.tensors[name], value, atol=2e-3, err_msg=name)
    found = refusal_of(slow, chest_xray, tmp_path / "run", resume=True)
    assert found == "start_changed"


def test_weights_of_another_network_are_refused(
    tiny_recipe: Recipe, chest_xray: Path, beginning: Weights, tmp_path: Path
) -> None:
    wider = replace(tiny_recipe, network=replace(tiny_recipe.network, width=2))
    found = refusal_of(wider, chest_xray, tmp_path / "run", beginning=Beginning(beginning))
    assert found == "weights_mismatch"


def test_a_run_that_was_refused_leaves_its_folder_free(
    tiny_recipe: Recipe, chest_xray: Path, tmp_path: Path
) -> None:
    once = replace(tiny_recipe, epochs=1)
    assert refusal_of(once, tmp_path / "none", tmp_path / "run") == "missing_folder"
    assert fit(once, chest_xray, tmp_path / "run", progress=False).is_file()
    assert refusal_of(once, chest_xray, tmp_path / "run") == "run_exists"


def test_children_and_adults_are_learned_together(
    tiny_recipe: Recipe, chest_xray: Path, chestxray14: Path, tmp_path: Path
) -> None:
    recipe = replace(
        tiny_recipe, epochs=1, chestxray14=0.5, outputs=(*OUTPUTS, "Mass", "Pneumonia"),
        network=replace(tiny_recipe.network, outputs=4),
    )  # fmt: skip
    assert refusal_of(recipe, chest_xray, tmp_path / "without") == "missing_chestxray14"
    run, said = tmp_path / "run", list[str]()
    path = fit(
        recipe, chest_xray, run, chestxray14=chestxray14, progress=False, say=said.append
    )  # fmt: skip
    assert said == ["ChestX-ray14: 110 of 120 rows have an image"]
    weights = load_weights(path)
    split = split_chestxray14(chestxray14, recipe.validation_fraction, recipe.split_seed)
    trained_on = weights.facts["trained_on"]
    assert trained_on["chestxray14_images"] == len(split.training)
    assert "held-out fifth" in trained_on["data"]
    assert np.isfinite(float(read_log(run)[0]["loss"]))
    adults = load_images(decided(split.validation), progress=False)
    expected = adult_aucs(build_trained(weights, keras), adults, recipe.input)
    assert weights.facts["validation_adults"] == pytest.approx(expected, abs=1e-6)
    assert 0 <= float(read_log(run)[0]["val_adults_auc"]) <= 1


@pytest.mark.parametrize("frozen_epochs", [1, 2])
def test_frozen_epochs_move_the_dense_layers_alone(
    tiny_recipe: Recipe, chest_xray: Path, beginning: Weights, tmp_path: Path, frozen_epochs: int
) -> None:
    recipe = replace(tiny_recipe, epochs=2, frozen_epochs=frozen_epochs, warmup=1)
    path = fit(recipe, chest_xray, tmp_path, beginning=Beginning(beginning), progress=False)
    trained, begun = load_weights(path).tensors, as_stored(beginning).tensors
    moved = {name for name, value in begun.items() if not np.array_equal(trained[name], value)}
    head = {name for name in begun if name.split("/")[0] in ("dense", "logits")}
    assert moved == head if frozen_epochs == 2 else head < moved
    assert len(read_log(tmp_path)) == 2


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains_and_thresholds_are_for_full_precision(
    tiny_recipe: Recipe, chest_xray: Path, tmp_path: Path, precision: str
) -> None:
    recipe = replace(tiny_recipe, epochs=2, precision=precision)
    before = keras.config.dtype_policy()
    path = fit(recipe, chest_xray, tmp_path, progress=False)
    assert keras.config.dtype_policy() == before
    saved = next(tmp_path.glob("checkpoint-*.keras"))
    checkpoint = keras.saving.load_model(saved, compile=False)
    assert checkpoint.get_layer("stem_conv").compute_dtype == precision.removeprefix("mixed_")
    assert all(np.isfinite(float(row["loss"])) for row in read_log(tmp_path))
    with safe_open(str(path), framework="np") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {np.dtype(np.float16)}
    weights = load_weights(path)
    images = load_training_data(chest_xray, recipe.validation_fraction, recipe.split_seed, False)
    model = build_trained(weights, keras)
    assert model.compute_dtype == "float32"
    margins = shifted_margins(model, images.validation, recipe, progress=False)
    again = choose_operation(margins, images.validation.labels)
    for name in ("slope", "intercept"):
        stated, found = weights.facts["calibration"][name], again["calibration"][name]
        assert stated == pytest.approx(found, rel=1e-4)
    fit(recipe, chest_xray, tmp_path, resume=True, progress=False)
    for name, value in load_weights(path).tensors.items():
        np.testing.assert_array_equal(weights.tensors[name], value, err_msg=name)


def test_batch_larger_than_the_data_is_refused(
    tiny_recipe: Recipe, chest_xray: Path, tmp_path: Path
) -> None:
    huge = replace(tiny_recipe, batch=500)
    assert refusal_of(huge, chest_xray, tmp_path / "run") == "too_few_images"


def test_missing_data_is_refused(tiny_recipe: Recipe, tmp_path: Path) -> None:
    assert refusal_of(tiny_recipe, tmp_path / "none", tmp_path / "run") == "missing_folder"


def test_diverged_training_stops(tiny_recipe: Recipe, chest_xray: Path, tmp_path: Path) -> None:
    poisoned = weights_of(build(tiny_recipe.network, keras), tiny_recipe)
    poisoned.tensors["logits/bias"][:] = np.nan
    with pytest.raises(WorkFailed) as failure:
        fit(
            tiny_recipe, chest_xray, tmp_path / "run", beginning=Beginning(poisoned), progress=False
        )
    assert failure.value.code == "diverged"
    assert not (tmp_path / "run" / "weights.safetensors").exists()


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_weight_decay_shrinks_kernels_only(
    tiny_recipe: Recipe, chest_xray: Path, tmp_path: Path, optimizer: str
) -> None:
    shape = NetworkConfig(
        width=1, depths=(1,), strides=(1,), dilations=(1,), input_size=32, dense=4
    )
    recipe = replace(
        tiny_recipe, network=shape, epochs=1, optimizer=optimizer, learning_rate=1e-4,
        weight_decay=500.0,
    )  # fmt: skip
    begin = weights_of(build(shape, keras), recipe)
    path = fit(recipe, chest_xray, tmp_path / "run", beginning=Beginning(begin), progress=False)
    after = load_weights(path).tensors
    for name, value in begin.tensors.items():
        if name.endswith(("/kernel", "/gamma")):
            shrunk = np.abs(after[name]).sum() < 0.95 * np.abs(value).sum()
            assert shrunk == (optimizer == "adamw" and name.endswith("/kernel")), name
