"""The command ``latency``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.options import PATH, json_option, out_option, show

if TYPE_CHECKING:
    from bench.latency import Settings
    from bench.samples import Recorder
    from edge.artifact import Artifact

FILE = "latency"


def _numbers(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """Numbers of threads from ``1,2,4``."""
    if value is None:
        return None
    parts = value.split(",")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"Numbers from 1, such as 1,2,4. Received: {value!r}")
    return tuple(sorted({int(part) for part in parts}))


@click.command("latency")
@click.option(
    "--artifact", "folders", type=PATH, multiple=True,
    help="Artifact folder; more than once for more. Default: the shipped ones, lite0 and slim.",
)  # fmt: skip
@click.option(
    "--weights", type=PATH,
    help="Trained full network. Default: the repository's, or random weights without it.",
)  # fmt: skip
@click.option(
    "--threads", callback=_numbers, help="Processor threads of a stream. Default: 1,2,4; quick: 2."
)
@click.option(
    "--rounds", type=click.IntRange(1),
    help="Least images for each backend. Default: 1024, as in MLPerf; quick: 20.",
)  # fmt: skip
@click.option(
    "--duration", type=click.FloatRange(0),
    help="Least seconds of each stream. Default: 600, as in MLPerf; quick: 0.",
)  # fmt: skip
@click.option(
    "--runtime", "runtimes", multiple=True,
    help="Only this way to run a network; more than once for more. Default: all there are.",
)  # fmt: skip
@click.option("--quick", is_flag=True, help="A minute's look, not a measurement.")
@click.option("--seed", default=0, show_default=True, help="Of the order and the bootstrap.")
@out_option
@json_option
def latency_command(
    folders: tuple[Path, ...],
    weights: Path | None,
    threads: tuple[int, ...] | None,
    rounds: int | None,
    duration: float | None,
    runtimes: tuple[str, ...],
    quick: bool,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Time the full network and every variant of some artifacts, interleaved in one run.

    Raw samples go to OUT/latency.jsonl as they are measured, what they say to OUT/latency.json.

    Example: pneumokiosk-bench latency --threads 1,2,4 --out runs/latency
    """
    from bench.backends import choose_backends, shipped_full
    from bench.latency import measure_latency
    from bench.latency_score import score_latency
    from bench.latency_table import latency_table
    from bench.machine import describe_machine
    from bench.results import write_run
    from bench.samples import recording

    machine = describe_machine()
    settings = _settings(quick, threads, rounds, duration, seed)
    artifacts = _artifacts(folders)
    weights = weights or shipped_full()
    chosen = choose_backends(list(artifacts.values()), weights, _known(runtimes))
    asked = {**settings.to_dict(), "quick": quick}
    asked["full_network_weights"] = weights.name if weights else "random, seed 0"
    hashes = {b.name: b.sha256 for b in chosen.backends if b.sha256}
    path = out / f"{FILE}.jsonl" if out else None
    with recording(path, "latency", hashes, asked, machine) as recorder:
        _record_arithmetic(recorder, artifacts, weights)
        places = {name: artifact.folder for name, artifact in artifacts.items()}
        measure_latency(recorder, chosen, places, settings)
    result = score_latency(recorder.lines)
    if out:
        write_run(out, FILE, result)
    show(result, latency_table(result), as_json)


def _settings(
    quick: bool,
    threads: tuple[int, ...] | None,
    rounds: int | None,
    duration: float | None,
    seed: int,
) -> Settings:
    from bench.latency import QUICK, Settings

    asked = {"threads": threads, "rounds": rounds, "seconds": duration, "seed": seed}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    return replace(QUICK if quick else Settings(), **given)


def _artifacts(folders: tuple[Path, ...]) -> dict[str, Artifact]:
    """Artifacts by name.

    Raises:
        DataRefused: ``same_name``.
    """
    from edge.artifact import DEFAULT_ARTIFACT, load_artifact
    from edge.errors import DataRefused

    shipped = (DEFAULT_ARTIFACT, DEFAULT_ARTIFACT.with_name("slim"))
    found: dict[str, Artifact] = {}
    for folder in folders or shipped:
        artifact = load_artifact(folder)
        if artifact.manifest.name in found:
            raise DataRefused("same_name", f"Several artifacts are named {artifact.manifest.name}.")
        found[artifact.manifest.name] = artifact
    return found


def _known(runtimes: tuple[str, ...]) -> tuple[str, ...]:
    """Those asked for, checked; all where none is.

    Raises:
        DataRefused: ``unknown_runtime``.
    """
    from bench.backends import RUNTIMES
    from edge.errors import DataRefused

    if unknown := sorted(set(runtimes) - set(RUNTIMES)):
        raise DataRefused(
            "unknown_runtime",
            f"Runtimes are {', '.join(RUNTIMES)}. Received: {', '.join(unknown)}",
        )
    return runtimes or RUNTIMES


def _record_arithmetic(
    recorder: Recorder, artifacts: dict[str, Artifact], weights: Path | None
) -> None:
    """Multiplications of every network; a clinic's device has no TensorFlow to count them by."""
    from bench.arithmetic import count_multiplications

    try:
        found = count_multiplications(artifacts, weights)
    except ImportError as error:
        recorder.add("not_available", backend="multiplications", why=f"{error}.")
        return
    for network, multiplications in found.items():
        recorder.add("network", network=network, multiplications=multiplications)
