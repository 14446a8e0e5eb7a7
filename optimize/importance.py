"""How much each channel of a dilated residual network matters, by group.

What goes together counts together: a channel of a residual group is scored over all convolutions
that give it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tf_keras

from edge.errors import DataRefused
from optimize.channels import Scores, links, prunable
from train.batches import Batch
from train.network import OUTPUTS
from train.weights import Weights, build_trained

CRITERIA = ("gamma", "l1", "taylor")


def importance(weights: Weights, criterion: str, batches: Sequence[Batch] = ()) -> Scores:
    """Score the channels of every group.

    Args:
        weights: of a dilated residual network.
        criterion: ``"gamma"``: the scale of batch normalisation (Liu et al., "Learning efficient
            convolutional networks through network slimming", ICCV 2017); ``"l1"``: the sum of a
            filter's absolute weights (Li et al., "Pruning filters for efficient ConvNets", ICLR
            2017); ``"taylor"``: how much the loss would change without the channel, to first
            order (Molchanov et al., "Pruning convolutional neural networks for resource efficient
            inference", ICLR 2017, and "Importance estimation for neural network pruning", CVPR
            2019).
        batches: for ``"taylor"``: training images and targets, as `train.batches.TrainingBatches`
            yields them.

    Returns:
        For each group (channels,) float64, at least 0; comparable inside a group.

    Raises:
        DataRefused: ``not_prunable``; ``unknown_importance``; ``missing_images``: ``"taylor"``
            without batches, or for a network that does not screen.
    """
    config = prunable(weights)
    require_known(criterion)
    if criterion == "taylor":
        return _taylor(weights, batches)
    scores = {group: np.zeros(channels) for group, channels in config.groups.items()}
    for link in links(config):
        if link.gives is None:
            continue
        if criterion == "gamma":
            scores[link.gives] += np.abs(weights.tensors[f"{link.norm}/gamma"])
        else:
            kernel = np.abs(weights.tensors[f"{link.layer}/kernel"])
            scores[link.gives] += kernel.sum(axis=(0, 1, 2))
    return scores


def require_known(criterion: str) -> None:
    """Refuse what is none of `CRITERIA`.

    Raises:
        DataRefused: ``unknown_importance``.
    """
    if criterion not in CRITERIA:
        raise DataRefused(
            "unknown_importance",
            f"Importance is one of {', '.join(CRITERIA)}. Received: {criterion}.",
        )


def _taylor(weights: Weights, batches: Sequence[Batch]) -> Scores:
    """Mean over images of the absolute sum of activation times gradient.

    Both are taken after batch normalisation of every convolution of a group, so that the sum is
    the first-order change of the loss if all of them gave zero. It equals the sum of gamma times
    its gradient and beta times its gradient, image by image.
    """
    screens = weights.recipe.outputs[: len(OUTPUTS)] == OUTPUTS
    if not batches or not screens:
        raise DataRefused(
            "missing_images", "Taylor importance needs a screening network and training images."
        )
    gives = {link.norm: link.gives for link in links(weights.recipe.network) if link.gives}
    # tf-keras, so that gradients are TensorFlow's whatever Keras 3 trains with.
    model = build_trained(weights, tf_keras)
    names = ("logits", *gives)
    network = tf_keras.Model(model.input, [model.get_layer(name).output for name in names])

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def first_order(images: Any, targets: Any) -> list[Any]:
        with tf.GradientTape() as tape:
            logits, *activations = network(images, training=False)
            loss = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits[:, : len(OUTPUTS)])
            loss = tf.reduce_sum(tf.reduce_mean(loss, axis=1))  # images do not touch one another
        gradients = tape.gradient(loss, activations)
        return [tf.reduce_sum(a * g, [1, 2]) for a, g in zip(activations, gradients, strict=True)]

    groups = weights.recipe.network.groups
    scores = {group: np.zeros(channels) for group, channels in groups.items()}
    images = sum(len(pixels) for pixels, _ in batches)
    for pixels, targets in batches:
        change: dict[str, npt.NDArray[np.float64]] = {}
        found = first_order(tf.constant(pixels), tf.constant(targets[:, : len(OUTPUTS)]))
        for group, part in zip(gives.values(), found, strict=True):
            change[group] = change.get(group, 0.0) + part.numpy().astype(np.float64)
        for group, value in change.items():
            scores[group] += np.abs(value).sum(axis=0) / images
    return scores
