"""Batches, status and settings in a real browser, where there is one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from edge.phantom import phantom_png
from edge.settings import Settings, as_toml
from edge.web import KioskConfig, create_app

FILMS = 24
LONG = "a-name-without-any-blank-" * 6 + ".png"
TARGETS = "button, .button, select, summary, .folders a, main input:not([type=radio])"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media") / "stick"
    folder.mkdir()
    film = phantom_png(side=256)
    for number in range(FILMS - 2):
        (folder / f"film{number:02d}.png").write_bytes(film)
    (folder / "<b>notes.txt").write_text("no film", encoding="utf-8")
    (folder / LONG).write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, films: Path, serve: Callable[[Flask], str]
) -> str:
    data_dir = tmp_path_factory.mktemp("kiosk")
    settings = as_toml(Settings(batch_folder=str(films.parent)))
    (data_dir / "settings.toml").write_text(settings, encoding="utf-8")
    return serve(create_app(KioskConfig(data_dir)))


@pytest.fixture(scope="module")
def browser(start_browser: Callable[..., Chrome]) -> Chrome:
    return start_browser()


@pytest.fixture(scope="module")
def screened(browser: Chrome, address: str) -> str:
    """Address of a batch that is through."""
    return _screen(browser, address)


def _screen(browser: Chrome, address: str) -> str:
    browser.get(f"{address}/batch")
    browser.find_element(By.LINK_TEXT, f"stick\n{FILMS} files").click()
    _press(browser, "form[action='/batch'] .primary")
    _wait(browser, "a[download]")
    return browser.current_url


def _press(browser: Chrome, css: str) -> None:
    browser.find_element(By.CSS_SELECTOR, css).click()


def _wait(browser: Chrome, css: str) -> None:
    WebDriverWait(browser, 60).until(lambda b: b.find_elements(By.CSS_SELECTOR, css))


def _main(browser: Chrome) -> str:
    return browser.find_element(By.ID, "main").text


def test_a_folder_is_screened_while_one_looks_on(browser: Chrome, screened: str) -> None:
    browser.get(screened)
    assert f"{FILMS} of {FILMS}" in _main(browser)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".films tbody tr")) == FILMS
    assert "<b>notes.txt" in _main(browser)
    browser.find_element(By.LINK_TEXT, "film00.png").click()
    _wait(browser, ".outcome h1")


def test_without_scripts_the_page_comes_anew_by_itself(
    start_browser: Callable[..., Chrome], address: str
) -> None:
    plain = start_browser(scripts=False)
    assert "/batch/" in _screen(plain, address)
    assert f"{FILMS} of {FILMS}" in _main(plain)


def test_a_setting_is_changed_and_a_mistake_told(browser: Chrome, address: str) -> None:
    browser.get(f"{address}/settings")
    Select(browser.find_element(By.NAME, "paper")).select_by_visible_text("80 mm receipt")
    _press(browser, ".save .primary")
    _wait(browser, ".done")
    chosen = Select(browser.find_element(By.NAME, "paper")).first_selected_option
    assert chosen.text == "80 mm receipt"
    # The browser itself would stop this one.
    browser.execute_script("document.querySelector('[name=port]').max = '99999'")
    port = browser.find_element(By.NAME, "port")
    port.clear()
    port.send_keys("70000")
    _press(browser, ".save .primary")
    _wait(browser, "#setting-port-error")
    assert "8080" in browser.find_element(By.ID, "setting-port-help").text


def test_records_are_backed_up(browser: Chrome, screened: str, tmp_path: Path) -> None:
    browser.get(screened.replace("/batch/1", "/status"))
    browser.find_element(By.ID, "folder").send_keys(str(tmp_path))
    _press(browser, "#backup .primary")
    _wait(browser, "#backup .done")
    assert len(list(tmp_path.glob("pneumokiosk-*.sqlite3"))) == 1


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("size", [(1280, 800), (1024, 600), (390, 844)])
def test_nothing_sticks_out_and_everything_can_be_pressed(
    browser: Chrome, address: str, screened: str, size: tuple[int, int], language: str
) -> None:
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": True}
    browser.get(address)
    browser.add_cookie({"name": "pneumokiosk_language", "value": language})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for page in (f"{address}/batch", screened, f"{address}/status", f"{address}/settings",
                     f"{address}/sign-in"):  # fmt: skip
            browser.get(page)
            width = browser.execute_script("return document.documentElement.scrollWidth")
            assert width <= size[0], page
            for target in browser.find_elements(By.CSS_SELECTOR, TARGETS):
                if target.is_displayed():
                    assert target.rect["height"] >= 48, (page, target.text)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.delete_all_cookies()


def test_no_policy_is_broken(browser: Chrome, address: str, screened: str) -> None:
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    for page in (f"{address}/batch", screened, f"{address}/status", f"{address}/settings"):
        browser.get(page)
    _screen(browser, address)
    logged = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in logged if entry["level"] != "DEBUG"] == []
