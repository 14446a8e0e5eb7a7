"""What people type is checked before it is stored."""

from __future__ import annotations

from edge.errors import FieldRefused

MAX_WHO = 64


def invalid(name: str, rule: str, received: str) -> FieldRefused:
    """A refusal of one field, with the rule that it breaks and the start of what was received."""
    shown = received if len(received) <= 80 else received[:80] + "…"
    return FieldRefused("invalid_field", f"{name} must be {rule}. Received: {shown!r}")


def read_who(typed: str) -> str:
    """Check a name or initials that someone signs with.

    Raises:
        FieldRefused: ``invalid_field``.
    """
    who = typed.strip()
    if not who or len(who) > MAX_WHO or not who.isprintable():
        raise invalid("who", f"1 to {MAX_WHO} printable characters", typed)
    return who
