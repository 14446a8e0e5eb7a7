"""The command that makes weights of a network zero."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import click

from edge.errors import DataRefused
from train.options import DATA_HELP, PATH


@click.command("sparsify")
@click.argument("weights", type=PATH)
@click.option("--sparsity", type=float, default=0.0, help="Share of zeros in each pruned kernel.")
@click.option("--pattern", default="", help="2:4, two zeros in every four; instead of --sparsity.")
@click.option("--data", type=PATH, help=DATA_HELP)
@click.option(
    "--epochs", type=int, default=5, show_default=True,
    help="Passes over the training images meanwhile; with 0 the zeros come at once.",
)  # fmt: skip
@click.option(
    "--learning-rate", type=float, default=0.0, help="The highest; else that of WEIGHTS' recipe."
)
@click.option(
    "--teacher", "teachers", type=PATH, multiple=True,
    help="Weights to learn from, WEIGHTS itself for one; several are averaged.",
)  # fmt: skip
@click.option("--chestxray14", type=PATH, help="ChestX-ray14 folder, where the recipe uses it.")
@click.option(
    "--out", type=PATH, required=True,
    help="Weights file; until it is written, checkpoints go to NAME-training there.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def sparsify_command(
    weights: Path,
    sparsity: float,
    pattern: str,
    data: Path | None,
    epochs: int,
    learning_rate: float,
    teachers: tuple[Path, ...],
    chestxray14: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Make weights of WEIGHTS zero while it goes on learning by its own recipe.

    The file compresses better then; its own size and the arithmetic stay. The same command goes on
    after the last finished epoch where it was interrupted.

    Example: pneumokiosk-optimize sparsify runs/compact/weights.safetensors --sparsity 0.8
    --data chest_xray --out runs/sparse.safetensors
    """
    from optimize.files import writing
    from optimize.sparsity import Sparsity, sparsify
    from train.weights import load_weights, save_weights

    goal = Sparsity(sparsity, pattern, epochs, learning_rate)
    if data is None:
        raise DataRefused(
            "missing_data",
            "Operating points are chosen on patients of the chest_xray folder, --data.",
        )
    training = out.with_name(f"{out.stem}-training")
    sparse = sparsify(
        load_weights(weights), goal, data=data, chestxray14=chestxray14,
        teachers=[load_weights(teacher) for teacher in teachers], folder=training,
        say=lambda text: click.echo(text, err=True),
    )  # fmt: skip
    with writing(out):
        save_weights(out, sparse)
    shutil.rmtree(training, ignore_errors=True)
    made = sparse.facts["sparsity"]
    if as_json:
        click.echo(json.dumps({"weights": str(out), **made}))
        return
    _print(made)
    click.echo(f"written: {out}")


def _print(made: dict[str, Any]) -> None:
    for name, where in (("pruned kernels", "pruned_kernels"), ("whole network", "network")):
        found = made[where]
        share = found["zeros"] / found["weights"]
        click.echo(f"{name}: {found['zeros']:,} of {found['weights']:,} are zero, {share:.1%}")
    for name, sizes in made["litert_fp32"].items():
        click.echo(f"LiteRT fp32 {name}: {sizes['bytes']:,} bytes, {sizes['gzip_bytes']:,} by gzip")
