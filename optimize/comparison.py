"""A converted network is compared with the Keras network that it was made of, image by image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import numpy.typing as npt

from edge.errors import DataRefused, WorkFailed
from edge.runtime import Prediction
from train.network import direction
from train.operating import calibrate
from train.weights import Weights, build_trained

Images = Sequence[npt.NDArray[np.float32]]
Predict = Callable[[npt.NDArray[np.float32]], Prediction]

TOLERANCES = {
    "fp32": {"largest_score": 1e-4, "largest_margin": 1e-3},
    "fp16": {"largest_score": 1e-3, "largest_margin": 1e-2},
    "int8": {"mean_score": 0.01, "mean_margin": 0.3},
}
"""Allowed difference from the Keras network; the margin's as well, because a score near 0 or 1
hides a difference."""


Differences = dict[str, float]


def compare(
    weights: Weights, converted: Mapping[str, Predict], images: Images
) -> dict[str, Differences]:
    """Compare converted networks with the Keras network; refuse what differs too much.

    Args:
        weights: of the Keras network, with its calibration.
        converted: by its key of `TOLERANCES`, what each makes of one (size, size, 1) image.
        images: to compare on.

    Returns:
        For each the mean and largest absolute difference of score and of margin.

    Raises:
        DataRefused: ``untrained_weights`` without a calibration.
        WorkFailed: ``output_differs``.
    """
    found = differences(weights, converted, images)
    for variant in converted:
        _refuse_difference(variant, found[variant], len(images))
    return found


def differences(
    weights: Weights, converted: Mapping[str, Predict], images: Images
) -> dict[str, Differences]:
    """As `compare`, of networks by any name, and without refusing any."""
    if "calibration" not in weights.facts:
        raise DataRefused("untrained_weights", "The weights carry no calibration.")
    calibration = weights.facts["calibration"]
    expected = network_margins(weights, images)
    found = {}
    for variant, predict in converted.items():
        margins = np.array([predict(image).margin for image in images])
        off = np.abs(margins - expected)
        off_score = np.abs(calibrate(margins, calibration) - calibrate(expected, calibration))
        found[variant] = {
            "mean_score": float(off_score.mean()),
            "largest_score": float(off_score.max()),
            "mean_margin": float(off.mean()),
            "largest_margin": float(off.max()),
        }
    return found


def network_margins(weights: Weights, images: Images) -> npt.NDArray[np.float64]:
    """What the Keras network makes of n preprocessed images, each (size, size, 1).

    Returns:
        (n,) logit of pneumonia minus logit of normal, before calibration.
    """
    model = build_trained(weights, keras)
    # From the logits: a float32 probability near 0 or 1 has no digits left for a margin.
    logits = keras.Model(model.input, model.get_layer("logits").output)
    values = logits.predict(np.stack(images), verbose=0)
    return np.asarray(values @ direction(values.shape[1]), np.float64)


def _refuse_difference(variant: str, found: dict[str, float], images: int) -> None:
    for figure, allowed in TOLERANCES[variant].items():
        if not found[figure] <= allowed:  # so written that a NaN is refused as well
            raise WorkFailed(
                "output_differs",
                f"The {variant} file differs from the network on {images} images: "
                f"{figure} {found[figure]:.2g}, at most {allowed:g} is allowed.",
            )
