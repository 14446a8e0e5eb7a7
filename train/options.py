"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)
DATA_HELP = "chest_xray folder as published: {train,test}/{NORMAL,PNEUMONIA}/."


def training_options(command: Any) -> Any:
    """What `fit` and `pretrain` have in common."""
    options = (
        click.option("--out", type=PATH, required=True, help="Folder of this run."),
        click.option("--set", "overrides", multiple=True, help="Override: table.key=value."),
        click.option("--from", "start_from", type=PATH, help="Weights to begin with."),
        click.option("--resume", is_flag=True, help="Go on from the last finished epoch in --out."),
        click.option(
            "--devices", type=click.IntRange(1), default=1, show_default=True,
            help="Devices that share each batch.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print what came out as JSON."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command
