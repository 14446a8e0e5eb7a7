"""The audit, for administrators: who did what to the records."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from edge.audit import read_lines
from edge.web.access import for_administrators
from edge.web.history import read_before
from edge.web.kiosk import current_kiosk

PAGE_SIZE = 50

blueprint = Blueprint("audit", __name__)


@blueprint.get("/audit")
@for_administrators
def index() -> str:
    """One page of its lines, newest first."""
    before = read_before(request.args.get("before", ""))
    lines = read_lines(current_kiosk().records.database, PAGE_SIZE + 1, before)
    page = lines[:PAGE_SIZE]
    older = page[-1].number if len(lines) > PAGE_SIZE else None
    return render_template("history/audit.html", lines=page, older=older, is_first=before is None)
