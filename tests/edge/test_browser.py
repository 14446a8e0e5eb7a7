"""The kiosk in a real browser, where there is one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from waitress.server import create_server

from edge.web import KioskConfig, create_app

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")

pytestmark = pytest.mark.skipif(
    not (CHROMIUM.exists() and DRIVER.exists()), reason="there is no Chromium with its driver"
)

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update --disable-dev-shm-usage""".split()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = create_app(KioskConfig(tmp_path_factory.mktemp("kiosk")))
    server = create_server(app, host="127.0.0.1", port=0, threads=2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.task_dispatcher.shutdown()
    server.pull_trigger()
    server.close()
    thread.join(5)
    app.extensions["kiosk"].records.close()


def _browser(profile: Path, scripts: bool) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    if not scripts:
        setting = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", setting)
    browser = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    browser.set_window_size(1280, 800)
    return browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    browser = _browser(tmp_path_factory.mktemp("profile"), scripts=True)
    yield browser
    browser.quit()


@pytest.fixture
def film(png: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "film.png"
    path.write_bytes(png)
    return path


def _wait_for(browser: webdriver.Chrome, css: str) -> None:
    WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, css))


def _logged(browser: webdriver.Chrome, kind: str) -> list[dict[str, Any]]:
    """What was logged since this was last asked."""
    return list(browser.get_log(kind))  # type: ignore[no-untyped-call]


def _press(browser: webdriver.Chrome, css: str) -> None:
    browser.find_element(By.CSS_SELECTOR, css).click()


def test_the_demonstration_shows_its_outcome(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address)
    _press(browser, "button[form=demonstration]")
    _wait_for(browser, ".outcome h1")
    assert "Synthetic" in browser.find_element(By.CSS_SELECTOR, "main").text
    for image in browser.find_elements(By.CSS_SELECTOR, ".stage img"):
        assert image.get_property("naturalWidth") == 1024


def test_the_attention_map_is_off_until_the_slider_asks(
    browser: webdriver.Chrome, address: str
) -> None:
    browser.get(address)
    _press(browser, "button[form=demonstration]")
    _wait_for(browser, "#attention")
    overlay = browser.find_element(By.ID, "attention")
    slider = browser.find_element(By.ID, "opacity")
    assert not overlay.is_displayed()
    for _ in range(12):
        slider.send_keys(Keys.ARROW_RIGHT)
    assert overlay.is_displayed()
    assert overlay.value_of_css_property("opacity") == "0.6"
    film = browser.find_element(By.ID, "radiograph")
    assert overlay.rect == film.rect
    slider.send_keys(Keys.HOME)
    assert not overlay.is_displayed()


def test_a_chosen_film_is_screened(browser: webdriver.Chrome, address: str, film: Path) -> None:
    browser.get(address)
    browser.find_element(By.ID, "image").send_keys(str(film))
    assert browser.find_element(By.ID, "chosen").text == "film.png"
    _press(browser, "#screening .primary")
    _wait_for(browser, ".outcome h1")
    assert browser.find_elements(By.CSS_SELECTOR, ".scale")
    assert "Synthetic" not in browser.find_element(By.CSS_SELECTOR, ".details").text


def test_a_dropped_film_is_screened(browser: webdriver.Chrome, address: str) -> None:
    browser.get(address)
    browser.execute_script(
        """
        const transfer = new DataTransfer();
        transfer.items.add(new File(["text"], "film.png", {type: "image/png"}));
        window.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, cancelable: true}));
        """
    )
    _wait_for(browser, ".outcome.refused")
    assert "unsupported_format" in browser.find_element(By.CSS_SELECTOR, ".details").text


@pytest.mark.parametrize("size", [(1280, 800), (1024, 600), (390, 844)])
def test_nothing_sticks_out_sideways(
    browser: webdriver.Chrome, address: str, size: tuple[int, int]
) -> None:
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        browser.get(address)
        _assert_fits(browser, size[0])
        _press(browser, "button[form=demonstration]")
        _wait_for(browser, "#attention")
        _assert_fits(browser, size[0])
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _assert_fits(browser: webdriver.Chrome, width: int) -> None:
    script = "return document.documentElement.scrollWidth"
    assert browser.execute_script(script) <= width
    for target in browser.find_elements(By.CSS_SELECTOR, "button, .button, select, .drop, nav a"):
        assert target.rect["height"] >= 48, target.text


def test_all_of_it_works_without_scripts(tmp_path: Path, address: str, film: Path) -> None:
    browser = _browser(tmp_path / "profile", scripts=False)
    try:
        browser.get(address)
        browser.find_element(By.ID, "image").send_keys(str(film))
        _press(browser, "#screening .primary")
        _wait_for(browser, ".outcome h1")
        assert not browser.find_element(By.ID, "attention").is_displayed()
        assert not browser.find_element(By.ID, "opacity-row").is_displayed()
        assert "needs JavaScript" in browser.find_element(By.CSS_SELECTOR, "figcaption").text
    finally:
        browser.quit()


def test_no_request_leaves_this_machine_and_no_policy_is_broken(
    browser: webdriver.Chrome, address: str
) -> None:
    _logged(browser, "performance")
    _logged(browser, "browser")
    browser.get(address)
    _press(browser, "button[form=demonstration]")
    _wait_for(browser, "#attention")
    events = [json.loads(entry["message"])["message"] for entry in _logged(browser, "performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert any(url.startswith(address) for url in asked)
    for url in asked:
        assert url.startswith("data:") or urlsplit(url).netloc == urlsplit(address).netloc, url
    assert not _logged(browser, "browser")
