"""The command ``pneumokiosk-train``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

import edge
from edge.console import Commands
from edge.files import write_atomically

PATH = click.Path(path_type=Path)
DATA_HELP = "chest_xray folder as published: {train,test}/{NORMAL,PNEUMONIA}/."


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(edge.__version__, prog_name="pneumokiosk-train")
def cli() -> None:
    """Train the dilated residual network and measure it."""
    # TensorFlow greets on stderr at length; warnings and errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@cli.command("fit")
@click.option("--data", type=PATH, required=True, help=DATA_HELP)
@click.option("--out", type=PATH, required=True, help="Folder of this run.")
@click.option("--recipe", default="compact", show_default=True, help="A .toml file, or a name.")
@click.option("--set", "overrides", multiple=True, help="Override a setting: table.key=value.")
@click.option("--from", "start_from", type=PATH, help="Weights to begin with.")
@click.option("--resume", is_flag=True, help="Go on from the last finished epoch in --out.")
@click.option("--json", "as_json", is_flag=True, help="Print what was chosen as JSON.")
def fit_command(
    data: Path,
    out: Path,
    recipe: str,
    overrides: tuple[str, ...],
    start_from: Path | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Train a network; write OUT/weights.safetensors.

    Example: pneumokiosk-train fit --data chest_xray --out runs/compact --set epochs=10
    """
    from train.fit import fit
    from train.recipe import load_recipe
    from train.weights import load_weights

    settings = load_recipe(recipe, overrides)
    beginning = load_weights(start_from) if start_from else None
    path = fit(settings, data, out, resume=resume, start_from=beginning)
    facts = load_weights(path).facts
    if as_json:
        click.echo(json.dumps({"weights": str(path), **facts}))
        return
    validation = facts["validation"]
    for name, figures in validation["by_shift"].items():
        click.echo(
            f"{name:<12} AUC {figures['auc']:.4f}   specificity at recall 0.967 "
            f"{figures['specificity_at_recall_0.967']:.3f}"
        )
    click.echo(f"pooled       AUC {validation['pooled_auc']:.4f}")
    click.echo(f"written: {path}")


@cli.command("evaluate")
@click.option("--weights", type=PATH, required=True, help="From pneumokiosk-train fit.")
@click.option("--data", type=PATH, required=True, help=DATA_HELP)
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="validation",
    show_default=True,
    help="Which images; the test images are for the last word only.",
)
@click.option("--out", type=PATH, help="Write the evaluation, with every score, to a JSON file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate_command(
    weights: Path, data: Path, split: str, out: Path | None, as_json: bool
) -> None:
    """Measure trained weights at the threshold chosen on validation, with 95 % intervals.

    Example: pneumokiosk-train evaluate --weights runs/compact/weights.safetensors
    --data chest_xray --split test
    """
    from train.assessment import assess
    from train.weights import load_weights

    result, scores = assess(load_weights(weights), data, split)
    if out:
        write_atomically(out, json.dumps({**result, "scores": scores}, indent=1).encode())
    click.echo(json.dumps(result) if as_json else _as_text(result))


def _as_text(result: dict[str, Any]) -> str:
    confusion = result["confusion"]
    lines = [
        f"{result['data']}: {result['images']} images, {result['positives']} with pneumonia",
        f"threshold {result['threshold']:.4f}, chosen on {result['threshold_chosen_on']}",
        f"confusion: {confusion['true_positive']} true and {confusion['false_positive']} false "
        f"positives, {confusion['true_negative']} true and {confusion['false_negative']} false "
        "negatives",
    ]
    lines += [
        f"{name:<30} {figure['value']:.3f}   95 % {figure['low']:.3f} to {figure['high']:.3f}"
        for name, figure in result["figures"].items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Entry point of ``pneumokiosk-train``."""
    cli()
