"""How well the model does at this clinic, and which thresholds the clinic works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from edge import changes
from edge.artifact import Artifact
from edge.database import Database
from edge.followup import FollowUp, follow_up
from edge.operating import (
    SETTING,
    OperatingChoice,
    choose,
    chosen,
    local_choice,
    manifest_choice,
)
from edge.performance import FEWEST, Performance, measure
from edge.provenance import manifest_hash
from edge.screening import OUTCOMES
from edge.web import plots
from edge.web.access import for_administrators, who_asks
from edge.web.faults import RequestRefused
from edge.web.kiosk import current_kiosk
from edge.web.language import marked

SCORED = tuple(outcome for outcome in OUTCOMES if outcome != "refused")

blueprint = Blueprint("performance", __name__)


@dataclass(frozen=True)
class Option:
    """Thresholds that an administrator may choose.

    Attributes:
        choice: the thresholds.
        in_use: films are judged by them now.
        refer: what the followed-up cases say of the higher one.
    """

    choice: OperatingChoice
    in_use: bool
    refer: Performance


@blueprint.get("/performance")
def show() -> str:
    """Figures, plots, the choice of thresholds, and the choices before it."""
    kiosk = current_kiosk()
    if kiosk.artifact is None:
        return render_template("performance/show.html", facts=None)
    database = kiosk.records.database
    return render_template(
        "performance/show.html",
        facts=_facts(database, kiosk.artifact),
        made=changes.read_changes(database, SETTING),
        fewest=FEWEST,
        plots=plots,
    )


@blueprint.post("/performance/thresholds")
@for_administrators
def use() -> Response:
    """Work with the thresholds that were shown; not with others that came of newer cases."""
    kiosk = current_kiosk()
    if kiosk.artifact is None:
        raise RequestRefused(
            409, "no_model", marked("No model is loaded whose thresholds could change.")
        )
    database = kiosk.records.database
    shown = {name: request.form.get(name, "") for name in ("name", "refer", "uncertain")}
    for option in _facts(database, kiosk.artifact)["options"]:
        if _as_typed(option.choice) == shown:
            if not option.in_use:
                choose(database, option.choice, who_asks())
            return redirect(url_for("performance.show", done="chosen"), 303)
    return redirect(url_for("performance.show", done="outdated"), 303)


@blueprint.post("/performance/changes/<int:number>/undo")
@for_administrators
def undo(number: int) -> Response:
    """Go back to the thresholds that held before a change."""
    database = current_kiosk().records.database
    # Other settings' changes are not this page's to undo.
    if number not in {change.number for change in changes.read_changes(database, SETTING)}:
        raise RequestRefused(404, "unknown_change", marked("No change of that number is stored."))
    changes.revert(database, number, who_asks())
    return redirect(url_for("performance.show", done="undone"), 303)


def _facts(database: Database, artifact: Artifact) -> dict[str, Any]:
    """All that the page says of one model."""
    model = manifest_hash(artifact)
    followed = follow_up(database, model)
    own = manifest_choice(artifact.manifest, model)
    now = chosen(database, model) or own
    refer, uncertain = (measure(followed.cases, level) for level in (now.refer, now.uncertain))
    return {
        "model": model,
        "now": now,
        "refer": refer,
        "uncertain": uncertain,
        "cases": followed.cases,
        "sick": sum(case.pneumonia for case in followed.cases),
        "open": sum(followed.open.values()),
        "coverage": [(name, *_counts(followed, name)) for name in SCORED],
        "options": _options(followed, now, own),
    }


def _options(followed: FollowUp, now: OperatingChoice, own: OperatingChoice) -> list[Option]:
    """What can be chosen; first what is in use, where that is neither of the others."""
    local = local_choice(followed.cases, own.manifest_sha256)
    offered = [own] if local is None else [own, local]
    if not any(_as_typed(choice) == _as_typed(now) for choice in offered):
        offered.insert(0, now)
    return [
        Option(choice, _as_typed(choice) == _as_typed(now), measure(followed.cases, choice.refer))
        for choice in offered
    ]


def _counts(followed: FollowUp, outcome: str) -> tuple[int, int]:
    return followed.judged.get(outcome, 0), followed.open.get(outcome, 0)


def _as_typed(choice: OperatingChoice) -> dict[str, str]:
    """Thresholds as the page's form sends them back, to the last digit."""
    return {"name": choice.name, "refer": repr(choice.refer), "uncertain": repr(choice.uncertain)}
