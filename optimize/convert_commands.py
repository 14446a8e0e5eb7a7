"""The command that makes an artifact of weights."""

from __future__ import annotations

from pathlib import Path

import click

from edge.artifact import Manifest

PATH = click.Path(path_type=Path)


@click.command("convert")
@click.argument("weights", type=PATH)
@click.option("--out", type=PATH, required=True, help="Folder of the artifact; must not exist.")
@click.option("--data", type=PATH, help="chest_xray folder as published, for int8 ranges.")
@click.option("--name", help="Of the model.  [default: that of the weights' file, or its folder]")
@click.option("--release", default="1", show_default=True, help="Version of the model.")
@click.option("--measured", type=PATH, help="Evaluation to carry along, a JSON file.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def convert_command(
    weights: Path,
    out: Path,
    data: Path | None,
    name: str | None,
    release: str,
    measured: Path | None,
    as_json: bool,
) -> None:
    """Convert WEIGHTS to an artifact: fp32 and int8 LiteRT, manifest, model card.

    Without --data, int8 ranges and the comparison with the network come from seeded synthetic
    phantoms, and the manifest says so.

    Example: pneumokiosk-optimize convert runs/compact/weights.safetensors --data chest_xray
    --out runs/artifact
    """
    from optimize.processes import do_apart

    manifest = do_apart(
        "convert", _convert, weights, out, data, name or _name_of(weights), release, measured
    )
    if as_json:
        click.echo(manifest.to_json(), nl=False)
        return
    for variant, report in manifest.made_from["conversion"].items():
        record = manifest.files[manifest.variants[variant]]
        click.echo(
            f"{variant}: {record.bytes:,} bytes, {report['partitions']} delegate partition(s), "
            f"mean difference of score {report['difference_from_network']['mean_score']:.2g}"
        )
    click.echo(f"written: {out}")


def _convert(
    weights: Path, out: Path, data: Path | None, name: str, release: str, measured: Path | None
) -> Manifest:
    """What is done in a process of its own: the delegate crashes on some files."""
    from optimize.artifact import build_artifact, draw_samples, read_evaluation, require_buildable
    from train.weights import load_weights

    require_buildable(name, "fp32")
    loaded = load_weights(weights)
    evaluation = read_evaluation(measured, loaded.sha256) if measured else None
    samples = draw_samples(loaded, data)
    return build_artifact(loaded, out, samples, name=name, release=release, measured=evaluation)


def _name_of(weights: Path) -> str:
    """Training names every file ``weights`` and its folder by what is trained."""
    path = weights.resolve()
    return path.parent.name if path.stem == "weights" else path.stem
