"""A recipe: everything that decides how a network comes out, in one TOML file."""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from edge.errors import DataRefused
from edge.preprocess import InputContract
from train.augmentation import Augmentation
from train.network import OUTPUTS, NetworkConfig

ARCHITECTURES = (
    "dilated",
    "vgg16",
    "densenet121",
    "inceptionv3",
    "xception",
    "efficientnet_lite0",
)
RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        architecture: ``"dilated"`` (`train.network`), or a rival of `train.rivals`.
        network: shape of the network; of a rival, its input size, dense layer and dropout.
        outputs: what the sigmoid outputs stand for, by name. A network that screens begins with
            ``normal`` and ``pneumonia``; more outputs (``viral``, findings of ChestX-ray14) help
            training and are never shown.
        auxiliary: weight of the mean loss of these further outputs beside that of the two.
        input: what the network receives.
        augmentation: how training images are changed.
        epochs: passes over the training images.
        batch: images a step.
        optimizer: ``"adam"`` or ``"adamw"``.
        learning_rate: highest rate.
        weight_decay: decoupled decay of ``adamw``.
        schedule: ``"cosine"`` to zero, or ``"plateau"``: a tenth whenever validation accuracy
            has not improved for ``patience`` epochs.
        warmup: steps over which the rate of ``"cosine"`` rises from zero.
        patience: epochs, for ``"plateau"``.
        label_smoothing: share of each target moved to one half, in [0, 1).
        balanced: draw as many normal as pneumonia images in each epoch.
        chestxray14: share of each epoch that comes from ChestX-ray14, in [0, 1).
        chestxray14_balanced: draw it equally from every label and view; otherwise as it is, so that
            its few pneumonias are not learnt by heart where teachers answer for the others.
        distillation: share of each target that is what teachers say (`train.teaching`), in [0, 1].
        attention: weight, beside the cross-entropy, of how far the network looks elsewhere than its
            teachers (`train.losses.AttentiveCrossentropy`), at least 0.
        frozen_epochs: epochs at the beginning in which only the dense layers learn.
        precision: ``"float32"``, or ``"mixed_bfloat16"`` or ``"mixed_float16"`` for half-precision
            arithmetic with float32 weights.
        validation_fraction: share of the patients held out.
        split_seed: of the choice of these patients. It stays the same over seeds, so that networks
            compare and none begins with weights that have seen its validation patients.
        seed: of the initial weights, the order and the augmentation.
    """

    architecture: str = "dilated"
    network: NetworkConfig = field(default_factory=NetworkConfig)
    outputs: tuple[str, ...] = OUTPUTS
    auxiliary: float = 0.5
    input: InputContract = field(default_factory=InputContract)
    augmentation: Augmentation = field(default_factory=Augmentation)
    epochs: int = 100
    batch: int = 64
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "plateau"
    warmup: int = 0
    patience: int = 6
    label_smoothing: float = 0.0
    balanced: bool = True
    chestxray14: float = 0.0
    chestxray14_balanced: bool = True
    distillation: float = 0.0
    attention: float = 0.0
    frozen_epochs: int = 0
    precision: str = "float32"
    validation_fraction: float = 0.15
    split_seed: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in (
            ("optimizer", ("adam", "adamw")),
            ("schedule", ("cosine", "plateau")),
            ("architecture", ARCHITECTURES),
            ("precision", ("float32", "mixed_bfloat16", "mixed_float16")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}. Received: {self!r}")
        counts = (self.warmup, self.split_seed, self.seed, self.frozen_epochs)
        if min(self.epochs, self.batch, self.patience) < 1 or min(counts) < 0:
            raise ValueError(
                "epochs, batch and patience must be at least 1; warmup, split_seed, seed and "
                f"frozen_epochs at least 0. Received: {self!r}"
            )
        if self.warmup and self.schedule != "cosine":
            raise ValueError(f"warmup belongs to the cosine schedule. Received: {self!r}")
        if not 0.0 < self.learning_rate < math.inf or not 0.0 <= self.weight_decay < math.inf:
            raise ValueError(
                "learning_rate must be above 0 and weight_decay at least 0, both finite. "
                f"Received: {self!r}"
            )
        shares = (self.label_smoothing, self.chestxray14)
        if not all(0.0 <= s < 1.0 for s in shares) or not 0.0 < self.validation_fraction < 1.0:
            raise ValueError(
                "label_smoothing and chestxray14 must be in [0, 1), validation_fraction in "
                f"(0, 1). Received: {self!r}"
            )
        if not 0.0 <= self.distillation <= 1.0:
            raise ValueError(f"distillation must be in [0, 1]. Received: {self.distillation}")
        if not all(0.0 <= weight < math.inf for weight in (self.auxiliary, self.attention)):
            raise ValueError(
                "auxiliary and attention must be at least 0 and finite. Received: "
                f"{self.auxiliary} and {self.attention}"
            )
        if len(set(self.outputs)) != self.network.outputs:
            raise ValueError(
                "network.outputs must count the different names of outputs. Received: "
                f"{self.network.outputs} and {self.outputs}"
            )
        if self.network.input_size != self.input.size:
            raise ValueError(
                "network.input_size and input.size must agree. Received: "
                f"{self.network.input_size} and {self.input.size}"
            )

    def to_dict(self) -> dict[str, Any]:
        """The recipe as nested plain values, as `recipe_from` reads them."""
        return asdict(self)


def load_recipe(
    name: str, overrides: tuple[str, ...] = (), defaults: dict[str, Any] | None = None
) -> Recipe:
    """Read a recipe by path, or by the name of one that ships.

    Args:
        name: a ``.toml`` file, or the stem of one in ``train/recipes``.
        overrides: ``"key=value"`` or ``"table.key=value"``, the value in TOML.
        defaults: settings that count where the file says nothing.

    Raises:
        DataRefused: ``missing_recipe`` or ``invalid_recipe``.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise DataRefused(
            "missing_recipe",
            f"{path} is not a file. Recipes that ship with PneumoKiosk: {shipped}.",
        )
    try:
        values = {**(defaults or {}), **tomllib.loads(path.read_text(encoding="utf-8"))}
        for override in overrides:
            _override(values, override)
        recipe = recipe_from(values)
    except (ValueError, TypeError) as error:  # a TOML error is a ValueError too
        raise DataRefused("invalid_recipe", f"{path}: {error}") from error
    return recipe


def recipe_from(values: dict[str, Any]) -> Recipe:
    """Build a recipe from nested plain values.

    Raises:
        ValueError: a name is not a setting, or a value is out of range.
    """
    recipe: Recipe = _replace(Recipe(), values, "")
    return recipe


def _replace(settings: Any, values: Any, where: str) -> Any:
    if not isinstance(values, dict):
        raise ValueError(f"{where.rstrip('.') or 'A recipe'} is a table. Received: {values!r}")
    names = {f.name for f in fields(settings)}
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if name not in names:
            raise ValueError(f"{where}{name} is not a setting. Known: {', '.join(sorted(names))}")
        current = getattr(settings, name)
        if is_dataclass(current):
            changes[name] = _replace(current, value, f"{where}{name}.")
        else:
            changes[name] = as_type_of(current, value, f"{where}{name}")
    return replace(settings, **changes)


def as_type_of(current: Any, value: Any, where: str) -> Any:
    """A TOML value as the type of a setting.

    Args:
        current: the setting's value.
        value: as TOML gives it; a whole number may stand for a float, a list for a tuple.
        where: the setting's name, for the refusal.

    Raises:
        ValueError: the value is of another type.
    """
    if isinstance(current, tuple) and isinstance(value, list | tuple):
        entry = current[0] if current else 0  # what is empty by default holds whole numbers
        return tuple(as_type_of(entry, v, f"an entry of {where}") for v in value)
    if isinstance(current, float) and type(value) is int:
        return float(value)
    if type(value) is not type(current):
        raise ValueError(f"{where} is a {type(current).__name__}. Received: {value!r}")
    return value


def _override(values: dict[str, Any], override: str) -> None:
    key, found, value = override.partition("=")
    if not found:
        raise ValueError(f"An override reads key=value. Received: {override!r}")
    *tables, name = key.strip().split(".")
    for table in tables:
        values = values.setdefault(table, {})
    values[name] = tomllib.loads(f"value = {value}")["value"]
