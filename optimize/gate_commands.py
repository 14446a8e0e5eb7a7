"""Commands that fit the kiosk's gates and put them into an artifact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)


@click.command("gates")
@click.option("--data", type=PATH, required=True, help="chest_xray folder as published.")
@click.option("--chestxray14", type=PATH, required=True, help="ChestX-ray14 folder as published.")
@click.option("--out", type=PATH, required=True, help="JSON file to write.")
@click.option(
    "--films", type=PATH, multiple=True,
    help="Folder of more frontal chest films, measured only; more than once for more.",
)  # fmt: skip
@click.option(
    "--others", type=PATH, multiple=True,
    help="Folder of pictures that are none, measured only; more than once for more.",
)  # fmt: skip
@click.option(
    "--drawings", type=click.IntRange(2), default=60, show_default=True,
    help="Drawings of every kind of what is no chest film, to fit to.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print what is written.")
def gates_command(
    data: Path,
    chestxray14: Path,
    out: Path,
    films: tuple[Path, ...],
    others: tuple[Path, ...],
    drawings: int,
    seed: int,
    as_json: bool,
) -> None:
    """Fit the gates that stand before the model, and measure how often they err.

    Fits to training patients, sets limits on other training patients, measures on validation
    patients and on ChestX-ray14's held-out fifth. The test folder is not opened.

    Example: pneumokiosk-optimize gates --data chest_xray --chestxray14 chestxray14
    --out runs/gates.json
    """
    from optimize.files import write_result
    from optimize.gates.study import Request, parts, study

    done = study(Request(data, chestxray14, films, others, seed, drawings))
    content = done.to_dict()
    write_result(out, (json.dumps(content, indent=1) + "\n").encode())
    if as_json:
        click.echo(json.dumps(content))
        return
    for topic, groups in done.measured.items():
        click.echo(f"{topic}:")
        for name, found in groups.items():
            for part, shown in parts(found).items():
                click.echo(_line(name + part, shown))
    click.echo(f"written: {out}")


@click.command("add-gates")
@click.argument("artifact", type=PATH)
@click.option("--gates", type=PATH, required=True, help="JSON file of pneumokiosk-optimize gates.")
@click.option("--out", type=PATH, required=True, help="Folder of the artifact; must not exist.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def add_gates_command(artifact: Path, gates: Path, out: Path, as_json: bool) -> None:
    """Copy ARTIFACT, its manifest carrying gates and a self-test made anew.

    The model files stay as they are. A signature is left behind: sign it again.

    Example: pneumokiosk-optimize add-gates runs/artifact --gates runs/gates.json
    --out runs/gated
    """
    from optimize.gates.attach import add_gates

    manifest = add_gates(artifact, gates, out)
    click.echo(manifest.to_json() if as_json else f"written: {out}", nl=not as_json)


def _line(name: str, found: dict[str, Any]) -> str:
    refused, warned = found["refused"], found["warned"]
    line = (
        f"  {name:<62} {found['images']:>5} images, {refused['value']:6.1%} refused "
        f"({refused['low']:.1%} to {refused['high']:.1%}), {warned['value']:6.1%} warned of"
    )
    if named := found.get("named"):
        line += f", {named['value']:6.1%} named {named['code']}"
    return line
