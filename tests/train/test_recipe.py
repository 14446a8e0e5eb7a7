"""Recipes load, refuse what they do not know, and explain every setting."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from edge.errors import DataRefused
from edge.preprocess import InputContract
from train.augmentation import Augmentation
from train.network import NetworkConfig
from train.recipe import RECIPES, Recipe, load_recipe, recipe_from

SHIPPED = sorted(path.stem for path in RECIPES.glob("*.toml"))


def refusal_of(*overrides: str, name: str = "compact") -> DataRefused:
    with pytest.raises(DataRefused) as refusal:
        load_recipe(name, overrides)
    return refusal.value


def test_compact_ships() -> None:
    assert "compact" in SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_load_and_survive_json(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe != Recipe()
    assert recipe_from(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_pruned_network_survives_json_and_toml(tmp_path: Path) -> None:
    shape = "width = 2\ndepths = [1]\nstrides = [1]\ndilations = [1]\npruned = [2, 5, 1, 2]\n"
    path = tmp_path / "pruned.toml"
    path.write_text(f"[network]\n{shape}")
    recipe = load_recipe(str(path))
    assert recipe.network.pruned == (2, 5, 1, 2)
    assert recipe_from(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_recipe_from_before_pruning_or_attention_is_read() -> None:
    values = load_recipe("compact").to_dict()
    del values["network"]["pruned"], values["attention"]
    assert recipe_from(values) == load_recipe("compact")


def test_defaults_count_where_the_file_says_nothing() -> None:
    defaults = {"attention": 0.5, "epochs": 7}
    recipe = load_recipe("compact", defaults=defaults)
    assert recipe.attention == 0.5 and recipe.epochs == load_recipe("compact").epochs != 7
    assert load_recipe("compact", ("attention=0",), defaults).attention == 0


def test_a_file_is_read_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("epochs = 3\nlearning_rate = 1\n[network]\ndepths = [1, 1, 1, 1]\n")
    recipe = load_recipe(str(path))
    assert recipe.epochs == 3
    assert recipe.learning_rate == 1.0 and isinstance(recipe.learning_rate, float)
    assert recipe.network.depths == (1, 1, 1, 1)
    assert recipe.batch == Recipe().batch


def test_overrides_go_over_the_file() -> None:
    recipe = load_recipe(
        "compact",
        (
            "epochs=3",
            "optimizer='adam'",
            "network.width = 8",
            "network.depths=[1, 2, 3, 4]",
            "augmentation.flip=0",
            "balanced=false",
            "epochs=4",
        ),
    )
    base = load_recipe("compact")
    assert recipe.epochs == 4
    assert recipe.optimizer == "adam"
    assert recipe.network.width == 8
    assert recipe.network.depths == (1, 2, 3, 4)
    assert recipe.augmentation.flip == 0.0
    assert recipe.balanced is False
    assert recipe.input == base.input and recipe.batch == base.batch


def test_missing_recipe_names_those_that_ship(tmp_path: Path) -> None:
    for name in ("none", str(tmp_path / "none.toml"), ""):
        refusal = refusal_of(name=name)
        assert refusal.code == "missing_recipe"
        assert "compact" in refusal.message


@pytest.mark.parametrize(
    "override",
    ["speed=1", "network.speed=1", "augmentation.blur=1", "speed.limit=1", "networks.width=1"],
)
def test_unknown_settings_are_refused(override: str) -> None:
    refusal = refusal_of(override)
    assert refusal.code == "invalid_recipe"
    assert "is not a setting" in refusal.message


@pytest.mark.parametrize(
    "override",
    [
        "epochs='ten'",
        "epochs=1.5",
        "epochs=true",
        "balanced=1",
        "optimizer=1",
        "learning_rate='fast'",
        "network=3",
        "network.width=4.0",
        "network.depths=3",
        "network.depths=['a', 'b', 'c', 'd']",
        "network.depths=[1.5, 1, 1, 1]",
        "network.strides=[true, 2, 1, 1]",
        "network.pruned=3",
        "network.pruned=['stem']",
        "network.pruned=[1.5]",
        "epochs.more=1",
        "optimizer.more=1",
        "epochs",
        "epochs=",
        "=3",
        "epochs=[",
    ],
)
def test_wrong_types_are_refused(override: str) -> None:
    assert refusal_of(override).code == "invalid_recipe"


@pytest.mark.parametrize(
    "override",
    [
        "epochs=0",
        "batch=0",
        "patience=0",
        "warmup=-1",
        "seed=-1",
        "learning_rate=0",
        "learning_rate=-1e-3",
        "learning_rate=nan",
        "learning_rate=inf",
        "weight_decay=-0.1",
        "weight_decay=nan",
        "label_smoothing=1.0",
        "label_smoothing=-0.1",
        "distillation=1.1",
        "attention=-0.1",
        "attention=nan",
        "attention=inf",
        "auxiliary=-0.1",
        "validation_fraction=0.0",
        "validation_fraction=1.0",
        "optimizer='sgd'",
        "schedule='step'",
        "network.width=0",
        "network.dropout=1.0",
        "network.depths=[1, 1]",
        "network.pruned=[1, 1]",
        "input.size=149",
        "input.blur=-1.0",
        "input.resize='nearest'",
        "augmentation.flip=1.1",
        "augmentation.noise=-1.0",
        "augmentation.rotation=nan",
    ],
)
def test_values_out_of_range_are_refused_with_what_was_received(override: str) -> None:
    refusal = refusal_of(override)
    assert refusal.code == "invalid_recipe"
    assert "Received" in refusal.message


def test_broken_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("epochs = = 3")
    assert refusal_of(name=str(path)).code == "invalid_recipe"
    path.write_bytes(b"epochs = 3 # \xff")
    assert refusal_of(name=str(path)).code == "invalid_recipe"


def test_plain_values_must_be_a_table() -> None:
    received: list[Any] = [[], "epochs", 3, None]
    for values in received:
        with pytest.raises(ValueError, match="table"):
            recipe_from(values)


@pytest.mark.parametrize("kind", [Recipe, NetworkConfig, InputContract, Augmentation])
def test_every_setting_is_explained(kind: type) -> None:
    text = inspect.getdoc(kind) or ""
    attributes = text.partition("Attributes:\n")[2]
    for setting in fields(kind):
        assert re.search(rf"^    {setting.name}: \S", attributes, re.MULTILINE), setting.name
