"""Thresholds are chosen, logged, undone, and never taken over to another model."""

from __future__ import annotations

import sqlite3

import pytest

from edge import changes
from edge.artifact import Artifact
from edge.audit import read_lines
from edge.database import Database
from edge.errors import FieldRefused, RecordsUnavailable
from edge.followup import Case
from edge.operating import (
    SETTING,
    OperatingChoice,
    choose,
    chosen,
    local_choice,
    manifest_choice,
)
from edge.performance import FEWEST, measure
from edge.records import Records

MODEL = "a" * 64
SENSITIVE = OperatingChoice("local", 0.4, 0.1, "a test", MODEL)
SPECIFIC = OperatingChoice("local", 0.9, 0.6, "a test", MODEL)


@pytest.fixture
def database(records: Records) -> Database:
    return records.database


def test_the_last_choice_counts_for_its_model_alone(database: Database) -> None:
    assert chosen(database, MODEL) is None
    choose(database, SENSITIVE, "administrator")
    choose(database, SPECIFIC, "administrator")
    assert chosen(database, MODEL) == SPECIFIC
    assert chosen(database, "b" * 64) is None


def test_a_choice_is_undone_to_what_stood_before(database: Database) -> None:
    first = choose(database, SENSITIVE, "Dr A")
    second = choose(database, SPECIFIC, "Dr B")
    undone = changes.revert(database, second.number, "Dr C")
    assert undone is not None
    lines = read_lines(database, 9, action="changed")
    assert [(line.who, line.subject, line.detail["reverts"]) for line in lines] == [
        ("Dr C", SETTING, second.number), ("Dr B", SETTING, None), ("Dr A", SETTING, None),
    ]  # fmt: skip
    assert chosen(database, MODEL) == SENSITIVE
    changes.revert(database, undone.number, "Dr C")  # undoing can be undone
    assert chosen(database, MODEL) == SPECIFIC
    changes.revert(database, first.number, "Dr C")
    assert chosen(database, MODEL) is None
    log = changes.read_changes(database, SETTING)
    assert [(line.who, line.reverts) for line in log] == [
        ("Dr C", 1), ("Dr C", 3), ("Dr C", 2), ("Dr B", None), ("Dr A", None),
    ]  # fmt: skip


def test_a_change_that_was_never_made_cannot_be_undone(database: Database) -> None:
    assert changes.revert(database, 7, "Dr A") is None
    assert changes.latest(database, SETTING) is None


def test_settings_do_not_mix(database: Database) -> None:
    changes.change(database, "one", {"a": [1, None]}, "Dr A")
    last = changes.change(database, "two", 2, "Dr A")
    changes.revert(database, last.number, "Dr A")
    one, two = changes.latest(database, "one"), changes.latest(database, "two")
    assert one is not None
    assert two is not None
    assert (one.value, two.value) == ({"a": [1, None]}, None)


def test_whoever_changes_something_has_a_name(database: Database) -> None:
    with pytest.raises(FieldRefused, match="who"):
        choose(database, SENSITIVE, " ")


@pytest.mark.parametrize("table", ["audit", "changes"])
@pytest.mark.parametrize("deed", ["UPDATE {} SET who = 'nobody'", "DELETE FROM {}"])
def test_what_is_logged_stays(database: Database, table: str, deed: str) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO audit (time, action, who, detail) VALUES ('', 'tested', 'a test', '')"
        )
    choose(database, SENSITIVE, "Dr A")
    with pytest.raises(RecordsUnavailable, match="only ever added") as refusal:
        with database.write() as connection:
            connection.execute(deed.format(table))
    assert isinstance(refusal.value.__cause__, sqlite3.IntegrityError)


def test_thresholds_have_an_order() -> None:
    for refer, uncertain in ((0.1, 0.2), (1.1, 0.5), (0.5, -0.1), (float("nan"), 0.1)):
        with pytest.raises(ValueError, match="uncertain"):
            OperatingChoice("local", refer, uncertain, "a test", MODEL)


def test_the_manifests_own_thresholds(artifact: Artifact) -> None:
    choice = manifest_choice(artifact.manifest, MODEL)
    assert {"refer": choice.refer, "uncertain": choice.uncertain} == artifact.manifest.thresholds
    assert "validation patients" in choice.rule


@pytest.mark.parametrize("sick", [FEWEST, 31, 100, 1000])
def test_local_thresholds_are_the_highest_that_catch_enough(sick: int) -> None:
    cases = [Case((number + 0.5) / sick, True) for number in range(sick)]
    cases += [Case(0.99, False)] * 5
    choice = local_choice(cases, MODEL)
    assert choice is not None
    for threshold, recall in ((choice.refer, 0.967), (choice.uncertain, 0.99)):
        assert measure(cases, threshold).sensitivity.hits >= recall * sick
        assert measure(cases, threshold + 1 / sick).sensitivity.hits < recall * sick


def test_a_clinic_with_few_cases_has_no_thresholds_of_its_own() -> None:
    cases = [Case(0.9, True)] * (FEWEST - 1) + [Case(0.1, False)] * 1000
    assert local_choice(cases, MODEL) is None
