"""A pipeline's recipe: weights to begin with, steps, what to compare and what to publish."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import train
from edge.errors import DataRefused
from optimize.files import is_plain
from optimize.stage import ARTIFACT, LITERT, WEIGHTS, Stage
from optimize.stages import STAGES
from train.recipe import as_type_of

RECIPES = Path(__file__).parent / "recipes"
SHIPPED_WEIGHTS = Path(train.__file__).parent / "weights"
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Step:
    """One step of a pipeline.

    Attributes:
        name: of the step, and of its folder.
        do: kind of stage, a key of `optimize.stages.STAGES`.
        source: step or weights that it starts from; empty for none.
        teachers: steps or weights that it learns from.
        optional: what this machine lacks is said, and the pipeline goes on.
        stage: its settings.
    """

    name: str
    do: str
    source: str
    teachers: tuple[str, ...]
    optional: bool
    stage: Stage


@dataclass(frozen=True)
class Pipeline:
    """A recipe that has been read.

    Attributes:
        name: of the recipe.
        weights: files that steps begin with, by name.
        steps: in the order in which they are done.
        against: weights of the network that every LiteRT file is compared with; empty compares
            nothing.
        split: ``"validation"`` or ``"test"``: the films of the comparison.
        publish: step of an artifact by the name of the folder that it is published as.
    """

    name: str
    weights: Mapping[str, Path]
    steps: tuple[Step, ...]
    against: str
    split: str
    publish: Mapping[str, str]

    def step(self, name: str) -> Step | None:
        """The step of that name; None where it is the name of weights."""
        return next((step for step in self.steps if step.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """The recipe with everything that it leaves to defaults and to training recipes."""
        return {
            "name": self.name,
            "weights": {name: path.name for name, path in self.weights.items()},
            "steps": [
                {
                    "name": step.name,
                    "do": step.do,
                    "from": step.source,
                    "teachers": list(step.teachers),
                    **step.stage.resolved(),
                }
                for step in self.steps
            ],
            "compare": {"against": self.against, "split": self.split},
            "publish": dict(self.publish),
        }


def load_pipeline(name: str) -> Pipeline:
    """Read a pipeline's recipe by path, or by the name of one that ships.

    Args:
        name: a ``.toml`` file, or the stem of one in ``optimize/recipes``. Weights in it are
            names of files that ship, or paths from the recipe's folder that end in .safetensors.

    Raises:
        DataRefused: ``missing_recipe``, or ``invalid_recipe`` says what and where.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise DataRefused(
            "missing_recipe",
            f"{path} is not a file. Recipes that ship with PneumoKiosk: {shipped}.",
        )
    try:
        return _pipeline(path, tomllib.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:  # a TOML error is one too
        raise DataRefused("invalid_recipe", f"{path}: {error}") from error
    except DataRefused as refusal:  # of a stage's settings
        raise DataRefused(refusal.code, f"{path}: {refusal.message}") from refusal


def _pipeline(path: Path, values: dict[str, Any]) -> Pipeline:
    _only(values, {"weights", "steps", "compare", "publish"}, "the recipe")
    _as_asked(values, {"weights": dict, "steps": list, "compare": dict, "publish": dict})
    weights = {name: _weights(path, name, text) for name, text in values.get("weights", {}).items()}
    made = dict.fromkeys(weights, WEIGHTS)
    steps = []
    for table in values.get("steps", []):
        step = _step(table, made)
        made[step.name] = step.stage.output
        steps.append(step)
    if not steps:
        raise ValueError("a recipe has at least one [[steps]]")
    against, split = _compared(values.get("compare", {}), made)
    publish = _published(values.get("publish", {}), made)
    return Pipeline(path.stem, weights, tuple(steps), against, split, publish)


def _compared(table: dict[str, Any], made: Mapping[str, str]) -> tuple[str, str]:
    """With which weights everything is compared, and on which films."""
    _only(table, {"against", "split"}, "[compare]")
    against, split = _text(table, "against", "[compare] against"), table.get("split", "validation")
    if split not in ("validation", "test"):
        raise ValueError(f"[compare] split is validation or test. Received: {split!r}")
    if against:
        _needs(against, WEIGHTS, made, "[compare] against")
        if not {ARTIFACT, LITERT} & set(made.values()):
            raise ValueError("[compare] has nothing to compare: no step makes a LiteRT file")
    return against, split


def _published(table: dict[str, Any], made: Mapping[str, str]) -> dict[str, str]:
    """Step of an artifact by the name of the folder that it is published as."""
    for name in table:
        if not is_plain(name):
            raise ValueError(f"[publish] takes plain names of folders. Received: {name!r}")
        _needs(_text(table, name, f"[publish] {name}"), ARTIFACT, made, f"[publish] {name}")
    return table


def _step(table: Any, made: dict[str, str]) -> Step:
    if not isinstance(table, dict):
        raise ValueError(f"a step is a table. Received: {table!r}")
    name = _text(table, "name", "the name of a step")
    if not is_plain(name) or name in made:
        raise ValueError(f"a step has a plain name of its own. Received: {name!r}")
    where = f"step {name}"
    do = _text(table, "do", f"{where}: do")
    if do not in STAGES:
        raise ValueError(f"{where}: do is one of {', '.join(STAGES)}. Received: {do!r}")
    kind = STAGES[do]
    own = {"name", "do", "from", "teachers", "optional"}
    _only(table, own | {f.name for f in fields(kind)}, where)
    settings = {
        f.name: _setting(f.default, table[f.name], f"{where}: {f.name}")
        for f in fields(kind)
        if f.name in table
    }
    source = _text(table, "from", f"{where}: from")
    if source or not kind.may_start_anew:
        _needs(source, kind.takes, made, f"{where}: from")
    stage = kind(**settings)
    teachers = _teachers(table.get("teachers", []), stage, made, where)
    optional = as_type_of(False, table.get("optional", False), f"{where}: optional")
    return Step(name, do, source, teachers, optional, stage)


def _teachers(names: Any, stage: Stage, made: Mapping[str, str], where: str) -> tuple[str, ...]:
    teachers: tuple[str, ...] = _setting((), names, f"{where}: teachers")
    for teacher in teachers:
        _needs(teacher, WEIGHTS, made, f"{where}: teachers")
    if teachers and not stage.may_be_taught():
        raise ValueError(f"{where} learns from no teachers. Received: {', '.join(teachers)}")
    if stage.must_be_taught and not teachers:
        raise ValueError(f"{where} has at least one of teachers. Received: none")
    return teachers


def _setting(default: Any, value: Any, where: str) -> Any:
    """A TOML value as the type of a setting; what is empty by default holds texts."""
    if default != ():
        return as_type_of(default, value, where)
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ValueError(f"{where} is a list of texts. Received: {value!r}")
    return tuple(value)


def _text(table: dict[str, Any], name: str, where: str) -> str:
    """An entry of a table that is a text, and empty by default."""
    return str(as_type_of("", table.get(name, ""), where))


def _needs(name: str, output: str, made: Mapping[str, str], where: str) -> None:
    """Make sure that a name stands for an earlier step, or weights, of the right kind."""
    if made.get(name) != output:
        fitting = [known for known, kind in made.items() if kind == output]
        raise ValueError(
            f"{where} names what gives {output}: {', '.join(fitting) or 'nothing before it does'}. "
            f"Received: {name!r}"
        )


def _weights(path: Path, name: str, text: Any) -> Path:
    if not isinstance(text, str):
        raise ValueError(f"[weights] {name} is a name or a path. Received: {text!r}")
    return path.parent / text if text.endswith(SUFFIX) else SHIPPED_WEIGHTS / f"{text}{SUFFIX}"


def _only(table: Any, known: set[str], where: str) -> None:
    if not isinstance(table, dict):
        raise ValueError(f"{where} is a table. Received: {table!r}")
    if unknown := sorted(table.keys() - known):
        raise ValueError(
            f"{where} has no setting {', '.join(unknown)}. Known: {', '.join(sorted(known))}"
        )


def _as_asked(values: dict[str, Any], kinds: dict[str, type]) -> None:
    for name, kind in kinds.items():
        if not isinstance(values.get(name, kind()), kind):
            wanted = "a table" if kind is dict else "a list of tables, each under [[steps]]"
            raise ValueError(f"{name} is {wanted}. Received: {values[name]!r}")
