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
SHIPPED_WEIGHTS = Path(__file__).parent / "weights" / "compact.safetensors"
DATA_HELP = "chest_xray folder as published: {train,test}/{NORMAL,PNEUMONIA}/."


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(edge.__version__, prog_name="pneumokiosk-train")
def cli() -> None:
    """Train the dilated residual network and measure it."""
    # TensorFlow greets on stderr at length; warnings and errors still come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _training_options(command: Any) -> Any:
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


@cli.command("pretrain")
@click.option(
    "--data", type=PATH, required=True, help="ChestX-ray14 as published: images/, Data_Entry_2017*."
)
@click.option("--recipe", default="pretrain", show_default=True, help="A .toml file, or a name.")
@_training_options
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


@cli.command("fit")
@click.option("--data", type=PATH, required=True, help=DATA_HELP)
@click.option("--recipe", default="compact", show_default=True, help="A .toml file, or a name.")
@click.option("--chestxray14", type=PATH, help="ChestX-ray14 folder, where the recipe uses it.")
@click.option(
    "--imagenet", default="none", show_default=True,
    help="Where a rival network begins: none, download, or a file of ImageNet weights.",
)  # fmt: skip
@_training_options
def fit_command(
    data: Path,
    out: Path,
    recipe: str,
    chestxray14: Path | None,
    imagenet: str,
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
        devices=devices, say=_say,
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
        click.echo(f"ChestX-ray14 validation patients, {view}: AUC {auc:.3f}")
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


@cli.command("throughput")
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
        load_training_data(data, settings.validation_fraction, settings.seed).training
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


@cli.command("widen")
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
@click.option(
    "--chestxray14", type=PATH, help="Measure on adults of this ChestX-ray14 folder as well."
)
@click.option("--out", type=PATH, help="Write the evaluation, with every score, to a JSON file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate_command(
    weights: Path,
    data: Path,
    split: str,
    chestxray14: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure trained weights at the threshold chosen on validation, with 95 % intervals.

    Example: pneumokiosk-train evaluate --weights runs/compact/weights.safetensors
    --data chest_xray --split test
    """
    from train.assessment import assess
    from train.other_hospital import assess_adults
    from train.subtypes import OUTPUT, assess_subtypes
    from train.weights import load_weights

    trained = load_weights(weights)
    result, scores = assess(trained, data, split)
    if chestxray14:
        result["adults"] = assess_adults(trained, chestxray14, split)
    if OUTPUT in trained.recipe.outputs:
        result["subtypes"] = assess_subtypes(trained, data, split)
    if out:
        write_atomically(out, json.dumps({**result, "scores": scores}, indent=1).encode())
    click.echo(json.dumps(result) if as_json else _as_text(result))


@cli.command("report")
@click.option(
    "--weights", "weights", multiple=True, required=True, metavar="NAME=PATH",
    help="A network by name; more than once for more networks, or seeds under one name.",
)  # fmt: skip
@click.option("--data", type=PATH, required=True, help=DATA_HELP)
@click.option(
    "--split",
    type=click.Choice(["validation", "test"]),
    default="validation",
    show_default=True,
    help="Which images; the test images are for the last word only.",
)
@click.option(
    "--chestxray14", type=PATH, help="Measure on adults of this ChestX-ray14 folder as well."
)
@click.option(
    "--audit/--no-audit", default=True, show_default=True,
    help="Look for shortcuts: scores the first file of each name some twenty times more.",
)  # fmt: skip
@click.option(
    "--resamples", type=click.IntRange(1), default=2000, show_default=True,
    help="Bootstrap samples behind every interval.",
)  # fmt: skip
@click.option("--out", type=PATH, required=True, help="Folder for report.html and report.json.")
@click.option("--json", "as_json", is_flag=True, help="Print what stands in report.json.")
def report_command(
    weights: tuple[str, ...],
    data: Path,
    split: str,
    chestxray14: Path | None,
    audit: bool,
    resamples: int,
    out: Path,
    as_json: bool,
) -> None:
    """Compare networks on the same images; write OUT/report.html and OUT/report.json.

    The first network named is the one that the others are compared with.

    Example: pneumokiosk-train report --weights paper=runs/paper/weights.safetensors
    --weights ours=runs/ours-1/weights.safetensors --weights ours=runs/ours-2/weights.safetensors
    --data chest_xray --split test --out runs/report
    """
    from train.report import Request, named_weights, write_report

    request = Request(named_weights(weights), data, split, out, chestxray14, audit, resamples)
    result = write_report(request)
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, network in result["networks"].items():
        for run in network["runs"]:
            auc = run["evaluation"]["figures"]["auc"]
            click.echo(
                f"{name:<20} seed {run['training_seed']:<4} AUC {auc['value']:.3f}   95 % "
                f"{auc['low']:.3f} to {auc['high']:.3f}"
            )
    click.echo(f"written: {out / 'report.html'}, {out / 'report.json'}")


@cli.command("figures")
@click.argument("image", type=PATH)
@click.option(
    "--weights", type=PATH, default=SHIPPED_WEIGHTS, help="Default: the shipped compact network."
)
@click.option("--out", type=PATH, required=True, help="Folder for the figures.")
@click.option("--json", "as_json", is_flag=True, help="Print what stands in figures.json.")
def figures_command(image: Path, weights: Path, out: Path, as_json: bool) -> None:
    """Draw feature maps and the attention map of one radiograph (JPEG or PNG).

    Example: pneumokiosk-train figures film.jpeg --out figures
    """
    from train.figures import write_figures
    from train.weights import load_weights

    index = write_figures(image, load_weights(weights), out)
    if as_json:
        click.echo(json.dumps(index))
        return
    for figure in index["figures"]:
        click.echo(f"{out / figure['file']}: {figure['shows']}")
    click.echo(index["notice"])


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
    if subtypes := result.get("subtypes"):
        auc = subtypes["auc"]
        lines.append(
            f"viral against bacterial, AUC   {auc['value']:.3f}   95 % {auc['low']:.3f} to "
            f"{auc['high']:.3f}   ({subtypes['images']} images, {subtypes['viral']} viral)"
        )
    if adults := result.get("adults"):
        lines.append(f"{adults['data']}, pneumonia or consolidation against no finding:")
        lines += [
            f"AUC, views {view:<19} {adults[view]['auc']['value']:.3f}   95 % "
            f"{adults[view]['auc']['low']:.3f} to {adults[view]['auc']['high']:.3f}   "
            f"({adults[view]['images']} images, {adults[view]['positives']} positive)"
            for view in ("all", "PA", "AP")
        ]
    return "\n".join(lines)


def main() -> None:
    """Entry point of ``pneumokiosk-train``."""
    cli()
