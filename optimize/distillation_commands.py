"""The command that lets a network teach a smaller one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from train.options import DATA_HELP, PATH, training_options


@click.command("distill")
@click.option(
    "--teacher", "teachers", type=PATH, multiple=True, required=True,
    help="Weights to learn from, of any architecture; several are averaged.",
)  # fmt: skip
@click.option("--student", default="student", show_default=True, help="A .toml file, or a name.")
@click.option("--data", type=PATH, required=True, help=DATA_HELP)
@click.option("--chestxray14", type=PATH, help="ChestX-ray14 folder, where the recipe uses it.")
@training_options
def distill_command(
    teachers: tuple[Path, ...],
    student: str,
    data: Path,
    chestxray14: Path | None,
    out: Path,
    overrides: tuple[str, ...],
    start_from: Path | None,
    resume: bool,
    devices: int,
    as_json: bool,
) -> None:
    """Teach a smaller network what others say and where they look; write OUT/weights.safetensors.

    Where the student's recipe says nothing, three quarters of each target come from the teachers,
    and their attention weighs 0.03. With --from, the student has the shape of these weights, pruned
    or not.

    Example: pneumokiosk-optimize distill --teacher runs/lite0/weights.safetensors
    --student compact --set network.width=4 --data chest_xray --out runs/student
    """
    from optimize.distillation import cost_of, student_of
    from train.fit import Beginning, fit
    from train.weights import load_weights

    start = load_weights(start_from) if start_from else None
    recipe = student_of(student, overrides, start)
    masters = [load_weights(teacher) for teacher in teachers]
    own, first = cost_of(recipe), cost_of(masters[0].recipe)
    click.echo(
        f"student: {own.parameters:,} parameters, {own.multiplications:,} multiplications; "
        f"{own.parameters / first.parameters:.1%} and "
        f"{own.multiplications / first.multiplications:.1%} of its first teacher's",
        err=True,
    )
    path = fit(
        recipe, data, out, chestxray14=chestxray14, resume=resume, beginning=Beginning(start),
        teachers=masters, devices=devices, say=lambda text: click.echo(text, err=True),
    )  # fmt: skip
    facts = load_weights(path).facts
    if as_json:
        costs = {"student": asdict(own), "teacher": asdict(first)}
        click.echo(json.dumps({"weights": str(path), **costs, **facts}))
        return
    click.echo(
        f"pooled AUC under shift, validation patients: {facts['validation']['pooled_auc']:.4f}"
    )
    click.echo(f"written: {path}")
