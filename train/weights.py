"""Trained weights in one file: tensors by layer name, with what they were trained to receive.

A file in the safetensors format holds the tensors as ``layer/variable`` and, as metadata, the
recipe, the calibration and the operating points, so that it explains itself.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from edge.errors import DataRefused, WorkFailed
from edge.files import write_atomically
from train.recipe import Recipe, recipe_from
from train.rivals import build_network

SHARD_BYTES = 15_000_000
"""Largest file of weights: repositories and slow links dislike larger ones."""

Tensors = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Weights:
    """What `save_weights` wrote.

    Attributes:
        tensors: by ``layer/variable``.
        recipe: how they were trained.
        facts: calibration, operating points, data and versions; empty for an untrained network.
        sha256: of the file; empty before it is written.
    """

    tensors: Tensors
    recipe: Recipe
    facts: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""


def weights_of(model: Any, recipe: Recipe, facts: dict[str, Any] | None = None) -> Weights:
    """Take the weights out of a Keras 3 or tf-keras model."""
    return Weights(tensors_of(model), recipe, facts or {})


def tensors_of(model: Any) -> Tensors:
    """Every weight of a Keras 3 or tf-keras model by ``layer/variable``."""
    return {
        _name(layer, variable): np.asarray(value)
        for layer in model.layers
        for variable, value in zip(layer.weights, layer.get_weights(), strict=True)
    }


def as_stored(weights: Weights) -> Weights:
    """The weights as `save_weights` keeps them: rounded to float16.

    Raises:
        WorkFailed: ``weights_overflow``: a value has no place in float16.
    """
    tensors = {}
    for name, value in weights.tensors.items():
        with np.errstate(over="ignore"):
            tensors[name] = value.astype(np.float16).astype(np.float32)
        if not np.isfinite(tensors[name]).all():
            raise WorkFailed("weights_overflow", f"{name} holds a value beyond float16.")
    return replace(weights, tensors=tensors)


def save_weights(path: Path, weights: Weights) -> None:
    """Write weights as float16, atomically.

    What is larger than `SHARD_BYTES` becomes several files, ``STEM-00001-of-00004.safetensors``
    and so on; ``path`` then stands for all of them.

    Raises:
        WorkFailed: ``weights_overflow``.
    """
    metadata = {
        "recipe": json.dumps(weights.recipe.to_dict()),
        "facts": json.dumps(weights.facts),
    }
    rounded = as_stored(weights).tensors
    halves = {name: value.astype(np.float16) for name, value in rounded.items()}
    shards: list[Tensors] = [{}]
    room = SHARD_BYTES
    for name, value in halves.items():
        if value.nbytes > room and shards[-1]:
            shards.append({})
            room = SHARD_BYTES
        shards[-1][name] = value
        room -= value.nbytes
    for part, shard in zip(_shard_names(path, len(shards)), shards, strict=True):
        write_atomically(part, save(shard, metadata))


def load_weights(path: Path) -> Weights:
    """Read a weights file, or the shards that its name stands for.

    Raises:
        DataRefused: ``missing_weights`` or ``invalid_weights``.
    """
    digests, tensors, metadata = [], {}, None
    try:
        for part in parts_of(path):
            digests.append(hashlib.sha256(part.read_bytes()).hexdigest())
            with safe_open(str(part), framework="np") as file:
                if metadata is not None and file.metadata() != metadata:
                    raise ValueError(f"{part.name} belongs to other weights")
                metadata = file.metadata() or {}
                for name in file.keys():
                    tensors[name] = file.get_tensor(name).astype(np.float32)
        recipe = recipe_from(json.loads((metadata or {})["recipe"]))
        facts = json.loads((metadata or {})["facts"])
    except OSError as error:
        raise DataRefused("missing_weights", f"{path} cannot be read: {error}") from error
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise DataRefused(
            "invalid_weights", f"{path} is not a weights file of PneumoKiosk: {error}"
        ) from error
    together = hashlib.sha256("".join(digests).encode()).hexdigest()
    return Weights(tensors, recipe, facts, digests[0] if len(digests) == 1 else together)


def _shard_names(path: Path, count: int) -> list[Path]:
    if count == 1:
        return [path]
    return [
        path.with_name(f"{path.stem}-{i:05d}-of-{count:05d}{path.suffix}")
        for i in range(1, count + 1)
    ]


def parts_of(path: Path) -> list[Path]:
    """The weights file itself, or every shard that its name stands for."""
    first = sorted(path.parent.glob(f"{path.stem}-00001-of-*{path.suffix}"))
    if path.exists() or not first:
        return [path]
    return _shard_names(path, int(first[-1].stem.rsplit("-", 1)[-1]))


def weights_exist(path: Path) -> bool:
    """Whether there is a weights file, or shards that its name stands for."""
    return all(part.is_file() for part in parts_of(path))


def put_weights(weights: Weights, model: Any) -> None:
    """Set every weight of a model by layer name.

    Raises:
        DataRefused: ``weights_mismatch`` names what is missing, left over or of another shape.
    """
    wanted = {
        _name(layer, variable): tuple(variable.shape)
        for layer in model.layers
        for variable in layer.weights
    }
    held = {name: value.shape for name, value in weights.tensors.items()}
    if wanted != held:
        wrong = sorted(k for k in wanted.keys() | held.keys() if wanted.get(k) != held.get(k))
        first = wrong[0]
        raise DataRefused(
            "weights_mismatch",
            f"The weights are of another network: {len(wrong)} of {len(wanted)} tensors differ, "
            f"first {first}: file {held.get(first)}, network {wanted.get(first)}.",
        )
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([weights.tensors[_name(layer, v)] for v in layer.weights])


def build_trained(weights: Weights, keras: Any) -> Any:
    """Build the network that the weights were trained for and fill it."""
    model = build_network(weights.recipe, keras)
    put_weights(weights, model)
    return model


def _name(layer: Any, variable: Any) -> str:
    # Keras 3 names a variable "kernel", tf-keras "stem_conv/kernel:0" or "depthwise_kernel:0".
    name = variable.name.rsplit("/", 1)[-1].removesuffix(":0").removeprefix("depthwise_")
    return f"{layer.name}/{name}"
