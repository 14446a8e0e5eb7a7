"""What several commands share: options, and how a result is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)

threads_option = click.option(
    "--threads", default=2, show_default=True, help="Processor threads for one image."
)
out_option = click.option("--out", type=PATH, help="Folder for raw samples and results.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def show(result: dict[str, Any], table: str, as_json: bool) -> None:
    """Print a result as JSON, or its table and the machine that it was measured on."""
    if as_json:
        click.echo(json.dumps(result))
        return
    machine = result["machine"]
    click.echo(table)
    click.echo(
        f"\n{machine['processor']}, {machine['cores']} cores, "
        f"load {machine['load_1min']} before, {machine['time']}"
    )
