"""The command ``kiosk``."""

from __future__ import annotations

from pathlib import Path

import click

from bench.options import PATH, json_option, out_option, show, threads_option


@click.command("kiosk")
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
        write_run(out, "kiosk", result)
    table = "\n".join(f"| {name} | {value} |" for name, value in figures.rows())
    show(result, "| kiosk | measured |\n|---|---|\n" + table, as_json)
