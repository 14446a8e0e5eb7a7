"""Records, follow-up and local performance in a real browser, where there is one."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from waitress.server import create_server

from edge.followup import judge
from edge.provenance import Provenance
from edge.records import Patient, Records
from edge.screening import Screener
from edge.web import KioskConfig, create_app

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")

pytestmark = pytest.mark.skipif(
    not (CHROMIUM.exists() and DRIVER.exists()), reason="there is no Chromium with its driver"
)

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update --disable-dev-shm-usage""".split()
TARGETS = "button, .button, select, summary, .verdicts label, main input:not([type=radio])"
TOO_WIDE = """
return [...document.querySelectorAll("main td")]
    .filter((cell) => cell.scrollWidth > cell.clientWidth).map((cell) => cell.textContent)
"""
JUDGED, OPEN = 64, 6


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, screener: Screener, provenance: Provenance
) -> Iterator[str]:
    """A kiosk with followed-up cases and open ones, the last of patients with the longest IDs."""
    folder = tmp_path_factory.mktemp("kiosk")
    _fill(Records(folder), screener, provenance)
    app = create_app(KioskConfig(folder))
    server = create_server(app, host="127.0.0.1", port=0, threads=2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.task_dispatcher.shutdown()
    server.pull_trigger()
    server.close()
    thread.join(5)
    app.extensions["kiosk"].close()


def _fill(records: Records, screener: Screener, provenance: Provenance) -> None:
    refused = screener.screen(b"")
    for number in range(JUDGED + OPEN):
        sick = number % 2 == 0
        score = 0.25 + 0.7 * number / (JUDGED + OPEN) if sick else 0.01 * number
        outcome = "refer" if score >= 0.5 else "below_threshold"
        made = replace(refused, id=uuid.UUID(int=number).hex, score=score, outcome=outcome)
        patient = Patient(f"K-{number}" if number < JUDGED else f"{number}" + "W" * 62)
        record = records.add(made, patient, provenance=provenance)
        if number < JUDGED:
            verdict = "pneumonia" if sick else "not_pneumonia"
            judge(records.database, record["id"], verdict, "Dr A")
    records.add(screener.screen(b""), Patient("K-refused"))
    records.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # None of these pages has a script of its own.
    setting = {"profile.managed_default_content_settings.javascript": 2}
    options.add_experimental_option("prefs", setting)
    browser = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    browser.set_window_size(1280, 800)
    yield browser
    browser.quit()


def _wait_for(browser: webdriver.Chrome, css: str) -> None:
    WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, css))


def _press(browser: webdriver.Chrome, css: str) -> None:
    browser.find_element(By.CSS_SELECTOR, css).click()


def _said(browser: webdriver.Chrome) -> str:
    _wait_for(browser, ".done")
    return browser.find_element(By.CSS_SELECTOR, ".done").text


def _cells(browser: webdriver.Chrome, kind: str) -> list[str]:
    return [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, f"td.{kind}")]


@pytest.mark.parametrize("size", [(1280, 800), (1024, 600), (390, 844)])
def test_nothing_sticks_out_and_every_target_is_large_enough(
    browser: webdriver.Chrome, address: str, size: tuple[int, int]
) -> None:
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    last = f"/screenings/{uuid.UUID(int=JUDGED).hex}"
    pages = ("/screenings", last, last + "/judgement", last + "/delete", "/performance", "/audit")
    try:
        for page in pages:
            browser.get(address + page)
            script = "return document.documentElement.scrollWidth"
            assert browser.execute_script(script) <= size[0], page
            assert not browser.execute_script(TOO_WIDE), page
            for target in browser.find_elements(By.CSS_SELECTOR, TARGETS):
                assert not target.is_displayed() or target.rect["height"] >= 48, target.text
        assert not browser.get_log("browser")  # type: ignore[no-untyped-call]
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_patient_is_found_and_opened_again(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address + "/screenings")
    browser.find_element(By.NAME, "patient_id").send_keys("k-7")
    _press(browser, ".search .primary")
    _wait_for(browser, ".search a.button")
    assert _cells(browser, "who") == ["K-7"]
    _press(browser, "td.when a")
    _wait_for(browser, ".outcome h1")
    assert "K-7" in browser.find_element(By.TAG_NAME, "main").text


def test_an_open_case_is_judged_and_leaves_the_list(
    browser: webdriver.Chrome, address: str
) -> None:
    browser.get(address + "/screenings?verdict=open")
    assert len(_cells(browser, "who")) == OPEN
    _press(browser, "td.verdict a")
    _wait_for(browser, ".verdicts")
    _press(browser, ".verdicts label:nth-of-type(3)")
    browser.find_element(By.NAME, "who").send_keys("A. K.")
    _press(browser, "#judgement .primary")
    assert "recorded" in _said(browser)
    _press(browser, ".done a")
    _wait_for(browser, "td.who")
    assert len(_cells(browser, "who")) == OPEN - 1


def test_a_screening_is_deleted_only_after_being_asked(
    browser: webdriver.Chrome, address: str
) -> None:
    page = f"{address}/screenings/{uuid.UUID(int=JUDGED).hex}"
    for answer in ("a.secondary", "button.danger"):
        browser.get(page)
        _press(browser, "a.danger")
        _wait_for(browser, "button.danger")
        _press(browser, "main form " + answer)
        _wait_for(browser, ".done" if answer == "button.danger" else ".outcome")
    assert "deleted" in _said(browser)
    browser.get(page)
    assert "unknown_screening" in browser.find_element(By.TAG_NAME, "main").text


def test_thresholds_are_chosen_and_undone(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address + "/performance")
    own = browser.find_element(By.CSS_SELECTOR, ".options tr:has(.in-use) th").text
    _press(browser, ".options button")
    assert "next screening" in _said(browser)
    clinics = browser.find_element(By.CSS_SELECTOR, ".options tr:has(.in-use) th").text
    assert clinics != own
    _press(browser, ".changes button")
    assert "undone" in _said(browser)
    assert browser.find_element(By.CSS_SELECTOR, ".options tr:has(.in-use) th").text == own
