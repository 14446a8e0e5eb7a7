"""The command ``accuracy``."""

from __future__ import annotations

from pathlib import Path

import click

from bench.options import PATH, artifact_option, json_option, out_option, show


@click.command("accuracy")
@artifact_option
@click.option("--data", type=PATH, required=True, help="chest_xray folder as published.")
@click.option(
    "--split",
    type=click.Choice(["train", "test"]),
    default="test",
    show_default=True,
    help="Which folder of it.",
)
@out_option
@json_option
def accuracy_command(
    artifact: Path, data: Path, split: str, out: Path | None, as_json: bool
) -> None:
    """Screen a data set with every variant of an artifact; list outcomes that differ.

    Example: pneumokiosk-bench accuracy --data chest_xray
    """
    from bench.accuracy import compare_variants
    from bench.machine import describe_machine
    from bench.report import accuracy_table, write_run
    from edge.artifact import load_artifact

    comparison = compare_variants(load_artifact(artifact), data, split)
    result = {"command": "accuracy", "machine": describe_machine(), **comparison}
    if out:
        write_run(out, "accuracy", result, None)
    show(result, accuracy_table(comparison), as_json)
