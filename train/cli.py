"""The command ``pneumokiosk-train``."""

from __future__ import annotations

import os

import click

import edge
from edge.console import Commands
from train.measuring_commands import evaluate_command, figures_command, report_command
from train.training_commands import fit_command, pretrain_command, throughput_command, widen_command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(edge.__version__, prog_name="pneumokiosk-train")
def cli() -> None:
    """Train the dilated residual network and measure it."""
    # TensorFlow greets on stderr at length; warnings and errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


for command in (
    pretrain_command,
    fit_command,
    throughput_command,
    widen_command,
    evaluate_command,
    report_command,
    figures_command,
):
    cli.add_command(command)


def main() -> None:
    """Entry point of ``pneumokiosk-train``."""
    cli()
