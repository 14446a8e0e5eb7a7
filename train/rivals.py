"""The four networks that the paper compares with, fine-tuned by the same code.

VGG16 (Simonyan & Zisserman 2015), DenseNet121 (Huang et al. 2017), InceptionV3 (Szegedy et al.
2016) and Xception (Chollet 2017), from Keras' own collection, without their last layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import DataRefused
from train.network import build
from train.recipe import Recipe

NO_IMAGENET, DOWNLOAD = "none", "download"


@dataclass(frozen=True)
class Rival:
    """One network of Keras' collection.

    Attributes:
        application: its name there.
        size: side of the input that it was made for, in pixels.
        spread: standard deviation of its ImageNet inputs, in the units that it expects.
    """

    application: str
    size: int
    spread: float


RIVALS = {
    "vgg16": Rival("VGG16", 224, 58.0),
    "densenet121": Rival("DenseNet121", 224, 1.0),
    "inceptionv3": Rival("InceptionV3", 299, 0.5),
    "xception": Rival("Xception", 299, 0.5),
}


def build_network(recipe: Recipe, keras: Any) -> Any:
    """Build the network of a recipe, at random weights."""
    if recipe.architecture == "dilated":
        return build(recipe.network, keras)
    return build_rival(recipe, keras)


def build_rival(recipe: Recipe, keras: Any, imagenet: str = NO_IMAGENET) -> Any:
    """Build a rival with the head of the paper's network.

    Args:
        recipe: names the architecture, the input size, the dense layer, dropout and the outputs.
        keras: Keras 3.
        imagenet: ``"none"`` for random weights, ``"download"`` for Keras' own, or a file of them.

    Returns:
        An uncompiled model from ``(batch, size, size, 1)`` standardised grey values to
        ``(batch, outputs)`` probabilities, with the layer names of `train.network.build` for
        ``features``, ``dense``, ``logits`` and ``probabilities``.

    Raises:
        DataRefused: ``imagenet_weights``: they cannot be had or are of another network.
    """
    rival = RIVALS[recipe.architecture]
    layers, config = keras.layers, recipe.network
    inputs = keras.Input((config.input_size, config.input_size, 1), name="image")
    # Three equal channels, spread as the collection's own preprocessing spreads them.
    x = layers.Concatenate(name="rgb")([inputs, inputs, inputs])
    x = layers.Rescaling(rival.spread, name="spread")(x)
    make: Callable[..., Any] = getattr(keras.applications, rival.application)
    weights = {NO_IMAGENET: None, DOWNLOAD: "imagenet"}.get(imagenet, imagenet)
    if imagenet not in (NO_IMAGENET, DOWNLOAD) and not Path(imagenet).is_file():
        raise DataRefused("imagenet_weights", f"{imagenet} is not a file of ImageNet weights.")
    try:
        base = make(include_top=False, weights=weights, input_tensor=x)
    except Exception as error:  # Keras raises no narrower one where a download fails
        if weights is None:
            raise
        raise DataRefused(
            "imagenet_weights", f"ImageNet weights of {rival.application}: {error}"
        ) from error
    x = layers.Activation("linear", name="features")(base.output)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(config.dense, activation="relu", name="dense")(x)
    x = layers.Dense(config.outputs, name="logits")(x)
    x = layers.Activation("sigmoid", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, x, name=recipe.architecture)
