"""The command that puts a network into fewer bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from train.options import DATA_HELP, PATH


@click.command("quantize")
@click.argument("weights", type=PATH)
@click.option(
    "--method", type=click.Choice(["dynamic", "float16", "int8", "qat"]), default="int8",
    show_default=True, help="qat trains on, knowing of the rounding.",
)  # fmt: skip
@click.option(
    "--calibration", type=click.Choice(["minmax", "percentile", "mse"]), default="mse",
    show_default=True, help="How ranges of int8 and qat are chosen; dynamic, float16: none.",
)  # fmt: skip
@click.option(
    "--images", type=click.IntRange(1, 256), default=256, show_default=True,
    help="Training films that the ranges come from.",
)  # fmt: skip
@click.option("--epochs", type=float, default=0.5, show_default=True, help="Of qat.")
@click.option("--data", type=PATH, required=True, help=DATA_HELP)
@click.option(
    "--split", type=click.Choice(["validation", "test"]), default="validation", show_default=True,
    help="Films that the file is compared with its network on.",
)  # fmt: skip
@click.option("--out", type=PATH, required=True, help="LiteRT file to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def quantize_command(
    weights: Path,
    method: str,
    calibration: str,
    images: int,
    epochs: float,
    data: Path,
    split: str,
    out: Path,
    as_json: bool,
) -> None:
    """Convert WEIGHTS to a LiteRT file of fewer bits, compared with its own float network.

    Example: pneumokiosk-optimize quantize train/weights/slim.safetensors --method int8
    --calibration percentile --data chest_xray --out runs/slim_int8.tflite
    """
    from optimize.processes import do_apart

    how = (method, calibration, images, epochs)
    report = do_apart("quantize", _quantize, weights, how, data, split, out)
    if as_json:
        click.echo(json.dumps({"file": str(out), **report}, indent=2))
        return
    auc, off = report["auc_difference_to_network"], report["difference"]
    click.echo(
        f"{method}: {report['bytes']:,} bytes, {report['partitions']} delegate partition(s)\n"
        f"on {report['films']} films: AUC {auc['value']:+.4f} ({auc['low']:+.4f} to "
        f"{auc['high']:+.4f}), mean difference of margin {off['mean_margin']:.2g}, of score "
        f"{off['mean_score']:.2g}"
    )
    for what, changed in (
        ("decisions", report["changed_decisions"]),
        ("outcomes", report["changed_outcomes"]),
    ):
        files = ": " + ", ".join(film["file"] for film in changed) if changed else ""
        click.echo(f"changed {what}: {len(changed)}{files}")
    click.echo(f"written: {out}")


def _quantize(
    weights: Path, how: tuple[str, str, int, float], data: Path, split: str, out: Path
) -> dict[str, Any]:
    """What is done in a process of its own: the delegate crashes on some files."""
    from optimize.files import write_result
    from optimize.quantization import Quantization, quantize, report_quantized
    from train.operating import decision_from
    from train.weights import load_weights

    settings = Quantization(*how)
    loaded = load_weights(weights)
    decision_from(loaded.facts)  # nothing could be reported without
    content = quantize(loaded, settings, data)
    report = report_quantized(loaded, content, data, split)
    write_result(out, content)
    return report
