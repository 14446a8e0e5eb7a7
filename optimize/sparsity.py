"""Weights of a trained network become zero while it goes on learning; the network keeps its shape.

Either a share of each kernel, the smallest first, by a schedule that leaves time to recover (M. Zhu
and S. Gupta, "To prune, or not to prune", 2017); or two of every four neighbours along the input
channels, as TensorRT's sparse kernels want it (A. Mishra et al., "Accelerating sparse deep neural
networks", 2021). What that brings is a file that compresses better; its own size stays.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import tensorflow_model_optimization as tfmot
import tf_keras

from edge.errors import DataRefused
from optimize.tflite import convert
from optimize.twin_training import require_tensorflow, train_twin
from optimize.zeros import count_zeros, require_zeros
from train.batches import TrainingBatches
from train.chestxray14 import split_chestxray14
from train.datasets import LabelledImages, load_images
from train.operating import choose_operation, shifted_margins
from train.provenance import describe_environment
from train.recipe import Recipe
from train.rivals import EFFICIENTNET
from train.splits import TrainingData, load_training_data
from train.teaching import Teachers
from train.weights import Weights, as_stored, build_trained, tensors_of, weights_of

TWO_OF_FOUR = "2:4"
PRUNING_TIME = 0.6
"""Share of the steps in which zeros become more; in the rest the network recovers."""
UPDATES = 50
"""How often, about, weights are chosen anew in that time."""
DISTILLATION = 0.75
"""Teachers' share of the targets where the network's own recipe names none."""


@dataclass(frozen=True)
class Sparsity:
    """How many zeros, and how they come.

    Attributes:
        share: zeros in each pruned kernel, in (0, 1); 0 where ``pattern`` decides.
        pattern: ``"2:4"``, or nothing where ``share`` decides.
        epochs: of training meanwhile; with 0 the zeros come at once.
        learning_rate: the highest; 0 for that of the network's own recipe.
    """

    share: float = 0.0
    pattern: str = ""
    epochs: int = 5
    learning_rate: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.share < 1.0:
            raise DataRefused(
                "invalid_sparsity", f"The share of zeros must be in (0, 1). Received: {self.share}."
            )
        if self.pattern not in ("", TWO_OF_FOUR):
            raise DataRefused(
                "unknown_pattern", f"The pattern is {TWO_OF_FOUR}. Received: {self.pattern!r}."
            )
        if (self.share > 0.0) == (self.pattern != ""):
            raise DataRefused(
                "invalid_sparsity", "Either a share of zeros is needed, above 0, or a pattern."
            )
        if self.epochs < 0 or not 0.0 <= self.learning_rate < math.inf:
            raise DataRefused(
                "invalid_training",
                "Epochs and learning rate must be at least 0 and finite. "
                f"Received: {self.epochs}, {self.learning_rate}.",
            )


def sparsify(
    weights: Weights,
    goal: Sparsity,
    *,
    data: Path,
    chestxray14: Path | None = None,
    teachers: Sequence[Weights] = (),
    folder: Path | None = None,
    progress: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Weights:
    """Make weights of a trained network zero, while it learns by its own recipe.

    Args:
        weights: of a dilated network or an EfficientNet-Lite0 that screens.
        goal: how many zeros, and how.
        data: a ``chest_xray`` folder as published; only its training folder is read.
        chestxray14: a ChestX-ray14 folder as published, where the recipe draws from it.
        teachers: networks to learn from, but not where they look; by `DISTILLATION` where the
            recipe says no share.
        folder: keeps a checkpoint of the last finished epoch, from which a call with the same
            weights, goal, recipe and teachers goes on; who calls clears it. None keeps none.
        progress: show progress bars.
        say: receives what was done, in sentences.

    Returns:
        Weights of the same network, rounded as they are stored. Calibration and operating points
        are chosen anew on validation patients; ``facts["sparsity"]`` tells what was asked, the
        zeros by layer, and the bytes of the float32 LiteRT file before and after, as it is and by
        gzip.

    Raises:
        DataRefused: ``not_sparsifiable``, ``nothing_to_prune``, ``idle_teacher``,
            ``missing_teacher``, ``missing_chestxray14``, ``other_patients``, or as
            `optimize.twin_training.train_twin`, or what is wrong with the data.
        WorkFailed: ``diverged``; ``sparsity_missed``: there are fewer zeros than asked for.
    """
    recipe = _recipe(weights, goal, teachers)
    model = build_trained(weights, tf_keras)
    chosen = prunable_layers(model, goal)
    say(f"{len(chosen)} kernels get zeros")
    taught = Teachers(teachers, recipe) if goal.epochs else None
    also = _adults(recipe, chestxray14, progress) if goal.epochs else None
    images = load_training_data(data, recipe.validation_fraction, recipe.split_seed, progress)
    if taught is None:
        pruned = prune_at_once(model, goal)
    else:
        batches = TrainingBatches(images.training, recipe, also=also, teachers=taught)
        pruned = with_pruning(model, goal, goal.epochs * len(batches))
        train_twin(
            pruned, recipe, batches, callbacks=[tfmot.sparsity.keras.UpdatePruningStep()],
            folder=folder and folder / _name_of(weights, goal, recipe, teachers), progress=progress,
        )  # fmt: skip
    stripped = tfmot.sparsity.keras.strip_pruning(pruned)
    require_zeros(tensors_of(stripped), chosen, goal.share)
    stored = as_stored(weights_of(stripped, recipe))
    asked = {**asdict(goal), "learning_rate": recipe.learning_rate if goal.epochs else 0.0}
    made = {
        "from": weights.sha256,
        **asked,
        "taught_by": [teacher.sha256 for teacher in teachers],
        **count_zeros(stored.tensors, chosen),
        "litert_fp32": {"before": _sizes(as_stored(weights)), "after": _sizes(stored)},
        "made_by": describe_environment(
            ("tensorflow", "tf-keras", "tensorflow-model-optimization", "keras", "numpy")
        ),
    }
    return replace(stored, facts=_facts(weights, stored, images, made, progress))


def prunable_layers(model: Any, goal: Sparsity) -> tuple[str, ...]:
    """Names of the layers whose kernel gets zeros.

    Convolutions and the hidden dense layer, which hold nearly all weights. Left as they are: the
    stem, which has few and through which every film goes; depthwise convolutions, whose few for
    each channel have no input channels to choose among, and which tensorflow-model-optimization
    leaves too; the logits, a few for each output. For 2:4, a kernel whose input channels do not
    come in fours is left as well: TensorRT would run it dense.

    Args:
        model: a tf-keras network.
        goal: a share, or 2:4.

    Raises:
        DataRefused: ``nothing_to_prune``.
    """
    names = []
    for layer in model.layers:
        # A depthwise convolution is no Conv2D in tf-keras.
        convolution = isinstance(layer, tf_keras.layers.Conv2D) and layer.name != "stem_conv"
        if (convolution or layer.name == "dense") and (
            not goal.pattern or layer.kernel.shape[-2] % 4 == 0
        ):
            names.append(layer.name)
    if not names:
        raise DataRefused(
            "nothing_to_prune", "No kernel of the network has input channels in fours."
        )
    return tuple(names)


def with_pruning(model: Any, goal: Sparsity, steps: int) -> Any:
    """Wrap the layers of `prunable_layers`; the weights stay those of ``model``.

    Args:
        model: a tf-keras network.
        goal: how many zeros, and how.
        steps: of the training to come, at least 1.

    Returns:
        An uncompiled model for training with the callback ``UpdatePruningStep``. A share is
        reached after `PRUNING_TIME` of the steps, 2:4 holds from the first one.
    """
    span = max(1, round(PRUNING_TIME * steps))
    every = max(1, span // UPDATES)
    # Masks are made every so many steps up to the end, which must be one of them: else the share
    # that was asked for would never be reached.
    schedule = tfmot.sparsity.keras.PolynomialDecay(
        0.0, goal.share, begin_step=0, end_step=span // every * every, frequency=every
    )
    return _wrapped(model, goal, schedule)


def prune_at_once(model: Any, goal: Sparsity) -> Any:
    """As `with_pruning`, with all the zeros already there."""
    schedule = tfmot.sparsity.keras.ConstantSparsity(goal.share, begin_step=0, frequency=1)
    wrapped = _wrapped(model, goal, schedule)
    for layer in wrapped.layers:
        if hasattr(layer, "pruning_obj"):
            layer.pruning_step.assign(1)  # the only one at which masks of 2:4 are made
            layer.pruning_obj.conditional_mask_update()
            layer.pruning_obj.weight_mask_op()
    return wrapped


def _wrapped(model: Any, goal: Sparsity, schedule: Any) -> Any:
    chosen = prunable_layers(model, goal)
    pattern = (2, 4) if goal.pattern else None

    def wrap(layer: Any) -> Any:
        if layer.name not in chosen:
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(
            layer, pruning_schedule=schedule, sparsity_m_by_n=pattern
        )

    return tf_keras.models.clone_model(model, clone_function=wrap)


def _recipe(weights: Weights, goal: Sparsity, teachers: Sequence[Weights]) -> Recipe:
    """The network's own recipe with the goal's training; unchanged where nothing is trained."""
    recipe = weights.recipe
    if recipe.architecture not in ("dilated", EFFICIENTNET):
        raise DataRefused(
            "not_sparsifiable",
            f"Dilated networks and EfficientNet-Lite0 get zeros. Received: {recipe.architecture}.",
        )
    if not goal.epochs:
        if teachers:
            raise DataRefused("idle_teacher", "A teacher is named, and nothing is trained.")
        return recipe
    require_tensorflow()
    learns = bool(teachers) or recipe.attention > 0
    return replace(
        recipe,
        epochs=goal.epochs,
        learning_rate=goal.learning_rate or recipe.learning_rate,
        distillation=recipe.distillation or (DISTILLATION if learns else 0.0),
        attention=0.0,  # the twin gives no maps to compare
        schedule="cosine",
        frozen_epochs=0,
        precision="float32",
    )


def _adults(recipe: Recipe, root: Path | None, progress: bool) -> LabelledImages | None:
    if not recipe.chestxray14:
        return None
    if root is None:
        raise DataRefused(
            "missing_chestxray14",
            "The network's recipe draws from ChestX-ray14; name its folder by --chestxray14.",
        )
    split = split_chestxray14(root, recipe.validation_fraction, recipe.split_seed)
    return load_images(split.training, progress)


def _facts(
    weights: Weights, stored: Weights, images: TrainingData, made: dict[str, Any], progress: bool
) -> dict[str, Any]:
    """Where the network came from stays; what was measured on its old weights goes."""
    margins = shifted_margins(
        build_trained(stored, keras), images.validation, stored.recipe, progress
    )
    kept = {name: fact for name, fact in weights.facts.items() if name != "validation_adults"}
    return {**kept, **choose_operation(margins, images.validation.labels), "sparsity": made}


def _sizes(weights: Weights) -> dict[str, int]:
    """Bytes of the float32 LiteRT file, as it is and compressed."""
    content = convert(weights)
    return {"bytes": len(content), "gzip_bytes": len(gzip.compress(content, mtime=0))}


def _name_of(weights: Weights, goal: Sparsity, recipe: Recipe, teachers: Sequence[Weights]) -> str:
    """The same for the same training alone."""
    taught_by = [teacher.sha256 for teacher in teachers]
    settings = json.dumps([weights.sha256, asdict(goal), recipe.to_dict(), taught_by])
    return hashlib.sha256(settings.encode()).hexdigest()[:16]
