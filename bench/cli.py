"""The command ``pneumokiosk-bench``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

import edge
from edge.artifact import DEFAULT_ARTIFACT
from edge.console import Commands

PATH = click.Path(path_type=Path)

artifact_option = click.option(
    "--artifact", type=PATH, default=DEFAULT_ARTIFACT, help="Artifact folder; the shipped one."
)
threads_option = click.option(
    "--threads", default=2, show_default=True, help="Processor threads for one image."
)
out_option = click.option("--out", type=PATH, help="Folder for raw samples and results.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(edge.__version__, prog_name="pneumokiosk-bench")
def cli() -> None:
    """Measure latency, accuracy and the running kiosk on this machine."""


@cli.command("latency")
@artifact_option
@click.option(
    "--weights",
    type=PATH,
    help="Trained full network. Default: the repository's, or random weights without it.",
)
@click.option("--rounds", default=200, show_default=True, help="Images for each backend.")
@click.option("--quick", is_flag=True, help="20 rounds: a look, not a measurement.")
@threads_option
@click.option("--seed", default=0, show_default=True, help="Of the order and the bootstrap.")
@out_option
@json_option
def latency_command(
    artifact: Path,
    weights: Path | None,
    rounds: int,
    quick: bool,
    threads: int,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Time the full network and every variant of an artifact, interleaved in one run.

    Example: pneumokiosk-bench latency --threads 2 --out runs/latency
    """
    from bench.backends import default_backends, shipped_full
    from bench.latency import measure, peak_memory, summarize
    from bench.machine import describe_machine
    from bench.report import latency_table, write_run

    machine = describe_machine()
    weights = weights or shipped_full()
    backends = default_backends(artifact, weights)
    peaks = {backend.name: peak_memory(backend, threads) for backend in backends}
    samples = measure(backends, 20 if quick else rounds, threads, seed)
    rows = summarize(backends, samples, peaks, seed)
    result = {
        "command": "latency",
        "threads": threads,
        "seed": seed,
        "quick": quick,
        "full_network_weights": weights.name if weights else "random, seed 0",
        "machine": machine,
        "rows": [row.to_dict() for row in rows],
    }
    if out:
        write_run(out, "latency", result, samples)
    _show(result, latency_table(rows), as_json)


@cli.command("accuracy")
@artifact_option
@click.option("--data", type=PATH, required=True, help="chest_xray folder as published.")
@click.option(
    "--split",
    type=click.Choice(["train", "test"]),
    default="test",
    show_default=True,
    help="Which folder of it.",
)
@out_option
@json_option
def accuracy_command(
    artifact: Path, data: Path, split: str, out: Path | None, as_json: bool
) -> None:
    """Screen a data set with every variant of an artifact; list outcomes that differ.

    Example: pneumokiosk-bench accuracy --data chest_xray
    """
    from bench.accuracy import compare_variants
    from bench.machine import describe_machine
    from bench.report import accuracy_table, write_run
    from edge.artifact import load_artifact

    comparison = compare_variants(load_artifact(artifact), data, split)
    result = {"command": "accuracy", "machine": describe_machine(), **comparison}
    if out:
        write_run(out, "accuracy", result, None)
    _show(result, accuracy_table(comparison), as_json)


@cli.command("kiosk")
@click.option("--image", type=PATH, help="A full-size JPEG; a synthetic phantom without.")
@click.option(
    "--screenings", type=click.IntRange(min=101), default=500, show_default=True, help="How many."
)
@threads_option
@out_option
@json_option
def kiosk_command(
    image: Path | None, screenings: int, threads: int, out: Path | None, as_json: bool
) -> None:
    """Start the kiosk and screen one image again and again: readiness, latency, memory.

    Example: pneumokiosk-bench kiosk --screenings 500
    """
    from bench.kiosk import measure_kiosk
    from bench.machine import describe_machine
    from bench.report import write_run

    machine = describe_machine()
    figures = measure_kiosk(image, screenings, threads=threads)
    result = {"command": "kiosk", "threads": threads, "machine": machine, **figures.to_dict()}
    if out:
        write_run(out, "kiosk", result, None)
    table = "\n".join(f"| {name} | {value} |" for name, value in figures.rows())
    _show(result, "| kiosk | measured |\n|---|---|\n" + table, as_json)


def _show(result: dict[str, Any], table: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result))
        return
    machine = result["machine"]
    click.echo(table)
    click.echo(
        f"\n{machine['processor']}, {machine['cores']} cores, "
        f"load {machine['load_1min']} before, {machine['time']}"
    )


def main() -> None:
    """Entry point of ``pneumokiosk-bench``."""
    cli()
