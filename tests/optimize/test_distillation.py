"""A student comes to say what its teacher says and to look where it looks; and the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from edge.preprocess import preprocess
from optimize.cli import cli
from optimize.distillation import SHARES, cost_of, student_of
from optimize.pruning import Goal, prune
from train.attention import attention_maps, head_of
from train.attentive import attentive
from train.augmentation import Augmentation, Pixels
from train.batches import TrainingBatches
from train.datasets import LabelledImages, Sample
from train.evaluation import predict_margins
from train.loop import run_epochs
from train.network import NetworkConfig
from train.recipe import load_recipe
from train.rivals import build_network
from train.run import Run
from train.teaching import Teachers
from train.weights import Weights, build_trained, load_weights, save_weights, weights_of

SHAPE = NetworkConfig(
    width=4, depths=(1, 1), strides=(1, 1), dilations=(1, 2), input_size=32, dense=8, dropout=0.0
)
REPEATS = 16
STILL = Augmentation(flip=0, rotation=0, scale=0, shift=0)


@dataclass(frozen=True)
class Seen:
    """What a network makes of the toy films: margins, and maps as the kiosk shows them."""

    margins: Any
    maps: Any

    def says_like(self, other: Seen) -> float:
        return float(np.corrcoef(self.margins, other.margins)[0, 1])

    def apart(self, other: Seen) -> float:
        return float(np.abs(self.margins - other.margins).mean())

    def looks_like(self, other: Seen) -> float:
        """Mean cosine of the maps."""
        ours, theirs = (m.reshape(len(m), -1) for m in (self.maps, other.maps))
        lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
        return float(((ours * theirs).sum(axis=1) / np.maximum(lengths, 1e-6)).mean())


def look(weights: Weights, films: list[Pixels]) -> Seen:
    model, contract = build_trained(weights, keras), weights.recipe.input
    features = keras.Model(model.input, model.get_layer("features").output)
    found = features.predict_on_batch(np.stack([preprocess(film, contract) for film in films]))
    return Seen(predict_margins(model, films, contract), attention_maps(head_of(model), found))


@pytest.fixture(scope="module")
def teacher(make_weights: Callable[..., Weights]) -> Weights:
    return replace(make_weights(SHAPE, 3), facts={})


@pytest.fixture(scope="module")
def toys(films: list[Pixels]) -> LabelledImages:
    """Twelve films, often enough for an epoch of some steps."""
    samples = [Sample(Path(f"{i}.png"), i % 2, str(i), "drawn") for i in range(len(films))]
    return LabelledImages(tuple(samples * REPEATS), np.stack(films * REPEATS))


def student(
    teacher: Weights, toys: LabelledImages, folder: Path, attention: float, epochs: int
) -> Weights:
    """Taught on the toys alone, from random weights of the teacher's shape."""
    recipe = replace(
        teacher.recipe, distillation=1.0, attention=attention, epochs=max(epochs, 1), batch=8,
        learning_rate=1e-2, schedule="cosine", augmentation=STILL,
    )  # fmt: skip
    keras.utils.set_random_seed(7)
    model = build_network(recipe, keras)
    if epochs:
        model = attentive(model) if attention else model
        run_epochs(
            model, recipe, TrainingBatches(toys, recipe, teachers=Teachers([teacher], recipe)),
            lambda model: {"nothing": 0.0}, Run(folder), [], watch="nothing", progress=False,
        )  # fmt: skip
    return weights_of(model, recipe)


def test_a_student_of_the_same_shape_converges_to_its_teacher(
    teacher: Weights, toys: LabelledImages, films: list[Pixels], tmp_path: Path
) -> None:
    taught = look(teacher, films)
    begun, says, looks = (
        look(student(teacher, toys, tmp_path / str(attention), attention, epochs), films)
        for attention, epochs in ((0.0, 0), (0.0, 15), (SHARES["attention"], 15))
    )
    assert taught.margins.std() > 0.5
    for found in (says, looks):
        assert found.says_like(taught) > 0.95 > 0.8 > begun.says_like(taught)
        assert found.apart(taught) < 0.4 * begun.apart(taught)
    # What is said alike need not be seen alike.
    assert looks.looks_like(taught) > says.looks_like(taught) + 0.3


@pytest.fixture(scope="module")
def teacher_files(
    make_weights: Callable[..., Weights], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Two teachers of other shapes and input sizes."""
    folder = tmp_path_factory.mktemp("teachers")
    paths = (folder / "wide.safetensors", folder / "large.safetensors")
    shapes = (replace(SHAPE, width=8), replace(SHAPE, input_size=48))
    for seed, (path, shape) in enumerate(zip(paths, shapes, strict=True)):
        save_weights(path, make_weights(shape, seed))
    return paths


SMALL = tuple(
    part
    for setting in (
        "network.width=2", "network.depths=[1, 1]", "network.strides=[1, 2]",
        "network.dilations=[1, 2]", "network.input_size=32", "network.dense=4", "input.size=32",
        "epochs=1", "batch=4", "warmup=1", "validation_fraction=0.3",
    )
    for part in ("--set", setting)
)  # fmt: skip


def run(data: Path, out: Path, *arguments: object) -> Any:
    given = ("distill", "--student", "compact", *SMALL, "--data", data, "--out", out, *arguments)
    return CliRunner().invoke(cli, list(map(str, given)))


def test_the_command_teaches_and_says_what_it_saves(
    teacher_files: tuple[Path, Path], chest_xray: Path, tmp_path: Path
) -> None:
    wide, large = map(load_weights, teacher_files)
    given = ("--teacher", teacher_files[0], "--teacher", teacher_files[1])
    done = run(chest_xray, tmp_path, *given, "--json")
    assert done.exit_code == 0, done.output
    student = load_weights(tmp_path / "weights.safetensors")
    assert (student.recipe.network.width, student.recipe.network.depths) == (2, (1, 1))
    assert {name: getattr(student.recipe, name) for name in SHARES} == SHARES
    origin = student.facts["trained_on"]["started_from"]
    assert origin == f"random weights; taught by {wide.sha256}; taught by {large.sha256}"
    printed = json.loads(done.stdout)
    for who, weights in (("student", student), ("teacher", wide)):
        held = sum(tensor.size for tensor in weights.tensors.values())
        assert printed[who] == asdict(cost_of(weights.recipe))
        assert printed[who]["parameters"] == held
    assert printed["operating_points"] == student.facts["operating_points"]
    assert f"{printed['student']['multiplications']:,} multiplications" in done.stderr

    assert "(run_exists)" in run(chest_xray, tmp_path, *given).output
    again = run(chest_xray, tmp_path, *given, "--resume")
    assert again.exit_code == 0 and f"written: {tmp_path}" in again.stdout


def test_a_pruned_network_is_taught_in_its_shape(
    teacher_files: tuple[Path, Path], chest_xray: Path, tmp_path: Path
) -> None:
    pruned = prune(load_weights(teacher_files[0]), Goal(macs=0.5, importance="gamma"))
    path = tmp_path / "pruned.safetensors"
    save_weights(path, pruned)
    done = run(chest_xray, tmp_path / "run", "--teacher", teacher_files[0], "--from", path)
    assert done.exit_code == 0, done.output
    taught = load_weights(tmp_path / "run" / "weights.safetensors")
    assert taught.recipe.network.pruned == pruned.recipe.network.pruned != ()
    assert taught.recipe.network.dropout == 0.5  # the recipe's
    assert load_weights(path).sha256 in taught.facts["trained_on"]["started_from"]


def test_what_the_recipe_says_of_its_teachers_stands(tmp_path: Path) -> None:
    assert student_of("compact").attention == SHARES["attention"]
    assert student_of("compact", ("attention=0",)).attention == 0
    assert student_of("taught").distillation == 0.75
    path = tmp_path / "mine.toml"
    path.write_text("distillation = 0.5\nattention = 0.0\n")
    mine = student_of(str(path))
    assert (mine.distillation, mine.attention) == (0.5, 0.0)


def test_the_student_that_ships_is_smaller_by_far() -> None:
    student, compact = (cost_of(load_recipe(name)) for name in ("student", "compact"))
    assert student.parameters < compact.parameters / 3
    assert student.multiplications < compact.multiplications / 3


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("idle_teacher", ("--set", "distillation=0", "--set", "attention=0")),
        ("other_patients", ("--set", "split_seed=7")),
        ("invalid_recipe", ("--set", "network.width=0")),
        ("invalid_recipe", ("--set", "attention=-1")),
        ("missing_recipe", ("--student", "none")),
        ("missing_weights", ("--teacher", "none.safetensors")),
        ("missing_weights", ("--from", "none.safetensors")),
        ("missing_chestxray14", ("--set", "chestxray14=0.5")),
    ],
)
def test_refusals_name_their_code(
    teacher_files: tuple[Path, Path],
    chest_xray: Path,
    tmp_path: Path,
    code: str,
    arguments: tuple[str, ...],
) -> None:
    done = run(chest_xray, tmp_path / "run", "--teacher", teacher_files[0], *arguments)
    assert done.exit_code == 2, done.output
    assert f"({code})" in done.output
    assert not (tmp_path / "run" / "weights.safetensors").exists()


def test_without_a_teacher_nothing_is_distilled(chest_xray: Path, tmp_path: Path) -> None:
    done = run(chest_xray, tmp_path / "run")
    assert done.exit_code == 2 and "--teacher" in done.output


def test_help_has_an_example() -> None:
    done = CliRunner().invoke(cli, ["distill", "--help"])
    assert done.exit_code == 0
    assert "Example: pneumokiosk-optimize distill" in done.output
