"""A pupil learns what its teachers say, where they know and where nobody else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from edge.errors import DataRefused
from edge.phantom import draw_phantom
from edge.preprocess import InputContract
from train.evaluation import predict, predict_margins
from train.fit import fit
from train.network import OUTPUTS
from train.recipe import Recipe
from train.rivals import build_network
from train.teaching import Teachers
from train.weights import Weights, build_trained, load_weights, weights_of

FILMS = [draw_phantom(seed, 64, opacities) for seed in range(8) for opacities in (0, 3)]
NAN = np.nan


def teacher_of(recipe: Recipe, outputs: tuple[str, ...], seed: int, size: int = 32) -> Weights:
    """An untrained network whose answers differ from film to film."""
    network = replace(recipe.network, outputs=len(outputs), input_size=size)
    own = replace(recipe, outputs=outputs, network=network, input=InputContract(size=size))
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


def test_recipe_and_teachers_must_agree(pupil: Recipe, chest_xray: Path, tmp_path: Path) -> None:
    teacher = teacher_of(pupil, pupil.outputs, 4)

    def refusal(recipe: Recipe, *teachers: Weights) -> str:
        with pytest.raises(DataRefused) as refused:
            fit(recipe, chest_xray, tmp_path / "run", teachers=teachers, progress=False)
        return refused.value.code

    assert refusal(pupil) == "missing_teacher"
    assert refusal(replace(pupil, distillation=0.0), teacher) == "idle_teacher"
    elsewhere = replace(teacher, recipe=replace(teacher.recipe, split_seed=7), facts={"x": 1})
    assert refusal(pupil, elsewhere) == "other_patients"
    assert not (tmp_path / "run").exists()
