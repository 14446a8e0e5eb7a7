"""A film looked at in a real browser, where there is one: contrast, size, place, attention."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from edge.web import KioskConfig, create_app


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, serve: Callable[[Flask], str]) -> str:
    app = create_app(KioskConfig(tmp_path_factory.mktemp("kiosk")))
    return serve(app) + app.test_client().post("/demonstration").location


@pytest.fixture(scope="module")
def running(start_browser: Callable[..., Chrome]) -> Chrome:
    return start_browser()


@pytest.fixture
def browser(running: Chrome, address: str) -> Chrome:
    """A browser that shows the film as it was sent."""
    running.get(address)
    WebDriverWait(running, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".viewer.live"))
    return running


def _slope(browser: Chrome) -> tuple[float, float]:
    """What the page makes of grey x: slope * x + intercept, in [0, 1]."""
    channel = browser.find_element(By.CSS_SELECTOR, "feComponentTransfer > *")
    slope, intercept = (channel.get_attribute(name) for name in ("slope", "intercept"))
    return float(slope or "nan"), float(intercept or "nan")


def _box(browser: Chrome) -> dict[str, float]:
    script = "const b = document.querySelector('#radiograph').getBoundingClientRect(); "
    box: dict[str, float] = browser.execute_script(script + "return b.toJSON()")
    return box


def _press(browser: Chrome, css: str) -> None:
    browser.find_element(By.CSS_SELECTOR, css).click()


def _keys(browser: Chrome, *keys: str) -> None:
    browser.find_element(By.ID, "view").send_keys(*keys)


def _drag(browser: Chrome, x: int, y: int) -> None:
    view = browser.find_element(By.ID, "view")
    ActionChains(browser).drag_and_drop_by_offset(view, x, y).perform()


def _told(browser: Chrome, part: str) -> None:
    value = browser.find_element(By.ID, "viewer-values")
    WebDriverWait(browser, 5).until(lambda b: part in value.text)


def _touch(browser: Chrome, kind: str, *points: tuple[float, float]) -> None:
    touched = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})


def test_a_film_is_shown_as_it_was_sent(browser: Chrome) -> None:
    assert _slope(browser) == (1, 0)
    box, view = _box(browser), browser.find_element(By.ID, "view").rect
    assert box["height"] == pytest.approx(view["height"], abs=1)
    assert box["width"] == pytest.approx(box["height"], abs=1), "a square film stays square"
    film = browser.find_element(By.ID, "radiograph")
    assert film.get_property("naturalWidth") == 1024


def test_the_attention_map_is_off_until_it_is_asked_for(browser: Chrome) -> None:
    overlay, slider = (browser.find_element(By.ID, name) for name in ("attention", "opacity"))
    assert not overlay.is_displayed()
    assert slider.get_attribute("aria-valuetext") == "off"
    slider.send_keys(Keys.ARROW_RIGHT * 12)
    assert overlay.value_of_css_property("opacity") == "0.6"
    assert overlay.rect == browser.find_element(By.ID, "radiograph").rect
    assert slider.get_attribute("aria-valuetext") == "60 %"
    _keys(browser, "a" * 9)
    assert overlay.value_of_css_property("opacity") == "1"
    _keys(browser, "z" * 10)
    assert not overlay.is_displayed()


def test_dragging_changes_contrast_or_place(browser: Chrome) -> None:
    before = _box(browser)
    _drag(browser, -60, 0)
    slope, intercept = _slope(browser)
    assert slope > 1.2, "a narrower window is steeper"
    assert _box(browser) == before
    _drag(browser, 0, -80)
    assert _slope(browser)[1] > intercept, "upwards is brighter"
    assert not browser.find_elements(By.CSS_SELECTOR, "[data-preset][aria-pressed=true]")
    _press(browser, "[data-drag=move]")
    contrast = _slope(browser)
    _drag(browser, 50, 30)
    after = _box(browser)
    assert (after["x"] - before["x"], after["y"] - before["y"]) == (50, 30)
    assert _slope(browser) == contrast
    _keys(browser, (Keys.SHIFT + Keys.ARROW_RIGHT) + Keys.ARROW_RIGHT * 60)
    view = browser.find_element(By.ID, "view").rect
    assert _box(browser)["x"] < view["x"] + view["width"], "it cannot be lost"
    _press(browser, "[data-do=reset]")
    assert _slope(browser) == (1, 0)
    assert _box(browser) == before


def test_three_contrasts_and_an_inverted_one(browser: Chrome) -> None:
    seen = {}
    for preset in ("lungs", "soft", "sent"):
        _press(browser, f"[data-preset={preset}]")
        seen[preset] = _slope(browser)
        pressed = browser.find_elements(By.CSS_SELECTOR, "[data-preset][aria-pressed=true]")
        assert [button.get_attribute("data-preset") for button in pressed] == [preset]
    assert len(set(seen.values())) == 3
    _press(browser, "[data-do=invert]")
    assert _slope(browser) == (-1, 1)
    _press(browser, "[data-preset=lungs]")
    slope, intercept = seen["lungs"]
    assert _slope(browser) == pytest.approx((-slope, 1 - intercept))
    _press(browser, "[data-do=invert]")
    assert _slope(browser) == seen["lungs"]


def test_keys_do_what_buttons_do(browser: Chrome) -> None:
    _keys(browser, "2")
    by_key = _slope(browser)
    _press(browser, "[data-preset=lungs]")
    assert _slope(browser) == by_key
    _keys(browser, "0", Keys.ARROW_LEFT)
    assert _slope(browser)[0] == pytest.approx(255 / 247)
    _told(browser, "Window 247")
    _keys(browser, "i")
    assert _slope(browser)[0] < 0
    _keys(browser, "0", "++")
    _told(browser, "zoom 156 %")
    before = _box(browser)
    _keys(browser, Keys.SHIFT + Keys.ARROW_LEFT)
    assert _box(browser)["x"] == before["x"] - 40
    _keys(browser, "----")
    _told(browser, "zoom 100 %")


def test_the_wheel_enlarges_what_is_under_the_mouse(browser: Chrome) -> None:
    box = _box(browser)
    x, y = box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25
    event = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -200}
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    WebDriverWait(browser, 5).until(lambda b: _box(b)["width"] > box["width"] * 1.3)
    after = _box(browser)
    assert (x - after["x"]) / after["width"] == pytest.approx(0.75, abs=0.01)
    assert (y - after["y"]) / after["height"] == pytest.approx(0.25, abs=0.01)


def test_fingers_pinch_and_drag(browser: Chrome) -> None:
    box = _box(browser)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    _touch(browser, "touchStart", (x - 40, y), (x + 40, y))
    _touch(browser, "touchMove", (x - 80, y), (x + 80, y))
    _touch(browser, "touchEnd")
    WebDriverWait(browser, 5).until(lambda b: _box(b)["width"] > box["width"] * 1.9)
    assert _slope(browser) == (1, 0)
    _touch(browser, "touchStart", (x, y))
    _touch(browser, "touchMove", (x - 60, y))
    _touch(browser, "touchEnd")
    WebDriverWait(browser, 5).until(lambda b: _slope(b)[0] > 1.2)


def test_the_whole_screen_is_filled(browser: Chrome) -> None:
    before = _box(browser)
    _press(browser, "[data-do=full]")
    figure = browser.find_element(By.ID, "viewer")
    try:
        WebDriverWait(browser, 5).until(lambda b: figure.rect["x"] == 0)
        pressed = browser.find_element(By.CSS_SELECTOR, "[data-do=full]")
        WebDriverWait(browser, 5).until(lambda b: pressed.get_attribute("aria-pressed") == "true")
        assert _box(browser)["height"] > before["height"]
        assert browser.find_element(By.ID, "opacity").is_displayed()
    finally:
        _press(browser, "[data-do=full]")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_film_is_never_mirrored(browser: Chrome, address: str, language: str) -> None:
    cookie = {"name": "pneumokiosk_language", "value": language}
    browser.add_cookie(cookie)
    try:
        browser.get(address)
        WebDriverWait(browser, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".live"))
        sheet = browser.find_element(By.ID, "sheet")
        matrix = sheet.value_of_css_property("transform").removeprefix("matrix(").split(",")
        assert [float(n) for n in matrix[:4]] == [1, 0, 0, 1]
        view, box = browser.find_element(By.ID, "view").rect, _box(browser)
        middle = view["x"] + view["width"] / 2
        assert box["x"] + box["width"] / 2 == pytest.approx(middle, abs=1)
    finally:
        browser.delete_cookie(cookie["name"])
