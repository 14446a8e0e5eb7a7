"""The command that takes channels out of a network."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edge.errors import DataRefused
from train.options import DATA_HELP, PATH


@click.command("prune")
@click.argument("weights", type=PATH)
@click.option("--macs", type=float, default=1.0, help="Share of the multiplications to leave.")
@click.option(
    "--latency", type=float, default=1.0, help="Share of the time to leave, in LiteRT fp32, here."
)
@click.option(
    "--importance", default="taylor", show_default=True,
    help="What decides: gamma, l1 or taylor.",
)  # fmt: skip
@click.option("--steps", type=int, default=1, show_default=True, help="How often channels go.")
@click.option(
    "--multiple", type=int, default=1, show_default=True,
    help="Groups of channels shrink to multiples of this, as some processors like them.",
)  # fmt: skip
@click.option("--data", type=PATH, help=f"For taylor and --finetune: {DATA_HELP}")
@click.option("--finetune", help="Recipe to train by after each step: a .toml file, or a name.")
@click.option("--set", "overrides", multiple=True, help="Override of it: table.key=value.")
@click.option("--chestxray14", type=PATH, help="ChestX-ray14 folder, where the recipe uses it.")
@click.option(
    "--teacher", "teachers", type=PATH, multiple=True,
    help="Weights to learn from, where the recipe does; several are averaged.",
)  # fmt: skip
@click.option("--out", type=PATH, required=True, help="Weights file; runs go to NAME-steps there.")
@click.option("--resume", is_flag=True, help="Go on with the runs of the same --out.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def prune_command(
    weights: Path,
    macs: float,
    latency: float,
    importance: str,
    steps: int,
    multiple: int,
    data: Path | None,
    finetune: str | None,
    overrides: tuple[str, ...],
    chestxray14: Path | None,
    teachers: tuple[Path, ...],
    out: Path,
    resume: bool,
    as_json: bool,
) -> None:
    """Take whole channels out of WEIGHTS, to a share of their arithmetic or of their time.

    Without --finetune, the file carries no operating points: those of WEIGHTS hold no longer.

    Example: pneumokiosk-optimize prune runs/compact/weights.safetensors --macs 0.5 --steps 3
    --data chest_xray --finetune compact --set epochs=2 --out runs/pruned.safetensors
    """
    from optimize.files import writing
    from optimize.pruning import FineTuning, Goal, prune
    from train.recipe import load_recipe
    from train.weights import load_weights, save_weights

    goal = Goal(macs, latency, importance, steps, multiple)
    if teachers and finetune is None:
        raise DataRefused("idle_teacher", "A teacher is named, and nothing is trained: --finetune.")
    tuning = None
    if finetune is not None:
        if data is None:
            raise DataRefused("missing_data", "Fine-tuning needs the chest_xray folder, --data.")
        tuning = FineTuning(
            load_recipe(finetune, overrides),
            data,
            out.with_name(f"{out.stem}-steps"),
            chestxray14,
            [load_weights(teacher) for teacher in teachers],
        )
    pruned = prune(
        load_weights(weights), goal, data=data, tuning=tuning, resume=resume,
        say=lambda text: click.echo(text, err=True),
    )  # fmt: skip
    with writing(out):
        save_weights(out, pruned)
    made = pruned.facts["pruned"]
    if as_json:
        click.echo(json.dumps({"weights": str(out), **made}))
        return
    before, after = made["macs_before"], made["macs_after"]
    click.echo(f"multiplications: {after:,} of {before:,} are left, {after / before:.1%}")
    if "latency_measured" in made:
        click.echo(f"time: {made['latency_measured']:.1%} is left, LiteRT fp32")
    click.echo(f"written: {out}")
