"""The command ``pneumokiosk-optimize``."""

from __future__ import annotations

import os
from typing import Any

import click

import edge
from edge.console import Commands
from optimize.convert_commands import convert_command
from optimize.distillation_commands import distill_command
from optimize.export_commands import onnx_command, tensorrt_command
from optimize.files import writing
from optimize.gate_commands import add_gates_command, gates_command
from optimize.pipeline_commands import run_command
from optimize.pruning_commands import prune_command
from optimize.quantization_commands import quantize_command
from optimize.signing_commands import keygen_command, sign_command
from optimize.sparsity_commands import sparsify_command


class _Writing(click.Group):
    """Commands that write: what the system answers instead is told in one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        with writing():
            return super().invoke(ctx)


class Stages(Commands, _Writing):
    """A group that tells refusals, the system's own among them."""


@click.group(cls=Stages, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(edge.__version__, prog_name="pneumokiosk-optimize")
def cli() -> None:
    """Turn a trained network into the artifact that a clinic runs."""
    # TensorFlow greets on stderr at length; warnings and errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


for command in (
    convert_command,
    run_command,
    prune_command,
    distill_command,
    sparsify_command,
    keygen_command,
    quantize_command,
    sign_command,
    onnx_command,
    tensorrt_command,
    gates_command,
    add_gates_command,
):
    cli.add_command(command)


def main() -> None:
    """Entry point of ``pneumokiosk-optimize``."""
    cli()
