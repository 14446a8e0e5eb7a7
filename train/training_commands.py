"""Commands that train a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from train.options import DATA_HELP, PATH, training_options


@click.command("pretrain")
@click.option(
    "--data", type=PATH, required=True, help="ChestX-ray14 as published: images/, Data_Entry_2017*."
)
@click.option("--recipe", default="pretrain", show_default=True, help="A .toml file, or a name.")
@training_options
def pretrain_command(
    data: Path,
    out: Path,
    recipe: str,
    overrides: tuple[str, ...],
    start_from: Path | None,
    resume: bool,
    devices: int,
    as_json: bool,
) -> None:
    """Train a network on the findings of ChestX-ray14; write OUT/weights.safetensors.

    Example: pneumokiosk-train pretrain --data chestxray14 --out runs/pretrained
    """
    from train.fit import Beginning
    from train.pretrain import pretrain
    from train.recipe import load_recipe
    from train.weights import load_weights

    settings = load_recipe(recipe, overrides)
    beginning = Beginning(load_weights(start_from) if start_from else None)
    path = pretrain(
        settings, data, out, resume=resume, beginning=beginning, devices=devices, say=_say
    )
    facts = load_weights(path).facts
    if as_json:
        click.echo(json.dumps({"weights": str(path), **facts}))
        return
    for name, figure in facts["findings"].items():
        auc = (
            f"AUC {figure['value']:.3f}   95 % {figure['low']:.3f} to {figure['high']:.3f}"
            if "value" in figure
            else "AUC not measured: one label only"
        )
        click.echo(f"{name:<20} {figure['positives']:>6} positive   {auc}")
    _print_cost(facts, path)


@click.command("fit")
@click.option("--data", type=PATH, required=True, help=DATA_HELP)
@click.option("--recipe", default="compact", show_default=True, help="A .toml file, or a name.")
@click.option("--chestxray14", type=PATH, help="ChestX-ray14 folder, where the recipe uses it.")
@click.option(
    "--imagenet", default="none", show_default=True,
    help="Where another architecture begins: none, download, or a file of ImageNet weights.",
)  # fmt: skip
@click.option(
    "--teacher", "teachers", type=PATH, multiple=True,
    help="Weights of a network to learn from, where the recipe does; several are averaged.",
)  # fmt: skip
@training_options
def fit_command(
    data: Path,
    out: Path,
    recipe: str,
    chestxray14: Path | None,
    imagenet: str,
    teachers: tuple[Path, ...],
    overrides: tuple[str, ...],
    start_from: Path | None,
    resume: bool,
    devices: int,
    as_json: bool,
) -> None:
    """Train a network that screens; write OUT/weights.safetensors.

    Example: pneumokiosk-train fit --data chest_xray --out runs/compact --set epochs=10
    """
    from train.fit import Beginning, fit
    from train.recipe import load_recipe
    from train.weights import load_weights

    settings = load_recipe(recipe, overrides)
    beginning = Beginning(load_weights(start_from) if start_from else None, imagenet)
    path = fit(
        settings, data, out, chestxray14=chestxray14, resume=resume, beginning=beginning,
        teachers=[load_weights(teacher) for teacher in teachers], devices=devices, say=_say,
    )  # fmt: skip
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
    for view, auc in facts.get("validation_adults", {}).items():
        figure = "not measured: one label only" if auc is None else f"{auc:.3f}"
        click.echo(f"ChestX-ray14 validation patients, {view}: AUC {figure}")
    _print_cost(facts, path)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _print_cost(facts: dict[str, Any], path: Path) -> None:
    cost = facts["made_by"]["throughput"]
    click.echo(
        f"{cost['images_per_second']:.1f} images/s, {cost['seconds_per_epoch']:.0f} s an epoch, "
        + _use_of_device(cost)
    )
    click.echo(f"written: {path}")


def _use_of_device(cost: dict[str, Any]) -> str:
    memory = ", ".join(f"{where} {mib:,.0f} MiB" for where, mib in cost["peak_memory_mib"].items())
    return (
        f"memory: {memory}, {cost['share_of_peak']:.0%} of the measured peak of "
        f"{cost['devices']} x {cost['device']}"
    )


@click.command("throughput")
@click.option("--recipe", default="compact", show_default=True, help="A .toml file, or a name.")
@click.option("--data", type=PATH, help=f"{DATA_HELP} Without it, thoraces are drawn.")
@click.option("--set", "overrides", multiple=True, help="Override: table.key=value.")
@click.option(
    "--steps", type=click.IntRange(1), default=10, show_default=True, help="Timed steps a round."
)
@click.option(
    "--rounds", type=click.IntRange(1), default=5, show_default=True,
    help="Rounds of each kind of input, in turn.",
)  # fmt: skip
@click.option(
    "--devices", type=click.IntRange(1), default=1, show_default=True,
    help="Devices that share each batch.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def throughput_command(
    recipe: str,
    data: Path | None,
    overrides: tuple[str, ...],
    steps: int,
    rounds: int,
    devices: int,
    as_json: bool,
) -> None:
    """Time training with real input and with one batch held in memory: does input hold it up?

    Example: pneumokiosk-train throughput --recipe compact --data chest_xray
    """
    from train.recipe import load_recipe
    from train.splits import load_training_data
    from train.throughput import compare_input, drawn_images

    settings = load_recipe(recipe, overrides)
    images = (
        load_training_data(data, settings.validation_fraction, settings.split_seed).training
        if data
        else drawn_images(2 * settings.batch)
    )
    result = compare_input(settings, images, steps=steps, rounds=rounds, devices=devices, say=_say)
    result["data"] = str(data) if data else "drawn thoraces"
    if as_json:
        click.echo(json.dumps(result))
        return
    for name in ("synthetic", "real"):
        click.echo(
            f"{name + ' input':<16} {1000 * result[name]['seconds_per_step']:.1f} ms a step   "
            f"{result[name]['images_per_second']:.1f} images/s"
        )
    click.echo(f"real over synthetic: {result['ratio']:.3f}")
    click.echo(_use_of_device(result))


@click.command("widen")
@click.argument("weights", type=PATH)
@click.option("--factor", type=click.IntRange(1), required=True, help="How many times wider.")
@click.option(
    "--noise", type=click.FloatRange(0), default=0.1, show_default=True,
    help="Lets equal channels grow apart; 0 keeps the function exactly.",
)  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Of the noise.")
@click.option("--out", type=PATH, required=True, help="Weights file to write.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def widen_command(
    weights: Path, factor: int, noise: float, seed: int, out: Path, as_json: bool
) -> None:
    """Begin a wider network with what a narrower one has learnt (Net2Net, 2016).

    Example: pneumokiosk-train widen compact.safetensors --factor 4 --out wide.safetensors
    """
    from train.weights import load_weights, save_weights
    from train.widening import widen

    wide = widen(load_weights(weights), factor, noise, seed)
    save_weights(out, wide)
    width = wide.recipe.network.width
    click.echo(
        json.dumps({"weights": str(out), "width": width}) if as_json
        else f"written: {out}, width {width}, to begin a training with"
    )  # fmt: skip
