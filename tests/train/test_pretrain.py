"""Pre-training learns findings from the patients that it may, and says how well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edge.errors import DataRefused
from train.chestxray14 import split_chestxray14
from train.fit import Beginning
from train.pretrain import pretrain
from train.recipe import Recipe
from train.weights import Weights, load_weights

OUTPUTS = ("Pneumonia", "Mass", "Hernia")


@pytest.fixture(scope="module")
def recipe(tiny_recipe: Recipe) -> Recipe:
    network = replace(tiny_recipe.network, outputs=len(OUTPUTS))
    return replace(
        tiny_recipe, outputs=OUTPUTS, network=network, epochs=2, batch=16, balanced=False
    )


@pytest.fixture(scope="module")
def run(
    recipe: Recipe, chestxray14: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str]]:
    """A finished run and what it said."""
    said: list[str] = []
    folder = tmp_path_factory.mktemp("runs") / "pretrained"
    path = pretrain(recipe, chestxray14, folder, progress=False, say=said.append)
    assert path == folder / "weights.safetensors"
    return folder, said


@pytest.fixture(scope="module")
def weights(run: tuple[Path, list[str]]) -> Weights:
    return load_weights(run[0] / "weights.safetensors")


def test_facts_of_every_finding(weights: Weights, recipe: Recipe, chestxray14: Path) -> None:
    validation = split_chestxray14(
        chestxray14, recipe.validation_fraction, recipe.split_seed
    ).validation
    assert weights.recipe == recipe
    found: dict[str, Any] = weights.facts["findings"]
    assert tuple(found) == OUTPUTS
    for name in ("Pneumonia", "Mass"):
        assert found[name]["positives"] == sum(name in s.findings for s in validation) > 0
        assert 0 <= found[name]["low"] <= found[name]["value"] <= found[name]["high"] <= 1
    assert found["Hernia"] == {"positives": 0}  # nothing to measure on


def test_what_it_was_trained_on_is_said(
    run: tuple[Path, list[str]], weights: Weights, recipe: Recipe, chestxray14: Path
) -> None:
    split = split_chestxray14(chestxray14, recipe.validation_fraction, recipe.split_seed)
    trained_on = weights.facts["trained_on"]
    assert trained_on["training_images"] == len(split.training)
    assert trained_on["validation_images"] == len(split.validation)
    assert trained_on["found"] == split.summary
    assert trained_on["started_from"] == "random weights"
    assert run[1] == ["ChestX-ray14: 110 of 120 rows have an image"]


def test_the_held_out_fifth_is_not_even_read(
    recipe: Recipe, chestxray14: Path, tmp_path: Path, weights: Weights
) -> None:
    """The held-out images are spoilt, and training does not notice."""
    root = tmp_path / "chestxray14"
    (root / "images").mkdir(parents=True)
    (root / "Data_Entry_2017_v2020.csv").symlink_to(chestxray14 / "Data_Entry_2017_v2020.csv")
    held_out = {s.path.name for s in split_chestxray14(chestxray14, 0.2, 0).held_out}
    for path in (chestxray14 / "images").iterdir():
        if path.name in held_out:
            (root / "images" / path.name).write_bytes(b"spoilt")
        else:
            (root / "images" / path.name).symlink_to(path)
    once = replace(recipe, epochs=1)
    trained = load_weights(pretrain(once, root, tmp_path / "run", progress=False))
    assert (
        trained.facts["trained_on"]["training_images"]
        == (weights.facts["trained_on"]["training_images"])
    )


def test_finished_run_resumes_to_itself(
    run: tuple[Path, list[str]], weights: Weights, recipe: Recipe, chestxray14: Path
) -> None:
    path = pretrain(recipe, chestxray14, run[0], resume=True, progress=False)
    again = load_weights(path)
    for name, value in weights.tensors.items():
        np.testing.assert_array_equal(again.tensors[name], value, err_msg=name)
    assert again.facts["findings"] == weights.facts["findings"]


def test_given_weights_are_announced(
    weights: Weights, recipe: Recipe, chestxray14: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    other = replace(recipe, outputs=("Mass", "Edema", "Hernia"), epochs=1, learning_rate=1e-9)
    path = pretrain(
        other, chestxray14, tmp_path / "run", beginning=Beginning(weights), progress=False,
        say=said.append,
    )  # fmt: skip
    assert "outputs loaded: Mass, Hernia; outputs that begin at random: Edema" in said[-1]
    trained = load_weights(path)
    assert trained.facts["trained_on"]["started_from"] == weights.sha256
    np.testing.assert_allclose(
        trained.tensors["dense/kernel"], weights.tensors["dense/kernel"], atol=1e-3
    )


def test_outputs_that_are_no_findings_are_refused(
    tiny_recipe: Recipe, chestxray14: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataRefused) as refusal:
        pretrain(tiny_recipe, chestxray14, tmp_path / "run", progress=False)
    assert refusal.value.code == "unknown_finding"
    assert "normal, pneumonia" in refusal.value.message
    assert not (tmp_path / "run").exists()


def test_precision_is_back_afterwards(weights: Weights) -> None:
    assert weights.recipe.precision == keras.config.dtype_policy().name == "float32"
