"""The command ``report``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bench.options import PATH, json_option


@click.command("report")
@click.argument("places", metavar="RUN...", nargs=-1, required=True, type=PATH)
@click.option("--out", type=PATH, required=True, help="Folder for report.html and report.md.")
@json_option
def report_command(places: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Write what runs found as one HTML page with plots, and as Markdown.

    A RUN is a folder that other commands wrote to by --out, or a file of raw samples in it. Runs
    that were cut short are reported as far as they went. The page loads nothing from anywhere.

    Example: pneumokiosk-bench report runs/bench --out runs/report
    """
    from bench.reporting.document import as_html, as_markdown, sections
    from bench.reporting.goals import goals
    from bench.reporting.runs import read_runs
    from optimize.files import write_result

    runs = read_runs(places)
    parts = sections(runs)
    write_result(out / "report.md", as_markdown(parts).encode())
    write_result(out / "report.html", as_html(parts).encode())
    found = goals(runs)
    if as_json:
        judged = [{"goal": each.what, "measured": each.measured, "met": each.met} for each in found]
        click.echo(json.dumps({"report": str(out / "report.html"), "goals": judged}))
        return
    click.echo(parts[0].text)
    click.echo(f"\nwritten: {out / 'report.html'}, {out / 'report.md'}")
