"""The command ``compare``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.options import PATH, json_option, out_option

if TYPE_CHECKING:
    from bench.reporting.comparison import Row
    from bench.reporting.runs import Run

FILE = "compare"
REGRESSED = 1
"""Exit status where the second run is worse than the limits allow."""
VERDICT = {True: "**regressed**", False: "holds", None: "-"}


@click.command("compare")
@click.argument("first", metavar="A", type=PATH)
@click.argument("second", metavar="B", type=PATH)
@click.option(
    "--slower", type=click.FloatRange(1), default=1.1, show_default=True,
    help="Times as long as in A: a regression where the whole 95 % interval is beyond.",
)  # fmt: skip
@click.option(
    "--auc", type=click.FloatRange(0, 1), default=0.003, show_default=True,
    help="Loss of AUC: a regression beyond, where the whole 95 % interval is a loss.",
)  # fmt: skip
@click.option(
    "--changed", type=click.FloatRange(0, 1), default=0.01, show_default=True,
    help="Share of the films whose outcome changed.",
)  # fmt: skip
@click.option(
    "--score", type=click.FloatRange(0, 1), default=0.01, show_default=True,
    help="Mean absolute difference of the films' scores.",
)  # fmt: skip
@click.option(
    "--answer", type=click.FloatRange(0), default=0.1, show_default=True,
    help="Largest difference of the margins that timed backends gave to one image.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Of the bootstrap.")
@out_option
@json_option
def compare_command(
    first: Path,
    second: Path,
    slower: float,
    auc: float,
    changed: float,
    score: float,
    answer: float,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Compare run B with run A; each is a folder of --out, or a file of raw samples.

    Times are compared as ratios to the full network's, where both runs timed it. What A measured
    and B did not is a regression as well, and so is a limit of the kiosk that is no longer met.

    Exits with 0 when B is no worse than the limits allow, 1 when it is, 2 when the two cannot be
    compared.

    Example: pneumokiosk-bench compare runs/before runs/after --slower 1.05
    """
    from bench.reporting.comparison import Limits, compare_runs
    from bench.reporting.runs import read_runs
    from optimize.files import write_result

    limits = Limits(slower, auc, changed, score, answer)
    pairs = _pairs(read_runs([first]), read_runs([second]))
    rows = [row for one, other in pairs for row in compare_runs(one, other, limits, seed)]
    result = {
        "command": "compare",
        "first": str(first),
        "second": str(second),
        "limits": limits.to_dict(),
        "kinds": [one.kind for one, _ in pairs],
        "regressed": any(row.regressed for row in rows),
        "rows": [row.to_dict() for row in rows],
    }
    table = _table(rows, pairs)
    if out:
        write_result(out / f"{FILE}.json", (json.dumps(result, indent=1) + "\n").encode())
        write_result(out / f"{FILE}.md", (table + "\n").encode())
    click.echo(json.dumps(result) if as_json else table)
    sys.exit(REGRESSED if result["regressed"] else 0)


def _pairs(ours: Sequence[Run], theirs: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Runs of one kind, in their order.

    Raises:
        DataRefused: ``nothing_in_common``.
    """
    from edge.errors import DataRefused

    of_kind = {run.kind: run for run in theirs}
    pairs = [(run, of_kind[run.kind]) for run in ours if run.kind in of_kind]
    if not pairs:
        raise DataRefused(
            "nothing_in_common",
            f"A holds runs of {', '.join(run.kind for run in ours)}, "
            f"B of {', '.join(run.kind for run in theirs)}.",
        )
    return pairs


def _table(rows: Sequence[Row], pairs: Sequence[tuple[Run, Run]]) -> str:
    lines = [
        f"**{run.path}: {warning}**"
        for pair in pairs
        for run in pair
        for warning in (
            *(["a look, not a measurement."] if run.quick else []),
            *([] if run.finished else ["it was cut short."]),
        )
    ]
    lines += ["", "| what | measure | A | B | change | |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.measure} | {row.first} | {row.second} | {row.change} "
        f"| {VERDICT[row.regressed]} |"
        for row in rows
    ]
    worse = sum(bool(row.regressed) for row in rows)
    lines += ["", f"{worse} of {len(rows)} regressed." if worse else "Nothing regressed."]
    return "\n".join(lines).lstrip("\n")
