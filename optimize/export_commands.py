"""Commands that write a network for other engines than LiteRT: ONNX Runtime and TensorRT."""

from __future__ import annotations

import json
from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command("onnx")
@click.argument("weights", type=PATH)
@click.option("--out", type=PATH, required=True, help="ONNX file to write.")
@click.option("--int8", is_flag=True, help="8 bits by Q/DQ nodes, ranges by percentile.")
@click.option("--data", type=PATH, help="chest_xray folder as published, for int8 ranges.")
@click.option("--json", "as_json", is_flag=True, help="Print what came out as JSON.")
def onnx_command(weights: Path, out: Path, int8: bool, data: Path | None, as_json: bool) -> None:
    """Write WEIGHTS as an ONNX graph, compared with the network on ONNX Runtime.

    Without --data, int8 ranges and the comparison come from seeded synthetic phantoms, and the
    file says so.

    Example: pneumokiosk-optimize onnx runs/compact/weights.safetensors --int8 --data chest_xray
    --out runs/compact_int8.onnx
    """
    from optimize.artifact import draw_samples
    from optimize.onnx_graph import write_onnx
    from train.weights import load_weights

    loaded = load_weights(weights)
    report = write_onnx(loaded, out, draw_samples(loaded, data), int8=int8)
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    found = report["difference_from_network"]
    click.echo(
        f"{report['precision']}: {report['bytes']:,} bytes, mean difference of score "
        f"{found['mean_score']:.2g}, largest {found['largest_score']:.2g} on {report['images']} "
        "images"
    )
    click.echo(f"written: {out}")


@click.command("tensorrt")
@click.argument("graph", type=PATH, metavar="FILE.onnx")
@click.option("--out", type=PATH, required=True, help="Engine to write; FILE.json beside it.")
@click.option(
    "--precision", type=click.Choice(["fp32", "fp16", "int8"]), default="fp32", show_default=True,
    help="int8 needs a graph of onnx --int8.",
)  # fmt: skip
@click.option("--sparse", is_flag=True, help="Use 2:4 sparse kernels where weights are so.")
@click.option(
    "--workspace-mib", type=click.IntRange(1), default=1024, show_default=True,
    help="GPU memory that one layer may use.",
)  # fmt: skip
@click.option("--timing-cache", type=PATH, help="File that keeps kernel times between builds.")
@click.option("--version-compatible", is_flag=True, help="Let later TensorRT versions load it.")
@click.option("--json", "as_json", is_flag=True, help="Print the engine's sidecar as JSON.")
def tensorrt_command(
    graph: Path,
    out: Path,
    precision: str,
    sparse: bool,
    workspace_mib: int,
    timing_cache: Path | None,
    version_compatible: bool,
    as_json: bool,
) -> None:
    """Build a TensorRT engine from FILE.onnx, for this machine's GPU.

    Needs TensorRT 10 or 11 and an NVIDIA GPU; where one is missing, exit status 3.

    Example: pneumokiosk-optimize tensorrt runs/compact.onnx --precision fp16
    --out runs/compact_fp16.engine
    """
    from optimize.tensorrt_engine import EngineSettings, build_engine, sidecar_path

    settings = EngineSettings(precision, sparse, workspace_mib, timing_cache, version_compatible)
    sidecar = build_engine(graph, out, settings)
    if as_json:
        click.echo(sidecar_path(out).read_text(encoding="utf-8"), nl=False)
        return
    click.echo(f"{precision}: TensorRT {sidecar.tensorrt}, CUDA {sidecar.cuda}, {sidecar.gpu}")
    click.echo(f"written: {out}")
