"""PINs are hard to guess, and sessions do not ask what time it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.accounts import FREE_ATTEMPTS, LONGEST_WAIT, MOST_SESSIONS, AccessRefused, Accounts
from edge.audit import read_lines
from edge.database import Database
from edge.errors import FieldRefused

PIN, WRONG = "271828", "314159"


class Desk:
    """Accounts on a database, and the clock that only runs forward."""

    def __init__(self, folder: Path) -> None:
        self.seconds = 1000.0
        self.database = Database(folder)
        self.accounts = self.restarted()

    def restarted(self) -> Accounts:
        return Accounts(self.database, lambda: self.seconds, cost=2)

    def guess(self, times: int) -> None:
        for _ in range(times):
            with pytest.raises(AccessRefused) as refusal:
                self.accounts.sign_in("operator", WRONG)
            assert refusal.value.code == "wrong_pin"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.accounts.set_pin("operator", PIN, "a test")
    yield desk
    desk.database.close()


def _code(call: Callable[..., object], *arguments: str) -> str:
    with pytest.raises(AccessRefused) as refusal:
        call(*arguments)
    return refusal.value.code


def test_the_right_pin_begins_a_session_until_it_is_ended(desk: Desk) -> None:
    token = desk.accounts.sign_in("operator", PIN)
    assert desk.accounts.role_of(token) == "operator"
    assert desk.restarted().role_of(token) == "operator"
    desk.accounts.sign_out(token)
    assert desk.accounts.role_of(token) is None
    desk.accounts.sign_out(token)


def test_a_pin_is_kept_at_its_full_cost(desk: Desk) -> None:
    full = Accounts(desk.database)
    full.set_pin("administrator", PIN, "a test")
    assert desk.accounts.role_of(desk.accounts.sign_in("administrator", PIN)) == "administrator"
    with desk.database.read() as connection:
        costs = connection.execute("SELECT cost FROM accounts ORDER BY role").fetchall()
    assert costs == [(2**14,), (2,)]


@pytest.mark.parametrize("token", ["", "x", "ä", "\ud800", "' OR 1=1 --", "x" * 100_000])
def test_other_tokens_are_nobodys(desk: Desk, token: str) -> None:
    desk.accounts.sign_in("operator", PIN)
    assert desk.accounts.role_of(token) is None


def test_roles_have_pins_of_their_own(desk: Desk) -> None:
    assert desk.accounts.has_pin("operator")
    assert not desk.accounts.has_pin("administrator")
    assert _code(desk.accounts.sign_in, "administrator", PIN) == "no_pin"
    assert _code(desk.accounts.sign_in, "nobody", PIN) == "no_pin"
    desk.accounts.set_pin("administrator", WRONG, "a test")
    assert desk.accounts.role_of(desk.accounts.sign_in("administrator", WRONG)) == "administrator"
    assert _code(desk.accounts.sign_in, "operator", WRONG) == "wrong_pin"


@pytest.mark.parametrize("pin", ["", "12345", "111111", "x" * 65, "12345\n7", "123\x0045"])
def test_weak_pins_are_refused(desk: Desk, pin: str) -> None:
    assert _code(desk.accounts.set_pin, "operator", pin, "a test") == "weak_pin"
    desk.accounts.sign_in("operator", PIN)


def test_a_pin_belongs_to_a_known_role_and_is_set_by_someone(desk: Desk) -> None:
    assert _code(desk.accounts.set_pin, "nurse", PIN, "a test") == "unknown_role"
    assert _code(desk.accounts.remove_pin, "nurse", "a test") == "unknown_role"
    with pytest.raises(FieldRefused):
        desk.accounts.set_pin("operator", PIN, "")


def test_a_new_pin_ends_all_sessions_of_its_role(desk: Desk) -> None:
    desk.accounts.set_pin("administrator", PIN, "a test")
    operator = desk.accounts.sign_in("operator", PIN)
    administrator = desk.accounts.sign_in("administrator", PIN)
    desk.accounts.set_pin("operator", WRONG, "a test")
    assert desk.accounts.role_of(operator) is None
    assert desk.accounts.role_of(administrator) == "administrator"
    assert desk.accounts.remove_pin("administrator", "a test")
    assert desk.accounts.role_of(administrator) is None
    assert not desk.accounts.remove_pin("administrator", "a test")


def test_the_oldest_sessions_make_room(desk: Desk) -> None:
    tokens = [desk.accounts.sign_in("operator", PIN) for _ in range(MOST_SESSIONS + 2)]
    roles = [desk.accounts.role_of(token) for token in tokens]
    assert roles == [None] * 2 + ["operator"] * MOST_SESSIONS


def test_guesses_have_to_wait_longer_and_longer(desk: Desk) -> None:
    desk.guess(FREE_ATTEMPTS)
    for wait in (30, 60, 120, 240, 480, LONGEST_WAIT, LONGEST_WAIT):
        desk.seconds += wait - 1
        assert _code(desk.accounts.sign_in, "operator", PIN) == "too_many_attempts"
        desk.seconds += 1
        desk.guess(1)


def test_the_right_pin_after_the_wait_starts_anew(desk: Desk) -> None:
    desk.guess(FREE_ATTEMPTS)
    desk.seconds += 30
    desk.accounts.sign_in("operator", PIN)
    desk.guess(FREE_ATTEMPTS - 1)
    desk.accounts.sign_in("operator", PIN)


def test_a_restart_does_not_shorten_the_wait(desk: Desk) -> None:
    desk.guess(FREE_ATTEMPTS)
    desk.accounts = desk.restarted()
    desk.seconds += 29
    assert _code(desk.accounts.sign_in, "operator", PIN) == "too_many_attempts"
    desk.seconds += 1
    desk.accounts.sign_in("operator", PIN)


def test_one_roles_guesses_do_not_lock_the_other_out(desk: Desk) -> None:
    desk.accounts.set_pin("administrator", PIN, "a test")
    desk.guess(FREE_ATTEMPTS)
    desk.accounts.sign_in("administrator", PIN)


def test_guesses_at_once_are_counted_one_by_one(desk: Desk) -> None:
    codes: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: codes.append(_code(desk.accounts.sign_in, "operator", WRONG))
        )
        for _ in range(FREE_ATTEMPTS + 3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["too_many_attempts"] * 3 + ["wrong_pin"] * FREE_ATTEMPTS


def test_neither_pin_nor_token_lies_on_the_disk(desk: Desk, tmp_path: Path) -> None:
    token = desk.accounts.sign_in("operator", PIN)
    desk.database.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert PIN.encode() not in content
    assert token.encode() not in content


def test_the_audit_tells_of_pins_sessions_and_guesses(desk: Desk) -> None:
    desk.accounts.sign_in("operator", PIN)
    desk.guess(FREE_ATTEMPTS)
    desk.accounts.remove_pin("operator", "a test")
    actions = [line.action for line in reversed(read_lines(desk.database, 9, subject="operator"))]
    assert actions == ["pin_set", "signed_in", "pin_guessed_at", "pin_removed"]
