"""Every variant that was built, against the full network: one table and one plot."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from optimize.accuracy import RESAMPLES, measure_accuracies
from optimize.files import write_result
from optimize.pareto import Point, pareto_plot
from optimize.scoring import score_variants
from optimize.speed import THREADS, Samples, summarize, time_variants
from optimize.table_text import markdown
from optimize.tflite import convert
from optimize.variants import Variant, check_variants, measure_size
from train.assessment import SPLITS, samples_of
from train.datasets import Sample
from train.provenance import PACKAGES, describe_environment
from train.transfer import require_same_patients
from train.weights import Weights

REFERENCE = "full network, LiteRT fp32"
ROUNDS = 200
SCORES = "scores"

Plain = dict[str, Any]


def compare_variants(
    full: Weights,
    variants: Sequence[Variant],
    data: Path,
    split: str,
    out: Path,
    *,
    rounds: int = ROUNDS,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: bool = True,
) -> Plain:
    """Compare every variant with the full network in LiteRT fp32, on the same films.

    Times are taken last: nothing else may run on the machine then.

    Args:
        full: weights of the full network; it is converted here, and is the first row.
        variants: all others.
        data: a ``chest_xray`` folder as published.
        split: a key of `train.assessment.SPLITS`.
        out: folder of ``table.json``, ``table.md``, ``pareto.svg``, ``latency.jsonl`` (every
            single time) and ``scores/`` (every margin); of a run that was killed, what it scored
            is taken over.
        rounds: films that each variant is timed on.
        seed: of the order of the timing and of the bootstrap.
        resamples: bootstrap samples of the films.
        progress: show progress bars.

    Returns:
        What ``table.json`` holds.

    Raises:
        DataRefused: as `optimize.variants.check_variants`; ``other_patients``: weights of a
            variant have learnt from the full network's validation patients; or what is wrong with
            the data.
        WorkFailed: ``no_numbers`` or ``cannot_write``.
    """
    if split != "test":
        for variant in variants:
            require_same_patients(variant.weights, full.recipe)
    every = [Variant(REFERENCE, full, _converted(full, out)), *variants]
    check_variants(every)
    samples = samples_of(split, data, full)
    margins = score_variants(every, samples, out / SCORES, progress)
    accuracy = measure_accuracies(
        every, margins, samples, seed=seed, resamples=resamples, progress=progress
    )
    load = os.getloadavg()[0]
    times = time_variants(every, rounds, THREADS, seed, progress)
    latency = summarize(times, REFERENCE, seed)
    rows = [
        {
            "name": variant.name,
            **measure_size(variant),
            "latency": latency[variant.name],
            **accuracy[variant.name],
            "scores": f"{SCORES}/{margins[variant.name].kept_in}",
        }
        for variant in every
    ]
    table = {
        **_describe_films(split, samples),
        **_describe_run(),
        "rounds": rounds,
        "seed": seed,
        "resamples": resamples,
        "load_1min": round(load, 2),
        "variants": rows,
    }
    _write(out, table, times)
    return table


def _describe_films(split: str, samples: Sequence[Sample]) -> Plain:
    positives = sum(sample.label for sample in samples)
    return {
        "data": SPLITS[split], "split": split, "images": len(samples), "positives": positives
    }  # fmt: skip


def _describe_run() -> Plain:
    return {
        "reference": REFERENCE,
        "machine": describe_environment((*PACKAGES, "tf_keras", "ai-edge-litert")),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


def _converted(full: Weights, out: Path) -> bytes:
    """The full network in LiteRT fp32, converted once for a folder."""
    path = out / f"full-{full.sha256[:16]}-{version('tensorflow')}.tflite"
    if not full.sha256 or not path.is_file():
        write_result(path, convert(full))
    return path.read_bytes()


def _write(out: Path, table: Plain, samples: Samples) -> None:
    lines = (
        json.dumps({"variant": name, "threads": threads, "round": i, "ms": round(value, 5)})
        for (name, threads), times in samples.items()
        for i, value in enumerate(times)
    )
    write_result(out / "latency.jsonl", ("\n".join(lines) + "\n").encode())
    threads = max(THREADS)
    plot = pareto_plot(
        [_point(row, threads) for row in table["variants"]],
        f"{table['data']}: {table['images']} films",
        f"milliseconds a film, LiteRT, {threads} threads",
        "AUC with its 95 % interval",
    )
    write_result(out / "pareto.svg", plot.encode())
    write_result(out / "table.md", markdown(table).encode())
    write_result(out / "table.json", (json.dumps(table, indent=1) + "\n").encode())


def _point(row: Plain, threads: int) -> Point:
    auc = row["evaluation"]["figures"]["auc"]
    milliseconds = row["latency"][str(threads)]["p50_ms"]
    return Point(row["name"], milliseconds, auc["value"], auc["low"], auc["high"])
