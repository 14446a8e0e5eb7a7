"""The command ``latency``."""

from __future__ import annotations

from pathlib import Path

import click

from bench.options import PATH, artifact_option, json_option, out_option, show, threads_option


@click.command("latency")
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
    show(result, latency_table(rows), as_json)
