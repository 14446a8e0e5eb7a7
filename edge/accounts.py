"""Roles, their PINs, and who has signed in.

A PIN is short: what protects it is that guesses are few. After `FREE_ATTEMPTS` wrong ones each
further one has to wait, twice as long each time, counted by a clock that only runs forward; the
number of failures is on the disk, and a restart waits anew. Whoever has the file itself can try
all PINs in days, scrypt or not: the disk has to be guarded like the films.

Sessions end when someone signs out, the role's PIN changes, or too many newer ones were begun;
never by the time of day, which a kiosk's clock does not know.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from edge.audit import write_line
from edge.database import Database
from edge.errors import PneumoKioskError
from edge.fields import read_who

ROLES = ("operator", "administrator")
SHORTEST_PIN, LONGEST_PIN = 6, 64
FREE_ATTEMPTS = 5
LONGEST_WAIT = 900.0
"""Seconds between two attempts at most: some hundred a day, of a million PINs."""
COST = 2**14
"""scrypt's n: 16 MiB, five times over, are OWASP's parameters for little memory."""
MOST_SESSIONS = 20
"""Of one role; the oldest end first."""


class AccessRefused(PneumoKioskError):
    """Someone is not who they would have to be."""


class Accounts:
    """The accounts of one kiosk; safe to use from any thread."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.monotonic,
        cost: int = COST,
    ) -> None:
        """Name the place; nothing is opened yet.

        Args:
            database: the records'.
            clock: seconds that only run forward, from any origin.
            cost: of a new PIN's hash; old ones keep theirs.
        """
        self._database = database
        self._clock = clock
        self._cost = cost
        self._turn = threading.Lock()
        self._last_failure = dict.fromkeys(ROLES, clock())

    def has_pin(self, role: str) -> bool:
        """Whether a role has a PIN; without one, nobody can sign in to it.

        Raises:
            RecordsUnavailable: as `Database.read`.
        """
        with self._database.read() as connection:
            return _account(connection, role) is not None

    def set_pin(self, role: str, pin: str, who: str) -> None:
        """Give a role a PIN; all its sessions end, and its failed attempts are forgotten.

        Args:
            role: one of `ROLES`.
            pin: `SHORTEST_PIN` to `LONGEST_PIN` printable characters, not all the same.
            who: sets it.

        Raises:
            AccessRefused: ``unknown_role`` or ``weak_pin``.
            FieldRefused: ``invalid_field``: ``who`` is no name.
            RecordsUnavailable: as `Database.write`.
        """
        _check_role(role)
        _check_pin(pin)
        who, salt = read_who(who), secrets.token_bytes(16)
        hashed = _hash(pin, salt, self._cost)
        with self._database.write() as connection:
            _remove(connection, role)
            connection.execute(
                "INSERT INTO accounts (role, salt, hash, cost) VALUES (?, ?, ?, ?)",
                (role, salt, hashed, self._cost),
            )
            write_line(connection, "pin_set", who, role)

    def remove_pin(self, role: str, who: str) -> bool:
        """Take a role's PIN away; all its sessions end.

        Returns:
            Whether there was one.

        Raises:
            AccessRefused: ``unknown_role``.
            FieldRefused: ``invalid_field``: ``who`` is no name.
            RecordsUnavailable: as `Database.write`.
        """
        _check_role(role)
        who = read_who(who)
        with self._database.write() as connection:
            removed = _remove(connection, role)
            if removed:
                write_line(connection, "pin_removed", who, role)
        return removed

    def sign_in(self, role: str, pin: str) -> str:
        """Begin a session.

        Returns:
            Its token: what the browser keeps and `role_of` takes. The database keeps its hash.

        Raises:
            AccessRefused: ``no_pin``, ``too_many_attempts`` or ``wrong_pin``.
            RecordsUnavailable: as `Database.write`.
        """
        with self._turn:  # guesses in parallel are guesses one after another
            account = self._attempt(role)
            given = _hash(pin[: LONGEST_PIN + 1], account.salt, account.cost)
            if not hmac.compare_digest(given, account.hash):
                self._last_failure[role] = self._clock()
                raise AccessRefused("wrong_pin", "That is not the PIN.")
            token = secrets.token_urlsafe(32)
            with self._database.write() as connection:
                connection.execute("UPDATE accounts SET failures = 0 WHERE role = ?", (role,))
                connection.execute(
                    "INSERT INTO sessions (token_sha256, role) VALUES (?, ?)",
                    (_token_hash(token), role),
                )
                _end_oldest(connection, role)
                write_line(connection, "signed_in", role, role, failures_before=account.failures)
        return token

    def role_of(self, token: str) -> str | None:
        """The role that a token has signed in to, or None if its session has ended.

        Raises:
            RecordsUnavailable: as `Database.read`.
        """
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT role FROM sessions WHERE token_sha256 = ?", (_token_hash(token),)
            ).fetchone()
        return None if row is None else str(row[0])

    def sign_out(self, token: str) -> None:
        """End a session, if it has not ended yet.

        Raises:
            RecordsUnavailable: as `Database.write`.
        """
        with self._database.write() as connection:
            connection.execute("DELETE FROM sessions WHERE token_sha256 = ?", (_token_hash(token),))

    def _attempt(self, role: str) -> _Account:
        """Count an attempt as failed before it is looked at: a power cut wins nothing."""
        with self._database.write() as connection:
            account = _account(connection, role)
            if account is None:
                raise AccessRefused("no_pin", "No PIN is set for this role.")
            failures = account.failures
            wait = self._last_failure[role] + _pause(failures) - self._clock()
            if wait > 0:
                raise AccessRefused(
                    "too_many_attempts",
                    f"There were {failures} wrong PINs. Try again in {wait:.0f} seconds.",
                )
            connection.execute(
                "UPDATE accounts SET failures = failures + 1 WHERE role = ?", (role,)
            )
            if failures + 1 == FREE_ATTEMPTS:
                write_line(connection, "pin_guessed_at", "kiosk", role, failures=failures + 1)
        return account


def _pause(failures: int) -> float:
    """Seconds after the last failure: 30, 60, 120 and so on."""
    if failures < FREE_ATTEMPTS:
        return 0.0
    return float(min(30 * 2 ** min(failures - FREE_ATTEMPTS, 10), LONGEST_WAIT))


class _Account(NamedTuple):
    salt: bytes
    hash: bytes
    cost: int
    failures: int


def _account(connection: sqlite3.Connection, role: str) -> _Account | None:
    row = connection.execute(
        "SELECT salt, hash, cost, failures FROM accounts WHERE role = ?", (role,)
    ).fetchone()
    return None if row is None else _Account(*row)


def _remove(connection: sqlite3.Connection, role: str) -> bool:
    """The account and, by the schema, its sessions."""
    return connection.execute("DELETE FROM accounts WHERE role = ?", (role,)).rowcount > 0


def _end_oldest(connection: sqlite3.Connection, role: str) -> None:
    connection.execute(
        "DELETE FROM sessions WHERE role = ? AND number NOT IN"
        " (SELECT number FROM sessions WHERE role = ? ORDER BY number DESC LIMIT ?)",
        (role, role, MOST_SESSIONS),
    )


def _hash(pin: str, salt: bytes, cost: int) -> bytes:
    """scrypt (RFC 7914)."""
    secret = pin.encode(errors="surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=cost, r=8, p=5, dklen=32)


def _token_hash(token: str) -> bytes:
    """Of 256 random bits: nothing to guess, so nothing to slow down."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise AccessRefused("unknown_role", f"The roles are {' and '.join(ROLES)}.")


def _check_pin(pin: str) -> None:
    if not SHORTEST_PIN <= len(pin) <= LONGEST_PIN or not pin.isprintable() or len(set(pin)) < 2:
        raise AccessRefused(
            "weak_pin",
            f"A PIN has {SHORTEST_PIN} to {LONGEST_PIN} printable characters, not all the same.",
        )
