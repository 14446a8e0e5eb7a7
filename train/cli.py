"""The command ``pneumokiosk-train``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

import edge
from edge.errors import PneumoKioskError
from train.recipe import load_recipe


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(edge.__version__, prog_name="pneumokiosk-train")
def cli() -> None:
    """Train the dilated residual network and measure it."""


@cli.command("fit")
@click.option("--recipe", default="compact", show_default=True, help="A .toml file, or compact.")
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--set", "overrides", multiple=True)
@click.option("--from", "start_from", type=click.Path(path_type=Path))
@click.option("--resume", is_flag=True)
@click.option("--json", "as_json", is_flag=True)
def fit_command(
    recipe: str,
    data: Path,
    out: Path,
    overrides: tuple[str, ...],
    start_from: Path | None,
    resume: bool,
    as_json: bool,
) -> None:
    from train.fit import fit
    from train.weights import load_weights

    path = fit(
        load_recipe(recipe, overrides),
        data,
        out,
        resume=resume,
        start_from=load_weights(start_from) if start_from else None,
    )
    facts = load_weights(path).facts
    print(json.dumps(facts["validation"]))


def main() -> None:
    try:
        cli.main(standalone_mode=True)
    except PneumoKioskError as e:
        print(e.code, e.message, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
