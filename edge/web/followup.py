"""Record what became of the child: the clinician's final judgement."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from edge.errors import FieldRefused
from edge.fields import MAX_WHO
from edge.followup import judge
from edge.web.films import stored
from edge.web.kiosk import current_kiosk, reasons

blueprint = Blueprint("followup", __name__)


@blueprint.app_context_processor
def _limits() -> dict[str, int]:
    """What the form asks for stands on other modules' pages too."""
    return {"max_who": MAX_WHO}


@blueprint.get("/screenings/<screening_id>/judgement")
def show(screening_id: str) -> str:
    """The form on a page of its own."""
    return render_template("history/judge.html", record=stored(screening_id))


@blueprint.post("/screenings/<screening_id>/judgement")
def create(screening_id: str) -> Response | tuple[str, int]:
    """Record the judgement; one that stood before stays in the audit."""
    verdict, who = request.form.get("verdict", ""), request.form.get("who", "")
    record = stored(screening_id)
    try:
        judge(current_kiosk().records.database, screening_id, verdict, who)
    except FieldRefused as refusal:
        page = render_template(
            "history/judge.html",
            record=record,
            typed={"verdict": verdict, "who": who},
            reason=reasons(refusal)[0],
        )
        return page, 422
    return redirect(f"/screenings/{screening_id}?done=judged#judgement", 303)
