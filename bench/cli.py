"""The command ``pneumokiosk-bench``."""

from __future__ import annotations

import os

import click

import edge
from bench.accuracy_command import accuracy_command
from bench.compare_command import compare_command
from bench.kiosk_command import kiosk_command
from bench.latency_command import latency_command
from bench.report_command import report_command
from bench.robustness_command import robustness_command
from edge.console import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(edge.__version__, prog_name="pneumokiosk-bench")
def cli() -> None:
    """Measure latency, accuracy and the running kiosk on this machine."""
    # TensorFlow greets on stderr at length; warnings and errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


for command in (
    latency_command,
    accuracy_command,
    robustness_command,
    kiosk_command,
    report_command,
    compare_command,
):
    cli.add_command(command)


def main() -> None:
    """Entry point of ``pneumokiosk-bench``."""
    cli()
