"""The command that goes through a pipeline's recipe."""

from __future__ import annotations

import json
from pathlib import Path

import click

from train.options import DATA_HELP, PATH


@click.command("run")
@click.argument("recipe")
@click.option("--data", type=PATH, help=DATA_HELP)
@click.option("--chestxray14", type=PATH, help="ChestX-ray14 folder, where training draws from it.")
@click.option("--out", type=PATH, required=True, help="Folder of the run; what is done is kept.")
@click.option("--publish", type=PATH, help="Folder in which the recipe's artifacts shall appear.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def run_command(
    recipe: str,
    data: Path | None,
    chestxray14: Path | None,
    out: Path,
    publish: Path | None,
    as_json: bool,
) -> None:
    """Go through RECIPE: a .toml file, or the name of one that ships.

    A step that was done with the same inputs and settings is kept; a run that was killed goes on
    where it stopped.

    Example: pneumokiosk-optimize run artifacts --data chest_xray --out runs/artifacts
    """
    from optimize.pipeline import Run
    from optimize.pipeline_recipe import load_pipeline

    done = Run(load_pipeline(recipe), out, data, chestxray14).run(publish)
    if as_json:
        click.echo(json.dumps({"run": str(out), **done}, indent=2))
        return
    for name, state in done["steps"].items():
        click.echo(f"{name}: {state}")
    click.echo(f"written: {out}")
