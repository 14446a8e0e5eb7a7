"""Records as a CSV file for a spreadsheet, which must not take a cell for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from edge.database import Database
from edge.history import EVERYTHING, Search, find

COLUMNS = (
    "number", "time", "clock_doubt", "id", "patient_id", "age_months", "sex", "view", "synthetic",
    "outcome", "score", "threshold", "uncertain_threshold", "operating_point", "reasons",
    "verdict", "judged_by", "judged_at", "image_kept", "model", "model_version", "variant",
    "model_sha256", "manifest_sha256", "calibration_slope", "calibration_intercept",
    "decode_ms", "preprocess_ms", "inference_ms", "total_ms", "kiosk_version", "notice",
)  # fmt: skip
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PAGE = 200


def export_csv(database: Database, search: Search = EVERYTHING) -> Iterator[str]:
    """The screenings that meet a search, newest first, as lines of CSV (RFC 4180).

    The first character is a byte order mark: spreadsheets ask for it to read UTF-8. Memory does
    not grow with the number of screenings.

    Args:
        database: to read.
        search: which screenings; all by default.

    Yields:
        One line after another, their ends included; the first names `COLUMNS`.

    Raises:
        RecordsUnavailable: as `Database.read`.
    """
    yield "\ufeff" + _line(list(COLUMNS))
    before: int | None = None
    while True:
        page = find(database, search, _PAGE, before)
        for record in page.records:
            yield csv_line(record)
        if page.next is None:
            return
        before = page.next


def csv_line(record: dict[str, Any]) -> str:
    """One screening as a line of CSV, its end included."""
    cells = _cells(record)
    return _line([_cell(cells[column]) for column in COLUMNS])


def neutralised(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe goes before what could be one."""
    return "'" + text if text.lstrip(" ").startswith(_STARTS_FORMULA) else text


def _cells(record: dict[str, Any]) -> dict[str, Any]:
    model, times = record["model"], record["timings_ms"]
    made_with = record.get("provenance") or {}
    calibration = made_with.get("calibration") or {}
    judgement = record.get("judgement") or {}
    return {
        **{column: record.get(column) for column in COLUMNS},
        "reasons": "; ".join(f"{r['code']}: {r['message']}" for r in record["reasons"]),
        "operating_point": made_with.get("operating_point"),
        "verdict": judgement.get("verdict"),
        "judged_by": judgement.get("who"),
        "judged_at": judgement.get("time"),
        "model": model["name"],
        "model_version": model["version"],
        "variant": model.get("variant"),
        "model_sha256": model["sha256"],
        "manifest_sha256": made_with.get("manifest_sha256"),
        "calibration_slope": calibration.get("slope"),
        "calibration_intercept": calibration.get("intercept"),
        **{f"{stage}_ms": time for stage, time in times.items()},
        "kiosk_version": made_with.get("versions", {}).get("kiosk"),
    }


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    # A number's sign is no formula.
    return neutralised(value) if isinstance(value, str) else str(value)


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
