"""Screening in a real browser, where there is one: the queue, the outcome and the paper."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import pytest
from flask import Flask

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from edge.phantom import draw_phantom
from edge.web import KioskConfig, create_app

Serve = Callable[[Flask], str]

TARGETS = "button, .button, select, .drop, nav a, summary, fieldset label, #opacity"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> str:
    return serve(create_app(KioskConfig(tmp_path_factory.mktemp("kiosk"))))


@pytest.fixture(scope="module")
def browser(start_browser: Callable[..., Chrome]) -> Chrome:
    return start_browser()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A film, one with black and white swapped, and no film at all; none has a telling name."""
    folder = tmp_path_factory.mktemp("films")
    film = draw_phantom(side=300)
    content = {"upright": film, "inverted": 255 - film}
    for name, pixels in content.items():
        (folder / name).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    (folder / "letter.png").write_text("text", encoding="utf-8")
    return {path.name: path for path in folder.iterdir()}


def _wait_for(browser: Chrome, css: str, number: int = 1) -> list[Any]:
    wait = WebDriverWait(browser, 30)
    wait.until(lambda b: len(b.find_elements(By.CSS_SELECTOR, css)) >= number)
    return browser.find_elements(By.CSS_SELECTOR, css)


def _logged(browser: Chrome, kind: str) -> list[dict[str, Any]]:
    """What was logged since this was last asked."""
    return list(browser.get_log(kind))  # type: ignore[no-untyped-call]


def _press(browser: Chrome, css: str) -> None:
    browser.find_element(By.CSS_SELECTOR, css).click()


def _choose(browser: Chrome, *paths: Path) -> None:
    browser.find_element(By.ID, "image").send_keys("\n".join(map(str, paths)))


def _pages_fit(browser: Chrome, width: int) -> None:
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    for target in browser.find_elements(By.CSS_SELECTOR, TARGETS):
        assert not target.is_displayed() or target.rect["height"] >= 48, target.text


def test_many_films_go_through_and_a_bad_one_stops_none(
    browser: Chrome, address: str, films: dict[str, Path]
) -> None:
    browser.get(address)
    _choose(browser, films["upright"], films["letter.png"])
    _choose(browser, films["inverted"])
    assert "3" in browser.find_element(By.ID, "chosen").text
    browser.find_element(By.NAME, "patient_id").send_keys("K-9")
    _press(browser, "#screening [type=submit]")
    rows = _wait_for(browser, ".row[data-now=done]", 3)
    assert [row.find_element(By.CSS_SELECTOR, ".file").text for row in rows] == [
        "upright", "letter.png", "inverted",
    ]  # fmt: skip
    assert "Score" in rows[0].text and "K-9" in rows[0].text
    assert "no JPEG, PNG or DICOM" in rows[1].text
    assert "Black and white are swapped" in rows[2].text
    assert browser.find_element(By.ID, "overall-text").text == "Films done: 3 of 3"
    assert browser.find_element(By.ID, "overall").get_property("value") == 3
    assert not browser.find_element(By.NAME, "patient_id").get_property("value")

    rows[2].find_element(By.CSS_SELECTOR, ".again button").click()
    WebDriverWait(browser, 30).until(lambda b: "Put right" in rows[2].text)
    assert "Score" in rows[2].text
    rows[2].find_element(By.LINK_TEXT, "Open").click()
    _wait_for(browser, ".outcome h1")
    assert "black and white swapped" in browser.find_element(By.CSS_SELECTOR, ".facts").text


def test_dropped_films_wait_for_the_button(browser: Chrome, address: str) -> None:
    browser.get(address)
    browser.execute_script(
        """
        const transfer = new DataTransfer();
        transfer.items.add(new File(["text"], "a film"));
        window.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, cancelable: true}));
        """
    )
    assert browser.find_element(By.ID, "chosen").text == "a film"
    _press(browser, "#screening [type=submit]")
    _wait_for(browser, ".row[data-now=done] .badge.refused")


def test_a_broken_connection_is_tried_again(
    browser: Chrome, address: str, films: dict[str, Path]
) -> None:
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.get(address)
    _choose(browser, films["upright"], films["letter.png"])
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    try:
        _press(browser, "#screening [type=submit]")
        rows = _wait_for(browser, ".row[data-now=failed]", 2)
        assert "did not answer" in rows[0].text
    finally:
        online = {**offline, "offline": False}
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", online)
    for row in rows:
        row.find_element(By.CSS_SELECTOR, ".retry").click()
    _wait_for(browser, ".row[data-now=done]", 2)
    assert "Score" in rows[0].text


def test_a_field_that_breaks_a_rule_is_told_in_the_row(
    browser: Chrome, address: str, films: dict[str, Path]
) -> None:
    browser.get(address)
    _choose(browser, films["upright"])
    browser.execute_script("document.forms.screening.elements.sex.options[1].value = 'x'")
    browser.execute_script("document.forms.screening.elements.sex.selectedIndex = 1")
    _press(browser, "#screening [type=submit]")
    rows = _wait_for(browser, ".row[data-now=failed]")
    assert "sex must be F, M or O" in rows[0].text
    assert not rows[0].find_element(By.CSS_SELECTOR, ".retry").is_displayed()


@pytest.mark.parametrize("size", [(1280, 800), (1024, 600), (390, 844)])
def test_nothing_sticks_out_sideways(
    browser: Chrome, address: str, films: dict[str, Path], size: tuple[int, int]
) -> None:
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        browser.get(address)
        _pages_fit(browser, size[0])
        _choose(browser, films["upright"], films["inverted"])
        _press(browser, "#screening [type=submit]")
        rows = _wait_for(browser, ".row[data-now=done]", 2)
        _pages_fit(browser, size[0])
        for link in [row.find_element(By.LINK_TEXT, "Open").get_attribute("href") for row in rows]:
            browser.get(link or "")
            _wait_for(browser, ".viewer.live")
            _pages_fit(browser, size[0])
            browser.get(f"{link}/print")
            _pages_fit(browser, size[0])
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_all_of_it_works_without_scripts(
    start_browser: Callable[..., Chrome], address: str, films: dict[str, Path]
) -> None:
    browser = start_browser(scripts=False)
    browser.get(address)
    assert not browser.find_element(By.ID, "photograph").is_displayed()
    _choose(browser, films["inverted"])
    _press(browser, "#screening [type=submit]")
    _wait_for(browser, ".outcome.refused")
    _press(browser, ".again button")
    _wait_for(browser, ".scale")
    film = browser.find_element(By.ID, "radiograph")
    WebDriverWait(browser, 30).until(lambda b: film.get_property("complete"))
    assert film.get_property("naturalWidth") == 300
    assert not browser.find_element(By.ID, "attention").is_displayed()
    assert not browser.find_element(By.ID, "tools").is_displayed()
    assert "needs JavaScript" in browser.find_element(By.CSS_SELECTOR, "figcaption").text


@pytest.mark.parametrize(("paper", "width"), [("a4", "594.95996"), ("receipt", "227.03999")])
def test_one_screening_is_one_sheet(browser: Chrome, address: str, paper: str, width: str) -> None:
    browser.get(address)
    _press(browser, "button[form=demonstration]")
    _wait_for(browser, ".outcome h1")
    browser.get(browser.current_url + f"/print?paper={paper}")
    assert browser.find_element(By.ID, "print").is_displayed()
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    sheets = base64.b64decode(printed["data"]).split(b"/MediaBox [0 0 ")[1:]
    assert [sheet.split()[0].decode() for sheet in sheets] == [width]


def test_no_request_leaves_this_machine_and_no_policy_is_broken(
    browser: Chrome, address: str, films: dict[str, Path]
) -> None:
    browser.get(address)
    _logged(browser, "performance")
    _logged(browser, "browser")
    _choose(browser, films["upright"])
    _press(browser, "#screening [type=submit]")
    _wait_for(browser, ".row[data-now=done]")[0].find_element(By.LINK_TEXT, "Open").click()
    _wait_for(browser, ".viewer.live")
    events = [json.loads(entry["message"])["message"] for entry in _logged(browser, "performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert any(url.startswith(address) for url in asked)
    for url in asked:
        assert urlsplit(url).netloc == urlsplit(address).netloc, url
    assert not _logged(browser, "browser")
