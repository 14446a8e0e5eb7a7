"""The time, as all records write it. A kiosk's clock may step back at every boot: doubt it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """What the machine takes the time to be."""
    return datetime.now(UTC)


def timestamp(moment: datetime | None = None) -> str:
    """A moment, by default now: UTC, ISO 8601, whole seconds. Such texts sort as moments do."""
    moment = now() if moment is None else moment
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
