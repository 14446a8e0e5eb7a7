"""A pupil learns what its teachers say, where they know and where nobody else does, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import keras
import numpy as np
import pytest

from edge.errors import DataRefused
from edge.phantom import draw_phantom
from edge.preprocess import InputContract
from train.attentive import GRID, attentive
from train.evaluation import predict, predict_margins
from train.fit import fit
from train.network import OUTPUTS
from train.recipe import Recipe
from train.rivals import build_network
from train.run import Row, Run
from train.teaching import Teachers
from train.weights import Weights, build_trained, load_weights, weights_of

FILMS = [draw_phantom(seed, 64, opacities) for seed in range(8) for opacities in (0, 3)]
NAN = np.nan


def teacher_of(
    recipe: Recipe,
    outputs: tuple[str, ...],
    seed: int,
    size: int = 32,
    architecture: str = "dilated",
) -> Weights:
    """An untrained network whose answers differ from film to film."""
    network = replace(recipe.network, outputs=len(outputs), input_size=size)
    own = replace(
        recipe, architecture=architecture, outputs=outputs, network=network,
        input=InputContract(size=size),
    )  # fmt: skip
    keras.utils.set_random_seed(seed)
    weights = weights_of(build_network(own, keras), own)
    tensors = dict(weights.tensors)
    answers = predict(build_trained(weights, keras), FILMS, own.input)
    logits = np.log(answers / (1 - answers))
    # Spread the answers over films, as a trained network's are.
    gain = 2 / np.maximum(logits.std(axis=0), 1e-3)
    tensors["logits/kernel"] = weights.tensors["logits/kernel"] * gain
    tensors["logits/bias"] = -logits.mean(axis=0) * gain
    return replace(weights, tensors=tensors, sha256=f"{seed:064d}")


@pytest.fixture(scope="module")
def pupil(tiny_recipe: Recipe) -> Recipe:
    outputs = (*OUTPUTS, "Mass", "Edema")
    network = replace(tiny_recipe.network, outputs=4, dropout=0.0)
    return replace(tiny_recipe, outputs=outputs, network=network, distillation=0.75)


def test_targets_are_mixed_by_output(pupil: Recipe) -> None:
    one = teacher_of(pupil, ("pneumonia", "Mass"), 1)
    two = teacher_of(pupil, ("pneumonia",), 2, size=48)
    hard = np.tile(np.array([[0.0, 1.0, NAN, NAN]], np.float32), (len(FILMS), 1))
    found = Teachers([one, two], pupil).blend(FILMS, hard)
    said = [predict(build_trained(t, keras), FILMS, t.recipe.input) for t in (one, two)]
    mean = (said[0][:, 0] + said[1][:, 0]) / 2
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:, 0], 0.0)  # no teacher knows it
    np.testing.assert_allclose(found[:, 1], 0.75 * mean + 0.25, atol=1e-6)
    np.testing.assert_allclose(found[:, 2], said[0][:, 1], atol=1e-6)  # the teacher alone
    assert np.isnan(found[:, 3]).all()  # nobody says
    assert found[:, 1].std() > 0.05


def test_maps_of_other_sizes_and_architectures_are_averaged(pupil: Recipe) -> None:
    teachers = [
        teacher_of(pupil, OUTPUTS, 1, size=48),
        teacher_of(pupil, (*OUTPUTS, "Mass"), 2, size=64, architecture="efficientnet_lite0"),
    ]
    hard = np.tile(np.array([[0.0, 1.0, NAN, NAN]], np.float32), (len(FILMS), 1))
    both = Teachers(teachers, replace(pupil, attention=0.5)).blend(FILMS, hard)
    assert both.shape == (len(FILMS), 4 + GRID**2) and both.dtype == np.float32
    np.testing.assert_array_equal(both[:, :4], Teachers(teachers, pupil).blend(FILMS, hard))
    maps = [
        predict(attentive(build_trained(t, keras)), FILMS, t.recipe.input)[:, -(GRID**2) :]
        for t in teachers
    ]
    np.testing.assert_allclose(both[:, 4:], (maps[0] + maps[1]) / 2, atol=1e-6)
    assert np.linalg.norm(both[:, 4:], axis=1).max() < 1  # they disagree

    alone = Teachers(teachers, replace(pupil, attention=0.5, distillation=0.0)).blend(FILMS, hard)
    np.testing.assert_array_equal(alone[:, :4], hard)  # of what they say nothing is taken
    np.testing.assert_array_equal(alone[:, 4:], both[:, 4:])


def test_pupil_comes_to_its_teacher_against_the_labels(
    tiny_recipe: Recipe, chest_xray: Path, tmp_path: Path
) -> None:
    network = replace(tiny_recipe.network, width=4, dense=16, dropout=0.0)
    alone = replace(tiny_recipe, network=network, epochs=20)
    learnt = load_weights(fit(alone, chest_xray, tmp_path / "teacher", progress=False))
    logits = {k: -v for k, v in learnt.tensors.items() if k.startswith("logits/")}
    contrary = replace(learnt, tensors={**learnt.tensors, **logits})
    taught = replace(alone, distillation=1.0, seed=6, epochs=40)
    path = fit(taught, chest_xray, tmp_path / "pupil", teachers=[contrary], progress=False)
    pupil = load_weights(path)
    says, repeats = (
        predict_margins(build_trained(weights, keras), FILMS, alone.input)
        for weights in (contrary, pupil)
    )
    # Who believes the labels says the opposite of this teacher.
    assert np.corrcoef(says, repeats)[0, 1] > 0.5
    assert pupil.facts["trained_on"]["started_from"].endswith(f"taught by {learnt.sha256}")


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_pupil_of_attention_is_stored_as_any_other_and_resumes_exactly(
    tiny_recipe: Recipe, chest_xray: Path, tmp_path: Path, precision: str
) -> None:
    recipe = replace(
        tiny_recipe, distillation=0.75, attention=0.5, precision=precision, epochs=3,
        frozen_epochs=1,
    )  # fmt: skip
    teachers = [teacher_of(recipe, OUTPUTS, 1, size=48)]
    straight = fit(recipe, chest_xray, tmp_path / "one", teachers=teachers, progress=False)
    weights = load_weights(straight)
    build_trained(weights, keras)  # or it refuses
    checkpoint = Run.checkpoint

    def stop(run: Run, model: object, log: list[Row]) -> None:
        checkpoint(run, model, log)
        if len(log) == 2:
            raise KeyboardInterrupt

    with patch.object(Run, "checkpoint", stop), pytest.raises(KeyboardInterrupt):
        fit(recipe, chest_xray, tmp_path / "two", teachers=teachers, progress=False)
    resumed = fit(
        recipe, chest_xray, tmp_path / "two", teachers=teachers, resume=True, progress=False
    )
    for name, value in load_weights(resumed).tensors.items():
        np.testing.assert_allclose(weights.tensors[name], value, atol=1e-5, err_msg=name)


def test_recipe_and_teachers_must_agree(pupil: Recipe, chest_xray: Path, tmp_path: Path) -> None:
    teacher = teacher_of(pupil, pupil.outputs, 4)

    def refusal(recipe: Recipe, *teachers: Weights) -> str:
        with pytest.raises(DataRefused) as refused:
            fit(recipe, chest_xray, tmp_path / "run", teachers=teachers, progress=False)
        return refused.value.code

    looks = replace(pupil, attention=0.5)
    assert refusal(pupil) == "missing_teacher"
    assert refusal(replace(looks, distillation=0.0)) == "missing_teacher"
    assert refusal(looks, teacher_of(pupil, ("Mass", "Edema"), 5)) == "not_screening"
    assert refusal(replace(pupil, distillation=0.0), teacher) == "idle_teacher"
    elsewhere = replace(teacher, recipe=replace(teacher.recipe, split_seed=7), facts={"x": 1})
    assert refusal(pupil, elsewhere) == "other_patients"
    assert not (tmp_path / "run").exists()
