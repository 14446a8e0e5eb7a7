"""The pictures of one film: what the layers make of it, and where the network looked.

After figures 4 and 8 of Liang & Zheng (2019), doi 10.1016/j.cmpb.2019.06.023.
"""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

import edge
from edge.errors import DataRefused
from edge.files import write_atomically
from edge.preprocess import preprocess
from train.attention import attention_maps, head_of
from train.datasets import read_pixels
from train.evaluation import margin
from train.operating import calibrate, decision_from
from train.rivals import describe
from train.weights import Weights, build_trained

LAYERS = {
    "stem": "stem_relu",
    "pooling": "stem_pool",
    "first_bottleneck": "stage1_block1_out",
    "last_bottleneck": "features",
}
"""Figure to the layer of `train.network.build` whose output it shows."""

PANELS = 16
"""Channels shown of each layer at most."""

NOTICE = "Screening aid. Not a diagnosis. A clinician decides."
MEANING = "what the model looked at, not an outline of disease"
DPI = 150

Plain = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """What a network makes of one film.

    Attributes:
        pixels: (height, width) grey, as decoded.
        maps: by figure, (h, w, channels) output of its layer.
        attention: (h, w), at least 0.
        score: calibrated, in [0, 1].
        threshold: a film is referred at or above it.
    """

    pixels: npt.NDArray[Any]
    maps: dict[str, npt.NDArray[np.float32]]
    attention: npt.NDArray[np.float32]
    score: float
    threshold: float


def write_figures(image: Path, weights: Weights, out: Path) -> Plain:
    """Draw all figures of one film into a folder, as PNG, with ``figures.json`` beside them.

    Args:
        image: a JPEG or PNG radiograph.
        weights: of a network of `train.network` that screens.
        out: folder; made where it is missing.

    Returns:
        What stands in ``figures.json``: the model, the film, its score, and for each figure its
        file, what it shows, and the layer's shape and the channels drawn.

    Raises:
        DataRefused: ``unreadable_image``, ``untrained_weights`` or ``other_architecture``; then
            nothing is written; or ``unwritable_folder``.
    """
    reading = read(read_pixels(image), weights)
    # The font of the figures has no glyphs for every script; figures.json keeps the name whole.
    shown_name = image.name[-60:].encode("ascii", "replace").decode()
    footer = (
        f"{shown_name}   |   {describe(weights.recipe)}, "
        f"weights sha256 {weights.sha256[:12]}, PneumoKiosk {edge.__version__}\n"
        f"It shows {MEANING}. {NOTICE}"
    )
    drawn = {}
    figures = []
    for name, layer in LAYERS.items():
        maps = reading.maps[name]
        channels = most_active(maps)
        title = name.replace("_", " ").capitalize()
        drawn[f"{name}.png"] = _grid(maps, channels, title, footer)
        shown = {"layer": layer, "shape": list(maps.shape), "channels": channels}
        figures.append({"file": f"{name}.png", "shows": f"feature maps: {title.lower()}", **shown})
    drawn["attention.png"] = _attention(reading, footer)
    figures.append({"file": "attention.png", "shows": f"attention: {MEANING}"})
    index = {
        "image": image.name,
        "weights_sha256": weights.sha256,
        "network": describe(weights.recipe),
        "version": edge.__version__,
        "score": reading.score,
        "threshold": reading.threshold,
        "notice": NOTICE,
        "figures": figures,
    }
    drawn["figures.json"] = (json.dumps(index, indent=1) + "\n").encode()
    try:
        for file, data in drawn.items():
            write_atomically(out / file, data)
    except OSError as error:
        raise DataRefused("unwritable_folder", f"{out} cannot be written: {error}") from error
    return index


def read(pixels: npt.NDArray[Any], weights: Weights) -> Reading:
    """Run a network on one film and keep what its layers put out.

    Raises:
        DataRefused: ``untrained_weights`` or ``other_architecture``.
    """
    if weights.recipe.architecture != "dilated":
        raise DataRefused(
            "other_architecture",
            "Figures show the layers of the dilated residual network. Received weights of: "
            f"{weights.recipe.architecture}.",
        )
    decision = decision_from(weights.facts)
    model = build_trained(weights, keras)
    outputs = [model.get_layer(layer).output for layer in LAYERS.values()]
    network = keras.Model(model.input, [*outputs, model.output])
    found = network.predict_on_batch(preprocess(pixels, weights.recipe.input)[None])
    *maps, probabilities = [np.asarray(x, np.float32) for x in found]
    return Reading(
        pixels=pixels,
        maps={name: m[0] for name, m in zip(LAYERS, maps, strict=True)},
        attention=attention_maps(head_of(model), maps[-1])[0],
        score=float(calibrate(margin(probabilities), decision.calibration)[0]),
        threshold=decision.threshold,
    )


def most_active(maps: npt.NDArray[np.float32]) -> list[int]:
    """Channels of (h, w, channels) of the largest mean, at most `PANELS`; silent ones left out."""
    activity = maps.mean(axis=(0, 1))
    order = np.argsort(-activity, kind="stable")[:PANELS]
    return [int(channel) for channel in order if activity[channel] > 0]


def _grid(maps: npt.NDArray[np.float32], channels: list[int], title: str, footer: str) -> bytes:
    """One panel a channel, each from its own least to its own greatest value."""
    height, width, count = maps.shape
    columns = 4
    rows = max(1, math.ceil(len(channels) / columns))
    figure = Figure(figsize=(6.4, 1.65 * rows + 1.1), layout="constrained")
    of_all = f"the {len(channels)} most active of {count}" if len(channels) < count else "all"
    figure.suptitle(
        f"{title}: {of_all} channels, {width} × {height}\n"
        "each from dark (its least) to bright (its greatest)",
        fontsize=9,
    )
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, channel in zip(panels, channels, strict=False):
        axes.imshow(maps[:, :, channel], cmap="gray", interpolation="nearest")
        axes.set_title(f"channel {channel}", fontsize=7, pad=2)
    figure.supxlabel(footer, fontsize=7, parse_math=False)
    return _png(figure)


def _attention(reading: Reading, footer: str) -> bytes:
    """The film, and the film under its map."""
    height, width = reading.pixels.shape
    # Two panels and a colour bar across; the text above and below takes a constant height.
    figure = Figure(
        figsize=(9.0, float(np.clip(4.1 * height / width, 1, 9)) + 1.1), layout="constrained"
    )
    figure.suptitle(
        f"Attention: {MEANING}\nscore {reading.score:.3f}, refer at {reading.threshold:.3f} "
        "or above",
        fontsize=10,
    )
    plain, overlaid = figure.subplots(1, 2)
    low, high = _window(reading.pixels)
    for axes in (plain, overlaid):
        axes.imshow(reading.pixels, cmap="gray", vmin=low, vmax=high)
        axes.set_axis_off()
    strongest = float(reading.attention.max())
    if strongest > 0:
        picture = overlaid.imshow(
            reading.attention / strongest,
            cmap=_see_through(),
            norm=Normalize(0, 1),
            # The whole film was squeezed to the network's square: the map covers all of it.
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
            interpolation="bicubic",
        )
        bar = figure.colorbar(picture, ax=overlaid, fraction=0.05, pad=0.02)
        bar.ax.set_facecolor("0.35")  # what is seen through is grey there as it is on the film
        bar.set_label("attention, as a share of its maximum", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    else:
        overlaid.set_title("no place speaks for pneumonia", fontsize=9)
    figure.supxlabel(footer, fontsize=7, parse_math=False)
    return _png(figure)


def _see_through() -> ListedColormap:
    """Inferno, transparent at 0, so that the film stays visible where nothing was looked at."""
    colours = matplotlib.colormaps["inferno"](np.linspace(0, 1, 256))
    colours[:, 3] = np.linspace(0, 0.75, 256)
    return ListedColormap(colours)


def _window(pixels: npt.NDArray[Any]) -> tuple[float, float]:
    """16-bit files seldom use their whole range: show the range that this one uses."""
    if pixels.dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.percentile(pixels, (0.5, 99.5))
    return float(low), max(float(high), float(low) + 1)


def _png(figure: Figure) -> bytes:
    data = io.BytesIO()
    metadata = {"Software": None, "Description": f"{MEANING}. {NOTICE}"}
    figure.savefig(data, format="png", dpi=DPI, metadata=metadata)
    return data.getvalue()
