"""Settings and PINs, as an administrator changes them on the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from edge.audit import read_lines
from edge.settings import SETTINGS, load_settings
from edge.web import KioskConfig, create_app
from edge.web.kiosk import Kiosk

PIN = {"pin": "246810", "again": "246810"}


@pytest.fixture
def kiosk(app: Flask) -> Kiosk:
    found: Kiosk = app.extensions["kiosk"]
    return found


def test_every_setting_is_there_with_its_help(client: FlaskClient) -> None:
    page = client.get("/settings").get_data(as_text=True)
    for setting in SETTINGS:
        assert f'name="{setting.name}"' in page
        assert setting.help.split(";")[0].rstrip(".")[:40] in page
        assert f'id="setting-{setting.name}-help"' in page
    assert page.count("Needs a restart") == sum(setting.restart for setting in SETTINGS)


def test_what_is_typed_holds_and_outlives_a_restart(
    client: FlaskClient, kiosk: Kiosk, tmp_path: Path
) -> None:
    typed = {"place": "Clinic of Ñandú", "keep_images": "yes", "keep_images_days": "7"}
    answer = client.post("/settings", data=typed)
    assert (answer.status_code, answer.location) == (303, "/settings?done=saved")
    for settings in (kiosk.settings, load_settings(tmp_path)):
        assert (settings.place, settings.keep_images, settings.keep_images_days) == (
            "Clinic of Ñandú", True, 7,
        )  # fmt: skip
    assert kiosk.records.retention.keep_images
    page = client.get(answer.location).get_data(as_text=True)
    assert "hold from now on" in page and 'value="Clinic of Ñandú"' in page
    (line,) = read_lines(kiosk.records.database, 5, action="settings_changed")
    assert line.who == "administrator"
    assert line.detail["changed"] == ["place", "keep_images", "keep_images_days"]


def test_what_waits_for_a_restart_is_said(client: FlaskClient) -> None:
    answer = client.post("/settings", data={"threads": "2"})
    assert "when the kiosk starts the next time" in client.get(answer.location).get_data(True)


def test_errors_stand_beside_their_fields_and_nothing_is_saved(
    client: FlaskClient, kiosk: Kiosk, tmp_path: Path
) -> None:
    typed = {"place": "Here", "keep_images_days": "0", "paper": "papyrus", "threads": "\u0664"}
    answer = client.post("/settings", data=typed)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert set(re.findall(r'id="setting-(\w+)-error"', page)) == set(typed) - {"place"}
    assert "3 fields have to be put right" in page
    assert 'value="Here"' in page and 'value="0"' in page  # as it was typed
    assert "keep_images_days must be a whole number from 1" in page
    assert kiosk.settings.place == "" and not (tmp_path / "settings.toml").exists()


def test_a_field_of_no_setting_is_left_aside(client: FlaskClient, kiosk: Kiosk) -> None:
    before = kiosk.settings
    assert client.post("/settings", data={"data_dir": "/", "password": "x"}).status_code == 303
    assert kiosk.settings == before


def test_what_is_typed_is_text(client: FlaskClient) -> None:
    client.post("/settings", data={"place": '"><script>alert(1)</script>'})
    assert "<script>alert" not in client.get("/settings").get_data(as_text=True)


def test_a_pin_is_set_and_asked_for_from_then_on(client: FlaskClient, kiosk: Kiosk) -> None:
    answer = client.post("/settings/pins/administrator", data=PIN)
    assert answer.status_code == 303
    assert kiosk.accounts.has_pin("administrator")
    assert client.get("/settings").location.startswith("/sign-in")
    assert client.post("/settings", data={"place": "Here"}).location.startswith("/sign-in")
    assert client.post("/settings/pins/administrator/remove").location.startswith("/sign-in")
    assert kiosk.settings.place == ""
    client.post("/sign-in", data={"role": "administrator", "pin": PIN["pin"]})
    assert "has a PIN" in client.get("/settings").get_data(as_text=True)
    assert client.post("/settings/pins/administrator/remove").status_code == 303
    assert not kiosk.accounts.has_pin("administrator")


@pytest.mark.parametrize(
    ("pin", "again", "said"),
    [("246810", "246811", "not the same"), ("1234", "1234", "6 to 64"), ("000000",) * 2 + ("6",)],
)
def test_a_pin_that_will_not_do(
    client: FlaskClient, kiosk: Kiosk, pin: str, again: str, said: str
) -> None:
    answer = client.post("/settings/pins/administrator", data={"pin": pin, "again": again})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'id="pin-administrator-error"' in page and said in page
    assert f'value="{pin}"' not in page
    assert not kiosk.accounts.has_pin("administrator")


def test_nobody_locks_the_administrator_out(client: FlaskClient, kiosk: Kiosk) -> None:
    answer = client.post("/settings/pins/operator", data=PIN)
    assert answer.status_code == 422
    assert "the administrator's PIN first" in answer.get_data(as_text=True)
    client.post("/settings/pins/administrator", data=PIN)
    client.post("/sign-in", data={"role": "administrator", "pin": PIN["pin"]})
    assert client.post("/settings/pins/operator", data=PIN).status_code == 303
    assert client.post("/settings/pins/administrator/remove").status_code == 422
    assert client.post("/settings/pins/operator/remove").status_code == 303
    assert client.post("/settings/pins/administrator/remove").status_code == 303


def test_a_kiosk_on_a_network_keeps_its_administrators_pin(tmp_path: Path) -> None:
    app = create_app(KioskConfig(tmp_path, variant="int8", threads=1, loopback_only=False))
    kiosk, client = app.extensions["kiosk"], app.test_client()
    kiosk.accounts.set_pin("administrator", PIN["pin"], "a test")
    client.post("/sign-in", data={"role": "administrator", "pin": PIN["pin"]})
    assert client.post("/settings/pins/administrator/remove").status_code == 422
    assert kiosk.accounts.has_pin("administrator")
    kiosk.close()


def test_there_are_two_roles(client: FlaskClient) -> None:
    assert client.post("/settings/pins/nobody", data=PIN).status_code == 404
    assert client.post("/settings/pins/nobody/remove").status_code == 404
