"""Commands that measure trained networks and show what they look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from edge.files import write_atomically
from train.options import DATA_HELP, PATH

SHIPPED_WEIGHTS = Path(__file__).parent / "weights" / "compact.safetensors"


@click.command("evaluate")
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


@click.command("report")
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
    from train.reporting.report import Request, named_weights, write_report

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


@click.command("figures")
@click.argument("image", type=PATH)
@click.option(
    "--weights",
    type=PATH,
    default=SHIPPED_WEIGHTS,
    help="Default: the repository's network of width 16.",
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
        for view in ("all", "PA", "AP"):
            found = adults[view]
            auc = found["auc"]
            figure = (
                f"{auc['value']:.3f}   95 % {auc['low']:.3f} to {auc['high']:.3f}"
                if auc
                else "not measured: one label only"
            )
            lines.append(
                f"AUC, views {view:<19} {figure}   ({found['images']} images, "
                f"{found['positives']} positive)"
            )
    return "\n".join(lines)
