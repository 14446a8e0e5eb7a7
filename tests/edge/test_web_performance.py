"""The local performance is shown with its doubts, and thresholds are chosen from it and undone."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from edge import changes
from edge.artifact import Artifact
from edge.followup import Case, follow_up, judge
from edge.operating import SETTING, chosen, local_choice
from edge.performance import BINS, FEWEST, measure
from edge.provenance import Provenance
from edge.records import Records
from edge.web import KioskConfig, create_app, plots

Keep = Callable[..., Any]

CHOOSE = "/performance/thresholds"


@pytest.fixture
def cases(records: Records, keep: Keep) -> list[Case]:
    """Enough followed-up cases: sick ones score high, most of the others low."""
    random_ = random.Random(5)
    made = [
        Case(random_.betavariate(5, 1.5) if sick else random_.betavariate(1.5, 5), sick)
        for sick in [True, False] * (FEWEST + 5)
    ]
    for case in made:
        verdict = "pneumonia" if case.pneumonia else "not_pneumonia"
        judge(records.database, keep(score=case.score)["id"], verdict, "Dr A")
    return made


def _offered(page: str) -> list[dict[str, str]]:
    forms = re.findall(rf'action="{CHOOSE}">(.*?)</form>', page, re.DOTALL)
    return [dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)) for form in forms]


def _plots(page: str) -> list[ET.Element]:
    drawn = re.findall(r'<svg viewBox="0 0 360 260".*?</svg>', page, re.DOTALL)
    return [ET.fromstring(text) for text in drawn]


def test_the_figures_are_those_of_the_cases(
    client: FlaskClient, cases: list[Case], artifact: Artifact
) -> None:
    page = client.get("/performance").text
    for threshold in artifact.manifest.thresholds.values():
        measured = measure(cases, threshold)
        for share in (measured.sensitivity, measured.negative_value):
            assert share.value is not None
            assert f"{share.value:.1%}".replace("%", " %") in page
            assert f"{share.hits} of {share.cases}" in page
    assert "70 screenings by the model in use have been followed up" in page
    assert "Too few cases" not in page


def test_what_is_open_is_counted(client: FlaskClient, keep: Keep, records: Records) -> None:
    for score in (0.9, 0.9, 0.1):
        keep(score=score)
    judge(records.database, keep(score=0.9)["id"], "unknown", "Dr A")
    judge(records.database, keep(score=0.9)["id"], "pneumonia", "Dr A")
    page = client.get("/performance").text
    assert "Still open: 4" in page
    rows = re.findall(r'scope="row">(\w+)\s*</th><td.*?>(\d+)</td><td.*?>(\d+)</td>', page)
    assert ("Refer", "1", "3") in rows
    assert "Too few cases" in page


def test_plots_hold_every_case_and_stay_inside(client: FlaskClient, cases: list[Case]) -> None:
    page = client.get("/performance").text
    histogram, reliability = _plots(page)
    bars = [r for r in histogram.iter("rect") if "x" in r.attrib]
    heights = {kind: 0.0 for kind in ("bar sick", "bar well")}
    for bar in bars:
        heights[bar.attrib["class"]] += float(bar.attrib["height"])
        assert plots.TOP <= float(bar.attrib["y"]) <= plots.BOTTOM
    assert heights["bar sick"] == pytest.approx(heights["bar well"], abs=BINS * 0.2)
    for dot in reliability.iter("circle"):
        assert plots.LEFT <= float(dot.attrib["cx"]) <= plots.RIGHT
        assert plots.TOP <= float(dot.attrib["cy"]) <= plots.BOTTOM
    for plot in (histogram, reliability):
        names = plot.attrib["aria-labelledby"].split()
        assert [e.attrib["id"] for tag in ("title", "desc") for e in plot.iter(tag)] == names
    assert page.count("0.9 to 1.0") == 2  # the same as tables


def test_without_cases_there_is_nothing_to_draw(client: FlaskClient) -> None:
    page = client.get("/performance")
    assert page.status_code == 200
    assert "has been followed up yet" in page.text
    assert not _plots(page.text)
    assert not _offered(page.text)


def test_a_clinics_own_thresholds_hold_from_the_next_screening_on(
    client: FlaskClient,
    records: Records,
    cases: list[Case],
    provenance: Provenance,
    post: Callable[..., Any],
    png: bytes,
) -> None:
    model = provenance.manifest_sha256
    local = local_choice(cases, model)
    assert local is not None
    before = post(png).json
    done = client.post(CHOOSE, data=_offered(client.get("/performance").text)[0])
    assert done.status_code == 303
    page = client.get(done.location).text
    assert "from the next screening on" in page
    assert chosen(records.database, model) == local
    after = post(png).json
    assert before["threshold"] != local.refer
    assert (after["threshold"], after["uncertain_threshold"]) == (local.refer, local.uncertain)
    assert after["score"] == before["score"]
    back = _offered(page)[0]  # to the model's own
    client.post(CHOOSE, data=back)
    assert post(png).json["threshold"] == before["threshold"]


def test_a_change_is_listed_with_who_made_it_and_undone(
    client: FlaskClient, records: Records, cases: list[Case], provenance: Provenance
) -> None:
    client.post(CHOOSE, data=_offered(client.get("/performance").text)[0])
    (change,) = changes.read_changes(records.database, SETTING)
    page = client.get("/performance").text
    undo = f"/performance/changes/{change.number}/undo"
    assert undo in page
    assert "administrator" in page
    done = client.post(undo)
    assert done.status_code == 303
    assert "was undone" in client.get(done.location).text
    assert chosen(records.database, provenance.manifest_sha256) is None
    assert f"undoes {change.number}" in client.get("/performance").text
    assert "Thresholds changed" in client.get("/audit").text


def test_only_what_was_shown_can_be_chosen(
    client: FlaskClient, records: Records, cases: list[Case], keep: Keep
) -> None:
    shown = _offered(client.get("/performance").text)[0]
    assert shown["name"] == "local"
    for typed in ({}, {**shown, "refer": "0.5"}, {**shown, "name": "manifest"}):
        assert "outdated" in client.post(CHOOSE, data=typed).location
    # One more case of pneumonia, missed by all: the thresholds that were shown no longer stand.
    for _ in range(3):
        judge(records.database, keep(score=0.001)["id"], "pneumonia", "Dr A")
    done = client.post(CHOOSE, data=shown)
    assert "Nothing was changed" in client.get(done.location).text
    assert changes.read_changes(records.database, SETTING) == ()


def test_choosing_what_is_in_use_changes_nothing(
    client: FlaskClient, records: Records, cases: list[Case]
) -> None:
    shown = _offered(client.get("/performance").text)[0]
    for _ in range(2):
        client.post(CHOOSE, data=shown)
    assert len(changes.read_changes(records.database, SETTING)) == 1


def test_other_settings_changes_are_not_undone_here(client: FlaskClient, records: Records) -> None:
    other = changes.change(records.database, "another", 1, "a test")
    for number in (other.number, 99, 10**30):
        assert client.post(f"/performance/changes/{number}/undo").status_code == 404
    latest = changes.latest(records.database, "another")
    assert latest == other


def test_an_operator_looks_and_changes_nothing(
    client: FlaskClient, app: Flask, records: Records, cases: list[Case], provenance: Provenance
) -> None:
    shown = _offered(client.get("/performance").text)[0]
    client.post(CHOOSE, data=shown)
    (change,) = changes.read_changes(records.database, SETTING)
    app.extensions["kiosk"].accounts.set_pin("administrator", "483915", "a test")
    page = client.get("/performance")
    assert page.status_code == 200
    assert not _offered(page.text)
    assert "/undo" not in page.text
    for path in (CHOOSE, f"/performance/changes/{change.number}/undo"):
        assert client.post(path, data=shown).location.startswith("/sign-in")
    assert changes.read_changes(records.database, SETTING) == (change,)


def test_a_kiosk_without_a_model_says_so(tmp_path: Path) -> None:
    app = create_app(KioskConfig(tmp_path, artifact=tmp_path / "none"))
    page = app.test_client().get("/performance")
    assert page.status_code == 200
    assert "No model is loaded" in page.text
    assert app.test_client().post(CHOOSE).status_code == 409
    app.extensions["kiosk"].close()


def test_only_this_models_cases_count(
    client: FlaskClient, records: Records, keep: Keep, provenance: Provenance
) -> None:
    judge(records.database, keep(provenance=None)["id"], "pneumonia", "Dr A")
    assert follow_up(records.database, provenance.manifest_sha256).cases == ()
    assert "has been followed up yet" in client.get("/performance").text


@pytest.mark.parametrize("highest", [0, 1, 2, 3, 4, 7, 29, 30, 31, 999, 12345])
def test_bars_of_any_height_fit_under_few_round_marks(highest: int) -> None:
    cases = [Case(0.95, True)] * highest + [Case(0.05, False)]
    drawn = plots.histogram(measure(cases, 0.5).bins)
    marks = [int(tick.text) for tick in drawn.counts]
    assert 3 <= len(marks) <= 7
    assert max(marks) >= highest
    assert max(bar.pneumonia for bar in drawn.bars) <= drawn.middle - plots.TOP + 0.1
    assert max(bar.not_pneumonia for bar in drawn.bars) <= plots.BOTTOM - drawn.middle + 0.1
