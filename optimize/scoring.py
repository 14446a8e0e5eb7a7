"""What files and networks make of every film of a split; each is asked once and its answer kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm import tqdm

from edge.errors import WorkFailed
from edge.preprocess import preprocess
from edge.runtime import Model
from optimize.comparison import Images, network_margins
from optimize.files import write_result
from optimize.variants import Variant
from train.datasets import Sample, read_pixels
from train.evaluation import Floats
from train.weights import Weights


@dataclass(frozen=True)
class Margins:
    """What was said of n films.

    Attributes:
        file: (n,) margins of the LiteRT file.
        network: (n,) margins of the Keras network that it came from.
        kept_in: name of the file that keeps those of the LiteRT file.
    """

    file: Floats
    network: Floats
    kept_in: str


def score_variants(
    variants: Sequence[Variant], samples: Sequence[Sample], folder: Path, progress: bool = True
) -> dict[str, Margins]:
    """Ask every file, and the network that it came from, about every film.

    Films go through the kiosk's own reading and preprocessing. An answer is kept by the hashes of
    what was asked and of its input: it is not asked for again, so a killed run goes on.

    Args:
        variants: the files.
        samples: the films.
        folder: keeps the answers, each in a file of JSON lines.
        progress: show a progress bar.

    Returns:
        Margins by the name of the variant.

    Raises:
        DataRefused: ``unreadable_image``.
        WorkFailed: ``no_numbers``: what came out is none; or ``cannot_write``.
    """
    names = [film_name(sample) for sample in samples]
    found = {}
    with tqdm(total=len(variants), desc="scoring", disable=not progress) as bar:
        # Those of one input contract together: the films of one are enough to hold at a time.
        for contract in dict.fromkeys(variant.weights.recipe.input for variant in variants):
            images = [preprocess(read_pixels(sample.path), contract) for sample in samples]
            answers = _Answers(folder, names, images)
            for variant in variants:
                if variant.weights.recipe.input == contract:
                    found[variant.name] = answers.of(variant)
                    bar.update()
    return {variant.name: found[variant.name] for variant in variants}


def film_name(sample: Sample) -> str:
    """Folder and name of a film's file."""
    return f"{sample.path.parent.name}/{sample.path.name}"


class _Answers:
    """What is said of the same preprocessed films."""

    def __init__(self, folder: Path, names: Sequence[str], images: Images) -> None:
        self._folder, self._names, self._images = folder, names, images
        self._films = _digest([*(image.tobytes() for image in images), *map(str.encode, names)])

    def of(self, variant: Variant) -> Margins:
        def ask_file() -> Floats:
            model = Model(variant.content)
            return np.array([model.predict(image).margin for image in self._images], np.float64)

        def ask_network() -> Floats:
            return network_margins(variant.weights, self._images)

        file = self._kept_in(variant.sha256, "ai-edge-litert")
        network = self._kept_in(_weights_digest(variant.weights), "keras")
        return Margins(
            self._answer(file, ask_file, variant.name),
            self._answer(network, ask_network, f"The network of {variant.name}"),
            file,
        )

    def _kept_in(self, asked: str, package: str) -> str:
        parts = (asked, self._films, package, version(package))
        return f"{_digest(part.encode() for part in parts)}.jsonl"

    def _answer(self, name: str, ask: Callable[[], Floats], who: str) -> Floats:
        """What is kept under a name, or else what ``ask`` gives, which is kept from then on."""
        path = self._folder / name
        if not path.is_file():
            margins = ask()
            if not np.isfinite(margins).all():
                raise WorkFailed("no_numbers", f"{who} gives margins that are no numbers.")
            lines = (
                json.dumps({"file": film, "margin": margin})
                for film, margin in zip(self._names, margins.tolist(), strict=True)
            )
            write_result(path, ("\n".join(lines) + "\n").encode())
        kept = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return np.array([line["margin"] for line in kept], np.float64)


def _weights_digest(weights: Weights) -> str:
    """Of what they are, whether they lie in a file or not."""
    recipe = json.dumps(weights.recipe.to_dict())
    tensors = (name.encode() + weights.tensors[name].tobytes() for name in sorted(weights.tensors))
    return _digest([recipe.encode(), *tensors])


def _digest(parts: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()
