"""Raw samples of a run of ``kiosk`` become its table. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bench.kiosk.check import Check, Row
from bench.kiosk.suite import CHECKS
from bench.samples import Line, samples_of, was_finished

MET = {True: "met", False: "not met", None: "not measured"}
QUICK = "Quick: a tenth of the counts. This is not the whole."
BUSY = 0.05
"""Share of all cores' time that other processes may take during a run."""


def score_kiosk(lines: list[Line]) -> dict[str, Any]:
    """Score a run, finished or cut short.

    Args:
        lines: from `bench.samples.read_samples`.

    Returns:
        The header's values; ``finished``; ``warnings``; and ``rows``, each with ``check`` and what
        `bench.kiosk.check.Row` has.
    """
    header = lines[0]
    checks = [CHECKS[name] for name in header["settings"]["checks"]]
    return {
        "command": "kiosk",
        "header": header,
        "machine": header["machine"],
        "finished": was_finished(lines),
        "end": lines[-1] if was_finished(lines) else None,
        "warnings": _warnings(lines),
        "rows": [
            {"check": check.name, **asdict(row)} for check in checks for row in _rows(check, lines)
        ],
    }


def kiosk_table(result: Mapping[str, Any]) -> str:
    """What `score_kiosk` found, as Markdown."""
    lines = [f"**{warning}**" for warning in result["warnings"]]
    lines += ["", "| the kiosk | limit | measured | |", "|---|---|---|---|"]
    lines += [
        f"| {row['what']} | {row['limit']} | {row['value']} | {MET[row['met']]} |"
        for row in result["rows"]
    ]
    return "\n".join(lines).lstrip("\n")


def _rows(check: Check, lines: list[Line]) -> list[Row]:
    """Of one check: what it found, or why it found nothing."""
    samples = samples_of(lines, check.name)
    ends = {
        kind: line
        for kind in ("finished", "not_measured", "failed")
        for line in samples_of(lines, kind)
        if line["check"] == check.name
    }
    if "finished" in ends and samples:
        return check.score(samples)
    if "failed" in ends:
        return [Row(check.name, check.limit, f"failed: {ends['failed']['why']}", False)]
    cut = f"The run was cut short; samples that are there: {len(samples)}."
    why = ends.get("not_measured", {}).get("why", cut)
    return [Row(check.name, check.limit, why, None)]


def _warnings(lines: list[Line]) -> list[str]:
    settings, end = lines[0]["settings"], lines[-1]
    found = []
    if settings["quick"]:
        found.append(QUICK)
    if len(settings["checks"]) < len(CHECKS):
        found.append(f"Only some of the checks: {', '.join(settings['checks'])}.")
    if not was_finished(lines):
        found.append("The run was cut short; these are the samples that it left.")
    found.append(f"Films: {settings['films_are']}. Artifact: {settings['artifact']}.")
    if end.get("others_busy", 0.0) > BUSY:
        found.append(
            f"Other processes took {end['others_busy']:.0%} of the machine's time during the run: "
            "its times are not those of an idle machine."
        )
    return found
