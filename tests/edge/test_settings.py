"""One registry of settings, one file of them."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from edge.audit import read_lines
from edge.errors import FieldRefused, PneumoKioskError
from edge.records import Records
from edge.settings import (
    FILE,
    SETTINGS,
    Settings,
    as_toml,
    load_settings,
    read_settings,
    save_settings,
)


def test_every_setting_is_documented() -> None:
    for setting in SETTINGS:
        assert setting.title and setting.group
        assert setting.help.endswith("."), setting.name


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == Settings()


def test_the_file_names_every_setting_and_what_it_is_for() -> None:
    text = as_toml(Settings())
    assert tomllib.loads(text) == {setting.name: setting.default for setting in SETTINGS}
    for setting in SETTINGS:
        assert f"# {setting.help}" in text


def test_what_is_saved_is_read_again(tmp_path: Path, records: Records) -> None:
    changed = replace(
        Settings(), place='Clinique "Espoir" \\ é', keep_images=True, keep_images_days=7
    )
    save_settings(tmp_path, records.database, Settings(), changed, "administrator")
    assert load_settings(tmp_path) == changed


def test_the_audit_says_what_changed_and_no_values(tmp_path: Path, records: Records) -> None:
    changed = replace(Settings(), next_step_refer="Call Dr Amina", port=9000)
    save_settings(tmp_path, records.database, Settings(), changed, "administrator")
    line = read_lines(records.database, 1)[0]
    assert (line.action, line.who) == ("settings_changed", "administrator")
    assert line.detail == {"changed": ["next_step_refer", "port"]}


def test_nothing_changed_writes_nothing(tmp_path: Path, records: Records) -> None:
    save_settings(tmp_path, records.database, Settings(), Settings(), "administrator")
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "content",
    [
        "port = 70000",
        "port = true",
        'port = "8080"',
        "keep_images = 1",
        'language = "xx"',
        'colour = "red"',
        "place = 5",
        "port =",
        'place = "a\\u0000b"',
        b"\xff\xfe",
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / FILE
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(PneumoKioskError) as refused:
        load_settings(tmp_path)
    assert refused.value.code == "settings_invalid"
    assert str(path) in refused.value.message


def test_what_is_typed_changes_what_was_typed_only() -> None:
    current = replace(Settings(), place="Here")
    found = read_settings(current, {"keep_images": "yes", "port": " 81 ", "paper": "receipt"})
    assert found == replace(current, keep_images=True, port=81, paper="receipt")


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("port", "-1"),
        ("port", "٣"),
        ("port", "99999999999999999999"),
        ("keep_images", "maybe"),
        ("paper", "a3"),
        ("place", "x" * 401),
        ("keep_images_days", "0"),
    ],
)
def test_what_is_typed_wrong_is_refused_by_its_name(name: str, typed: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        read_settings(Settings(), {name: typed})
    assert refused.value.code == name
    assert name in refused.value.message


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(FieldRefused, match="no setting colour"):
        read_settings(Settings(), {"colour": "red"})
