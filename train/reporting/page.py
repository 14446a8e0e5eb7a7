"""The report as one HTML page that loads nothing from anywhere."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from train.evaluation import RECALLS
from train.reporting import plots
from train.reporting.measurement import Plain

TEMPLATES = Path(__file__).parent / "templates"
COLUMNS = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "auc": "AUC",
    "specificity": "specificity",
}
"""The figures of the paper's Table 1 in its order, and the specificity."""


def render(result: Plain) -> str:
    """Draw the pictures and fill the template.

    Args:
        result: of `train.reporting.report.build_report`.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, signed=_signed, p_value=_p_value, picture=embedded)
    return environment.get_template("report.html").render(
        result=result,
        columns=COLUMNS,
        recalls={f"specificity_at_recall_{recall}": recall for recall in RECALLS},
        pictures=_pictures(result),
        subtypes=plots.SUBTYPES,
    )


def _pictures(result: Plain) -> Plain:
    """SVG texts; of each network, the first run stands for it."""
    firsts: dict[str, Plain] = {
        name: network["runs"][0] for name, network in result["networks"].items()
    }
    operating = {}
    for name, run in firsts.items():
        figures = run["evaluation"]["figures"]
        operating[name] = 1 - figures["specificity"]["value"], figures["recall"]["value"]
    recalls = {
        name: {subtype: found["recall"] for subtype, found in run["subtypes"].items()}
        for name, run in firsts.items()
    }
    return {
        "roc": plots.roc_plot({name: run["roc"] for name, run in firsts.items()}, operating),
        "precision_recall": plots.precision_recall_plot(
            {name: run["precision_recall"] for name, run in firsts.items()},
            result["positives"] / result["images"],
        ),
        "recall": plots.recall_plot(recalls),
        "networks": {name: _pictures_of(result, run) for name, run in firsts.items()},
        "audit": _pictures_of_audit(
            {name: run["audit"] for name, run in firsts.items() if "audit" in run}
        ),
    }


def _pictures_of(result: Plain, run: Plain) -> Plain:
    found = run["reliability"]
    return {
        "confusion": plots.confusion_plot(run["evaluation"]["confusion"]),
        "reliability": plots.reliability_plot(found["before"], found["after"]),
        "histogram": plots.histogram_plot(
            np.array(run["scores"]), result["subtypes"], run["threshold"]
        ),
    }


def _pictures_of_audit(audits: dict[str, Plain]) -> Plain:
    if not audits:
        return {}
    changes = {name: found["changes"] for name, found in audits.items()}
    maps = {name: found["attention"]["mean_map"] for name, found in audits.items()}
    return {
        "changes": plots.audit_plot(changes),
        "attention": {name: plots.attention_plot(mean_map) for name, mean_map in maps.items()},
    }


def _number(value: Any) -> str:
    """A figure as it is printed: three decimals; counts with thousands set apart."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "not measured"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _signed(value: float) -> str:
    text = f"{round(value, 3) or 0.0:+.3f}"  # no negative zero
    return text.replace("-", "\N{MINUS SIGN}")


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def embedded(svg: str) -> str:
    """A picture as an address that holds it, so that names inside one cannot touch another's."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
