"""Which variant of a model runs fastest on this machine, and on how many threads: measured.

No rule foretells it: int8 is several times as fast as float on one processor and no faster on the
next, and more threads help a large network and hinder a small one. What was found is remembered
for the processor, so that only the first start takes longer.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edge.artifact import Artifact
from edge.errors import ArtifactRefused
from edge.files import write_atomically
from edge.phantom import draw_phantom
from edge.preprocess import preprocess
from edge.processor import cores, processor_name
from edge.provenance import manifest_hash
from edge.runtime import Model

CHOICES = "choices.json"
"""File of the data folder in which choices are remembered."""
REMEMBERED = 16
"""Choices that are kept, the latest ones."""
MOST_THREADS = 4
SECONDS = 0.8
"""Of timing; loading what is timed comes on top of it."""
FEWEST_ROUNDS = 3
NEAR = 1.05
"""What takes up to so many times as long as the fastest counts as equally fast."""

Runner = tuple[str, int]


@dataclass(frozen=True)
class Timing:
    """What one way of running the model takes.

    Attributes:
        variant, threads: the way.
        milliseconds: median of a prediction, from model input to score and attention map.
    """

    variant: str
    threads: int
    milliseconds: float


@dataclass(frozen=True)
class Choice:
    """How the model is run on this machine.

    Attributes:
        variant, threads: what was chosen.
        timings: what was timed for it; empty where there was nothing to choose from.
        remembered: whether it was timed at an earlier start.
    """

    variant: str
    threads: int
    timings: tuple[Timing, ...]
    remembered: bool

    def to_dict(self) -> dict[str, Any]:
        """The choice as it stands in JSON."""
        return asdict(self)


def choose(
    artifact: Artifact,
    passed_variants: Sequence[str],
    data_dir: Path,
    variant: str | None = None,
    threads: int | None = None,
) -> Choice:
    """Choose variant and threads: those that are set, the fastest where they are not.

    Args:
        artifact: verified by `edge.artifact.load_artifact`.
        passed_variants: those that may be used, of `edge.selftest.SelfTest.usable`.
        data_dir: folder in which choices are remembered.
        variant, threads: None where it is to be measured.

    Raises:
        ArtifactRefused: ``unknown_variant``, or ``self_test_failed``: the variant that is set must
            not be used; or ``model_unusable``.
    """
    variants = _allowed(artifact, passed_variants, variant)
    counts = (threads,) if threads else tuple(range(1, min(cores(), MOST_THREADS) + 1))
    runners = tuple(itertools.product(variants, counts))
    if len(runners) == 1:
        return Choice(*runners[0], timings=(), remembered=False)
    path, key = data_dir / CHOICES, _key(artifact, runners)
    known = _recall(path)
    timings = next((timings for kept, timings in known if kept == key), None)
    remembered = timings is not None
    if timings is None:
        timings = _timed(artifact, runners)
        _remember(path, [*known, (key, timings)])
    best = _fastest(timings, artifact.manifest.default_variant)
    return Choice(best.variant, best.threads, timings, remembered)


def _allowed(
    artifact: Artifact, passed_variants: Sequence[str], variant: str | None
) -> tuple[str, ...]:
    if variant is None:
        return tuple(sorted(passed_variants))
    if variant not in artifact.manifest.variants:
        known = ", ".join(sorted(artifact.manifest.variants))
        raise ArtifactRefused("unknown_variant", f"No variant {variant}; there are: {known}.")
    if variant not in passed_variants:
        raise ArtifactRefused(
            "self_test_failed",
            f"The variant {variant} is set, but fails its self-test on this machine. "
            f"There are: {', '.join(sorted(passed_variants))}.",
        )
    return (variant,)


def _timed(artifact: Artifact, runners: Sequence[Runner]) -> tuple[Timing, ...]:
    """Time all ways in turns, so that whatever else the machine does slows all of them alike."""
    image = preprocess(draw_phantom(side=256), artifact.manifest.input)
    models = {(v, t): Model(artifact.models[v], t) for v, t in runners}
    for model in models.values():
        model.predict(image)  # the first time sets things up
    seconds: dict[Runner, list[float]] = {runner: [] for runner in runners}
    ends = time.perf_counter() + SECONDS
    for turn in itertools.count(1):
        for runner, model in models.items():
            started = time.perf_counter()
            model.predict(image)
            seconds[runner].append(time.perf_counter() - started)
        if turn >= FEWEST_ROUNDS and time.perf_counter() >= ends:
            break
    return tuple(
        Timing(variant, threads, round(statistics.median(taken) * 1000, 3))
        for (variant, threads), taken in seconds.items()
    )


def _fastest(timings: Sequence[Timing], default_variant: str) -> Timing:
    """The fastest; of near ties the one of fewest threads, then the manifest's own variant."""
    limit = NEAR * min(timing.milliseconds for timing in timings)
    near = [timing for timing in timings if timing.milliseconds <= limit]
    return min(
        near, key=lambda t: (t.threads, t.variant != default_variant, t.milliseconds, t.variant)
    )


def _key(artifact: Artifact, runners: Sequence[Runner]) -> dict[str, Any]:
    """All that a choice depends on."""
    return {
        "processor": processor_name(),
        "cores": cores(),
        "artifact": manifest_hash(artifact),
        "litert": _runtime(),
        "ways": [[variant, threads] for variant, threads in runners],
    }


def _runtime() -> str:
    for package in ("ai-edge-litert", "tflite-runtime"):
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return "unknown"


Known = list[tuple[dict[str, Any], tuple[Timing, ...]]]


def _recall(path: Path) -> Known:
    """What is remembered; nothing where the file is missing or damaged: it is made anew."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        known = [(dict(e["for"]), tuple(Timing(**t) for t in e["timings"])) for e in entries]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [(key, timings) for key, timings in known if _sound(key, timings)]


def _sound(key: dict[str, Any], timings: Sequence[Timing]) -> bool:
    """Whether an entry times exactly the ways that it says it does."""
    return [[t.variant, t.threads] for t in timings] == key.get("ways") and all(
        isinstance(t.milliseconds, float) and t.milliseconds > 0 for t in timings
    )


def _remember(path: Path, known: Known) -> None:
    entries = [
        {"for": key, "timings": [asdict(timing) for timing in timings]}
        for key, timings in known[-REMEMBERED:]
    ]
    try:
        write_atomically(path, (json.dumps(entries, indent=1) + "\n").encode())
    except OSError:
        return  # a kiosk whose disk is full screens all the same; the next start measures again
