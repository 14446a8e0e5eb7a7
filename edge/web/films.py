"""Films that were screened: looked at again, and screened again with something put right."""

from __future__ import annotations

import io
import threading
from typing import Any

from flask import Blueprint, Response

from edge.correction import CORRECTIONS
from edge.images import read_image
from edge.records import Patient
from edge.runtime import Floats
from edge.web.faults import RequestRefused
from edge.web.kiosk import Kiosk, current_kiosk
from edge.web.language import marked
from edge.web.pictures import Film, draw_attention, draw_film

blueprint = Blueprint("films", __name__)

_turn = threading.Lock()
"""One at a time: a decoded film may have 80 MB."""


@blueprint.get("/screenings/<screening_id>/radiograph.jpg")
def radiograph(screening_id: str) -> Response:
    """The film of a screening."""
    film = film_of(current_kiosk(), stored(screening_id))
    if film is None:
        raise _gone()
    with _turn:
        return Response(draw_film(film.pixels()), mimetype="image/jpeg")


@blueprint.get("/screenings/<screening_id>/attention.png")
def attention(screening_id: str) -> Response:
    """What the model looked at, to be laid over the film."""
    kiosk, record = current_kiosk(), stored(screening_id)
    film = film_of(kiosk, record)
    if film is None:
        raise _gone()
    with _turn:
        seen = _attention(kiosk, record, film)
        if seen is None:
            raise RequestRefused(404, "map_not_kept", marked("The attention map was not kept."))
        return Response(draw_attention(seen), mimetype="image/png")


def stored(screening_id: str) -> dict[str, Any]:
    """A screening as it stands in JSON.

    Raises:
        RequestRefused: ``unknown_screening``.
        RecordsUnavailable: the records cannot be read.
    """
    record = current_kiosk().records.get(screening_id)
    if record is None:
        raise RequestRefused(404, "unknown_screening", marked("No screening of that id is stored."))
    return record


def film_of(kiosk: Kiosk, record: dict[str, Any]) -> Film | None:
    """The film of a screening: from memory, or the image that was kept; None if it is gone.

    Raises:
        RecordsUnavailable: the records cannot be read.
    """
    recent = kiosk.pictures.get(record["id"])
    if recent is not None or not record["image_kept"]:
        return recent
    png = read_image(kiosk.records.database, record["id"])
    return None if png is None else Film(png)


def has_film(kiosk: Kiosk, record: dict[str, Any]) -> bool:
    """Whether `film_of` has something to show."""
    return record["image_kept"] or kiosk.pictures.get(record["id"]) is not None


def has_map(kiosk: Kiosk, record: dict[str, Any]) -> bool:
    """Whether there is an attention map, or the model that drew it can draw it again."""
    recent = kiosk.pictures.get(record["id"])
    if recent is not None:
        return recent.attention is not None
    return _can_look_again(kiosk, record)


def correction_for(kiosk: Kiosk, record: dict[str, Any]) -> str | None:
    """What can be put right with a film that was refused: one of `CORRECTIONS`, or None."""
    if record["outcome"] != "refused":
        return None
    # A kept image has what was put right before in its pixels: a second time must start from
    # the file, or the new record would not tell all of it.
    from_file = kiosk.pictures.get(record["id"]) is not None
    if not from_file and not (record["image_kept"] and not record.get("corrected")):
        return None
    codes = [reason["code"] for reason in record["reasons"]]
    return next((code for code in codes if code in CORRECTIONS), None)


def screen_again(screening_id: str, correction: str) -> dict[str, Any]:
    """Screen a refused film with what its gate refused put right; both records stay.

    Args:
        screening_id: of the refused screening.
        correction: what the operator agreed to.

    Returns:
        The new screening as it stands in JSON.

    Raises:
        RequestRefused: ``unknown_screening``, ``film_gone``, or ``nothing_to_correct``.
        ArtifactRefused: there is no model.
        RecordsUnavailable: it could not be stored.
    """
    kiosk, record = current_kiosk(), stored(screening_id)
    film = film_of(kiosk, record)
    if film is None:
        raise _gone()
    if correction != correction_for(kiosk, record):
        raise RequestRefused(
            422, "nothing_to_correct", marked("This film was not refused for that.")
        )
    patient = Patient(*(record[name] for name in Patient.__dataclass_fields__))
    corrections = (*film.corrections, correction)
    return kiosk.screen(io.BytesIO(film.data), patient, record["synthetic"], corrections)


def _attention(kiosk: Kiosk, record: dict[str, Any], film: Film) -> Floats | None:
    if film.attention is not None or not _can_look_again(kiosk, record):
        return film.attention
    return kiosk.ready().screen(film.data, record["age_months"]).attention


def _can_look_again(kiosk: Kiosk, record: dict[str, Any]) -> bool:
    screener = kiosk.screener
    same_model = screener is not None and (
        screener.model_identity["sha256"] == record["model"]["sha256"]
    )
    return bool(record["image_kept"] and record["score"] is not None and same_model)


def _gone() -> RequestRefused:
    return RequestRefused(
        410, "film_gone", marked("This film is no longer held. Choose its file again.")
    )
