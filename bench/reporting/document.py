"""Runs as a document: sections of Markdown and pictures, written as one page or as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

import edge
from bench.reporting.goals import goals
from bench.reporting.plots import (
    latency_picture,
    most_threads,
    pareto_pictures,
    robustness_picture,
    stages_picture,
)
from bench.reporting.runs import KINDS, Run
from train.reporting.page import TEMPLATES as TRAINING_TEMPLATES
from train.reporting.page import embedded

TEMPLATES = Path(__file__).parent / "templates"
MET = {True: "met", False: "**not met**", None: "not measured"}
QUICK = "Quick: a look, not a measurement."


@dataclass(frozen=True)
class Picture:
    """A drawing and what it shows."""

    title: str
    svg: str


@dataclass(frozen=True)
class Section:
    """One part of the document: its heading, its Markdown, its pictures."""

    title: str
    text: str
    pictures: tuple[Picture, ...] = ()


def sections(runs: Sequence[Run]) -> list[Section]:
    """What some runs found, the goals first and how it was measured last."""
    parts = [Section("Goals", _goals(runs)), *_pareto(runs)]
    for run in runs:
        several = sum(other.kind == run.kind for other in runs) > 1
        title = f"{KINDS[run.kind].title}{f': {run.path.parent.name}' if several else ''}"
        parts.append(Section(title, run.table(), tuple(_pictures(run))))
    return [
        *parts,
        Section("Machine", _machines(runs)),
        Section("Commands", _commands(runs)),
        Section("Files", _hashes(runs)),
    ]


def as_markdown(parts: Sequence[Section]) -> str:
    """The document without its pictures."""
    body = "\n\n".join(f"## {part.title}\n\n{part.text}" for part in parts if part.text)
    return f"# PneumoKiosk: benchmark\n\n{edge.STANDING_SENTENCE}\n\n{body}\n"


def as_html(parts: Sequence[Section]) -> str:
    """The document as one page that loads nothing from anywhere."""
    # Names of films stand in the text: HTML in them stays text.
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, TRAINING_TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["picture"] = embedded
    return environment.get_template("benchmark.html").render(
        sections=[(part, Markup(markdown.render(part.text))) for part in parts],
        notice=edge.STANDING_SENTENCE,
    )


def _goals(runs: Sequence[Run]) -> str:
    rows = ["| goal | measured | |", "|---|---|---|"]
    rows += [f"| {goal.what} | {goal.measured} | {MET[goal.met]} |" for goal in goals(runs)]
    looks = [run.kind for run in runs if run.quick]
    if looks:
        rows += ["", f"**{QUICK}** ({', '.join(looks)})"]
    return "\n".join(rows)


def _pareto(runs: Sequence[Run]) -> Iterator[Section]:
    latency, accuracy = ([run for run in runs if run.kind == k] for k in ("latency", "accuracy"))
    pictures = tuple(Picture(*found) for found in pareto_pictures(latency, accuracy))
    if pictures:
        yield Section("Accuracy against latency", "", pictures)


def _pictures(run: Run) -> Iterator[Picture]:
    if run.kind == "latency" and run.result["rows"]:
        threads = most_threads(run.result["rows"])
        yield Picture("Every raw sample: share of images by time", latency_picture(run, threads))
    if run.kind == "latency" and run.result["stages"]:
        yield Picture("Where the time of one screening goes", stages_picture(run.result["stages"]))
    for name, films in run.result.get("sets", {}).items():
        if svg := robustness_picture(films["variants"]):
            yield Picture(f"AUC under every change: {name}", svg)


def _machines(runs: Sequence[Run]) -> str:
    facts: dict[str, dict[str, None]] = {}
    for run in runs:
        for name, value in _machine(run):
            facts.setdefault(name, {})[value] = None
    rows = [f"| {name} | {'; '.join(values)} |" for name, values in facts.items()]
    return "\n".join(["| | |", "|---|---|", *rows])


def _machine(run: Run) -> Iterator[tuple[str, str]]:
    machine: Mapping[str, Any] = run.header["machine"]
    yield "processor", f"{machine['processor']}, {machine['usable_cores']} usable cores"
    yield "instructions", ", ".join(machine["instructions"]) or "not known"
    yield "memory", f"{machine['memory_gib']} GiB"
    yield "system", f"{machine['system']} {machine['architecture']}, Python {machine['python']}"
    yield "clock's governor", machine["governor"] or "cannot be read"
    if machine["temperature_c"] is not None:
        yield "temperature before", f"{machine['temperature_c']:.0f} °C"
    after = run.lines[-1].get("load_after", "not known")
    yield f"load before and after: {run.kind}", f"{machine['load_1min']}, {after}"
    versions = (f"{name} {version}" for name, version in machine["packages"].items())
    yield "versions", f"pneumokiosk {machine['pneumokiosk']}, {', '.join(versions)}"


def _commands(runs: Sequence[Run]) -> str:
    rows = [
        f"| {run.header['machine']['time']} | `{run.header['command']}` | "
        f"{'whole' if run.finished else '**cut short**'}{', quick' if run.quick else ''} |"
        for run in runs
    ]
    return "\n".join(["| begun | command | |", "|---|---|---|", *rows])


def _hashes(runs: Sequence[Run]) -> str:
    found = {pair for run in runs for pair in run.header["artifacts"].items()}
    rows = [f"| {name} | `{sha256}` |" for name, sha256 in sorted(found)]
    return "\n".join(["| model file of | SHA-256 |", "|---|---|", *rows])
