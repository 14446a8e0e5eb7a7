"""The command ``pneumokiosk-optimize``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

import edge
from edge.console import Commands
from optimize.distillation_commands import distill_command
from optimize.export_commands import onnx_command, tensorrt_command
from optimize.files import writing
from optimize.gate_commands import add_gates_command, gates_command
from optimize.pipeline_commands import run_command
from optimize.pruning_commands import prune_command
from optimize.quantization_commands import quantize_command
from optimize.signing_commands import keygen_command, sign_command
from optimize.sparsity_commands import sparsify_command

PATH = click.Path(path_type=Path)


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


@cli.command("convert")
@click.argument("weights", type=PATH)
@click.option("--out", type=PATH, required=True, help="Folder of the artifact; must not exist.")
@click.option("--data", type=PATH, help="chest_xray folder as published, for int8 ranges.")
@click.option("--name", help="Of the model.  [default: that of the weights' file, or its folder]")
@click.option("--release", default="1", show_default=True, help="Version of the model.")
@click.option("--measured", type=PATH, help="Evaluation to carry along, a JSON file.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def convert_command(
    weights: Path,
    out: Path,
    data: Path | None,
    name: str | None,
    release: str,
    measured: Path | None,
    as_json: bool,
) -> None:
    """Convert WEIGHTS to an artifact: fp32 and int8 LiteRT, manifest, model card.

    Without --data, int8 ranges and the comparison with the network come from seeded synthetic
    phantoms, and the manifest says so.

    Example: pneumokiosk-optimize convert runs/compact/weights.safetensors --data chest_xray
    --out runs/artifact
    """
    from optimize.artifact import build_artifact, draw_samples, read_evaluation
    from train.weights import load_weights

    loaded = load_weights(weights)
    manifest = build_artifact(
        loaded,
        out,
        draw_samples(loaded, data),
        name=name or _name_of(weights),
        release=release,
        measured=read_evaluation(measured, loaded.sha256) if measured else None,
    )
    if as_json:
        click.echo(manifest.to_json(), nl=False)
        return
    for variant, report in manifest.made_from["conversion"].items():
        record = manifest.files[manifest.variants[variant]]
        click.echo(
            f"{variant}: {record.bytes:,} bytes, {report['partitions']} delegate partition(s), "
            f"mean difference of score {report['difference_from_network']['mean_score']:.2g}"
        )
    click.echo(f"written: {out}")


for command in (
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


def _name_of(weights: Path) -> str:
    """Training names every file ``weights`` and its folder by what is trained."""
    path = weights.resolve()
    return path.parent.name if path.stem == "weights" else path.stem


def main() -> None:
    """Entry point of ``pneumokiosk-optimize``."""
    cli()
