"""A scored run of ``accuracy`` as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]

COLUMNS: tuple[tuple[str, Callable[[Object], str]], ...] = (
    ("films", lambda row: _films(row)),
    ("AUC", lambda row: _figure(row, "auc")),
    ("accuracy", lambda row: _figure(row, "accuracy")),
    ("recall", lambda row: _figure(row, "recall")),
    ("specificity", lambda row: _figure(row, "specificity")),
    ("specificity at recall 0.967", lambda row: _figure(row, "specificity_at_recall_0.967")),
    ("ECE", lambda row: interval(row["ece"]) if row["evaluation"] else "-"),
    ("refused falsely", lambda row: share(row["refusals"]["false_refusals"])),
)
"""Heading and cell of every column but the first."""
AGAINST: tuple[tuple[str, Callable[[Object], str]], ...] = (
    ("films", lambda row: f"{row['films']:,}"),
    ("ΔAUC", lambda row: _delong(row)),
    ("Δspecificity at recall 0.967", lambda row: _difference(row)),
    ("changed decisions", lambda row: f"{row['changed_decisions']:,}"),
    ("McNemar p", lambda row: f"{row['tests']['mcnemar']['p_value']:.3f}" if row["tests"] else "-"),
    ("attention, correlation", lambda row: _attention(row, "correlation")),
    ("attention, points", lambda row: _attention(row, "points")),
    ("refused by one side", lambda row: f"{len(row['refused_by_one_side']):,}"),
)
"""Heading and cell of every column of the comparison with the reference."""


def accuracy_table(result: Object) -> str:
    """What `bench.accuracy_score.score_accuracy` found, as Markdown."""
    parts = [
        [headline(result)],
        list(_main(result)),
        list(_against(result)),
        list(_changed(result)),
        list(refused_films(result["variants"])),
        [f"- not available: {each['name']}: {each['why']}" for each in result["missing"]],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def headline(result: Object) -> str:
    """Which films, and whether they are all."""
    text = f"{result['data']}: {result['films']:,} films"
    if result["films"] < result["listed"]:
        text += f", an evenly spaced sample of {result['listed']:,}: a look, not the whole"
    if not result["finished"]:
        text += "; the run was cut short, figures are on the films that it reached"
    return f"**{text}.**"


def refused_films(variants: Mapping[str, Object]) -> Iterator[str]:
    """Every refused film with its reasons, and who refused it."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, row in variants.items():
        for film in row["refusals"]["refused"]:
            codes = ", ".join(reason["code"] for reason in film["reasons"])
            found.setdefault((film["file"], codes), []).append(name)
    if found:
        yield f"Refused ({len({file for file, _ in found}):,} films):\n"
        yield "| film | reasons | by |"
        yield "|---|---|---|"
        for (file, codes), names in found.items():
            yield f"| {file} | {codes} | {'; '.join(names)} |"


def interval(estimate: Object, signed: bool = False) -> str:
    """A figure with its interval."""
    sign = "+" if signed else ""
    value, low, high = (f"{estimate[key]:{sign}.3f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def share(estimate: Object | None) -> str:
    """A share with its interval in percent, or a dash."""
    if estimate is None:
        return "-"
    value, low, high = (f"{100 * estimate[key]:.1f}" for key in ("value", "low", "high"))
    return f"{value} % ({low} to {high})"


def _main(result: Object) -> Iterator[str]:
    yield "| network | " + " | ".join(heading for heading, _ in COLUMNS) + " |"
    yield "|---|" + "---:|" * len(COLUMNS)
    for name, row in result["variants"].items():
        yield f"| {name} | " + " | ".join(cell(row) for _, cell in COLUMNS) + " |"
    yield "\nAt each network's own threshold, chosen elsewhere. In brackets: 95 % intervals."


def _against(result: Object) -> Iterator[str]:
    rows = {
        name: row["against_reference"]
        for name, row in result["variants"].items()
        if "against_reference" in row
    }
    if not rows:
        return
    yield f"Against {result['reference']}, on the films that both screened:\n"
    yield "| network | " + " | ".join(heading for heading, _ in AGAINST) + " |"
    yield "|---|" + "---:|" * len(AGAINST)
    for name, row in rows.items():
        yield f"| {name} | " + " | ".join(cell(row) for _, cell in AGAINST) + " |"
    yield (
        "\nΔAUC by DeLong's test, Δspecificity by the paired bootstrap, decisions (refer or not) "
        "by McNemar's exact test. *Points*: the place that the network looks at most lies in the "
        "5 % that the reference looks at most."
    )


def _changed(result: Object) -> Iterator[str]:
    lines = [
        f"| {name} | {film['file']} | {film['reference_outcome']} {_score(film['reference_score'])}"
        f" | {film['outcome']} {_score(film['score'])} |"
        for name, row in result["variants"].items()
        for film in row.get("against_reference", {}).get("changed", ())
    ]
    if lines:
        yield f"Changed outcomes ({len(lines):,}):\n"
        yield f"| network | film | {result['reference']} | network |"
        yield "|---|---|---|---|"
        yield from lines


def _films(row: Object) -> str:
    found = row["refusals"]
    if found["screened"] == found["films"]:
        return f"{found['films']:,}"
    return f"{found['screened']:,} of {found['films']:,}"


def _figure(row: Object, name: str) -> str:
    return interval(row["evaluation"]["figures"][name]) if row["evaluation"] else "-"


def _delong(row: Object) -> str:
    if not row["tests"]:
        return "-"
    test = row["tests"]["delong"]
    return f"{interval(test['difference'], signed=True)}, p {test['p_value']:.3f}"


def _difference(row: Object) -> str:
    if not row["tests"]:
        return "-"
    return interval(row["tests"]["differences"]["specificity_at_recall_0.967"], signed=True)


def _attention(row: Object, name: str) -> str:
    if not row["attention"]:
        return "-"
    found = row["attention"][name]
    if name == "correlation":
        return f"{interval(found)} on {row['attention']['films']:,}"
    return share(found)


def _score(score: float | None) -> str:
    return "" if score is None else f"({score:.3f})"
