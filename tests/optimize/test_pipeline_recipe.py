"""A recipe is read whole and refused in words, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import DataRefused
from optimize.pipeline_recipe import RECIPES, load_pipeline

WEIGHTS = '[weights]\nwhole = "whole.safetensors"\n'
STEP = '[[steps]]\nname = "{name}"\ndo = "{do}"\nfrom = "whole"\n'
GRAPH = WEIGHTS + STEP.format(name="graph", do="onnx")
ARTIFACT = WEIGHTS + STEP.format(name="artifact", do="convert")
ENGINE = GRAPH + '[[steps]]\nname = "engine"\ndo = "tensorrt"\nfrom = "graph"\n'
PRUNE = WEIGHTS + STEP.format(name="small", do="prune") + "macs = 0.5\n"
STUDENT = WEIGHTS + '[[steps]]\nname = "student"\ndo = "distill"\n'


def refusal_of(folder: Path, text: str) -> DataRefused:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataRefused, match=r"mine\.toml") as refusal:
        load_pipeline(str(path))
    return refusal.value


@pytest.mark.parametrize("name", [path.stem for path in RECIPES.glob("*.toml")])
def test_every_recipe_that_ships_can_be_read(name: str) -> None:
    steps = load_pipeline(name).to_dict()["steps"]
    assert all(step["name"] and step["do"] for step in steps)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WEIGHTS + STEP.format(name="graph", do="melt"), "melt"),
        (GRAPH + STEP.format(name="graph", do="onnx"), "name of its own"),
        (WEIGHTS + STEP.format(name="..", do="onnx"), "plain name"),
        (WEIGHTS + STEP.format(name="", do="onnx"), "plain name"),
        (WEIGHTS + STEP.format(name="a/b", do="onnx"), "plain name"),
        (GRAPH + 'int8 = "yes"\n', "int8 is a bool"),
        (GRAPH + 'optional = "false"\n', "optional is a bool"),
        (GRAPH + 'teachers = ["whole"]\n', "learns from no teachers"),
        (PRUNE + 'teachers = ["whole"]\n', "learns from no teachers"),
        (GRAPH.replace('"onnx"', '["onnx"]'), "do is a str"),
        (GRAPH.replace('from = "whole"', 'from = ["whole"]'), "from is a str"),
        (ENGINE.replace('from = "graph"', 'from = "whole"'), "model.onnx"),
        (PRUNE.replace("macs = 0.5", 'macs = "half"'), "macs"),
        (PRUNE.replace("macs = 0.5", "sharpness = 1"), "sharpness"),
        (PRUNE + "set = [1]\n", "list of texts"),
        (STUDENT, "at least one of teachers"),
        (STUDENT + 'teachers = "whole"\n', "list of texts"),
        (STUDENT + 'teachers = ["nobody"]\n', "nobody"),
        (GRAPH.replace('"whole.safetensors"', "3"), "a name or a path"),
        (ARTIFACT + '[publish]\nclinic = "whole"\n', "artifact"),
        (ARTIFACT + '[publish]\nclinic = ["artifact"]\n', "clinic is a str"),
        (ARTIFACT + '[publish]\n"../clinic" = "artifact"\n', "plain names"),
        (ARTIFACT + '[publish]\n".." = "artifact"\n', "plain names"),
        (ARTIFACT + '[publish]\n"" = "artifact"\n', "plain names"),
        (ARTIFACT + "[compare]\nagainst = 'artifact'\n", "against"),
        (ARTIFACT + "[compare]\nsplit = 'train'\n", "validation or test"),
        (GRAPH + "[compare]\nagainst = 'whole'\n", "nothing to compare"),
        ("[weights]\n", "at least one"),
        ("steps = 1", "table"),
        ("[[steps", "Expected"),
    ],
)
def test_a_wrong_recipe_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    refusal = refusal_of(tmp_path, text)
    assert refusal.code == "invalid_recipe"
    assert said in refusal.message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (PRUNE.replace("0.5", "1.5"), "invalid_budget"),
        (PRUNE + 'importance = "magic"\n', "unknown_importance"),
        (ENGINE + 'precision = "fp8"\n', "invalid_engine"),
        (ARTIFACT + 'float_variant = "fp8"\n', "unknown_variant"),
        (ARTIFACT + 'model = "../../tiny"\n', "invalid_name"),
        (ARTIFACT + 'measured = "nothing"\n', "missing_file"),
        (ARTIFACT + 'gates = "nothing"\n', "missing_file"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_the_first_step(
    tmp_path: Path, text: str, code: str
) -> None:
    assert refusal_of(tmp_path, text).code == code


def test_overrides_of_a_training_recipe_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = STUDENT + 'teachers = ["whole"]\nset = ["epochs=2"]\n'
    path.write_text(text, encoding="utf-8")
    (step,) = load_pipeline(str(path)).to_dict()["steps"]
    assert step["student"]["epochs"] == 2


def test_what_is_carried_along_is_an_input_of_the_step(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ARTIFACT + 'measured = "lite0"\ngates = "gates"\n', encoding="utf-8")
    (step,) = load_pipeline(str(path)).to_dict()["steps"]
    assert len(step["measured_sha256"]) == len(step["gates_sha256"]) == 64


def test_recipes_are_found_by_name() -> None:
    with pytest.raises(DataRefused) as refusal:
        load_pipeline("nothing")
    assert refusal.value.code == "missing_recipe"
