"""The commands of whoever looks after a kiosk, as a shell runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edge.accounts import Accounts
from edge.cli import cli
from edge.database import DATABASE
from edge.records import Records

Keep = Callable[..., Any]


def _run(*arguments: object, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], input=typed)


@pytest.fixture
def data(records: Records, keep: Keep, tmp_path: Path) -> Path:
    """The folder of a kiosk that has screened two children and was stopped."""
    for name in ("K-9", "K-10"):
        keep(name)
    records.close()
    return tmp_path


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def test_there_and_back_again(data: Path, stick: Path, tmp_path: Path) -> None:
    made = _run("backup", stick, "--data-dir", data, "--json")
    assert made.exit_code == 0, made.output
    backup = json.loads(made.output)
    assert (backup["screenings"], Path(backup["path"]).parent) == (2, stick)
    done = _run("restore", stick, "--data-dir", tmp_path / "new", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output) == {"source": backup["path"], "kept": None, "screenings": 2}
    again = _run("restore", backup["path"], "--data-dir", data)
    assert again.exit_code == 0
    assert "before-restore-1" in again.output
    assert "2 screenings" in again.output


def test_refusals_have_a_code_and_change_nothing(data: Path, stick: Path, tmp_path: Path) -> None:
    for arguments, code in (
        (("backup", stick / "unplugged", "--data-dir", data), "backup_folder"),
        (("backup", stick, "--data-dir", tmp_path / "wrong"), "no_records"),
        (("restore", stick, "--data-dir", data), "no_backup"),
        (("status", "--data-dir", data / DATABASE), "data_dir_unusable"),
    ):
        done = _run(*arguments)
        assert done.exit_code == 2, done.output
        assert f"({code})" in done.output
    assert list(stick.iterdir()) == []


def test_a_restore_under_a_working_kiosk_is_refused(
    data: Path, stick: Path, records: Records
) -> None:
    _run("backup", stick, "--data-dir", data)
    assert records.count() == 2  # open again
    done = _run("restore", stick, "--data-dir", data)
    assert done.exit_code == 2
    assert "records_in_use" in done.output
    assert _run("status", "--data-dir", data).exit_code == 0
    assert _run("backup", stick, "--data-dir", data).exit_code == 0


def test_status(data: Path, tmp_path: Path) -> None:
    told = _run("status", "--data-dir", data)
    assert told.exit_code == 0, told.output
    assert "records screenings: 2" in told.output
    assert "All is well." in told.output
    found = json.loads(_run("status", "--data-dir", data, "--json").output)
    assert found["records"]["screenings"] == 2
    assert found["model"]["status"] == "whole"
    assert "K-9" not in told.output
    ill = _run("status", "--data-dir", data, "--artifact", tmp_path, "--json")
    assert ill.exit_code == 1
    assert json.loads(ill.output)["model"]["code"] == "manifest_missing"


def test_a_pin_is_read_from_standard_input(tmp_path: Path) -> None:
    done = _run("pin", "--role", "operator", "--data-dir", tmp_path, typed="271828\nrest")
    assert done.exit_code == 0, done.output
    assert "271828" not in done.output
    records = Records(tmp_path)
    accounts = Accounts(records.database)
    assert accounts.role_of(accounts.sign_in("operator", "271828")) == "operator"
    removed = _run("pin", "--role", "operator", "--remove", "--data-dir", tmp_path, "--json")
    assert json.loads(removed.output) == {"role": "operator", "pin": "none"}
    assert not accounts.has_pin("operator")
    records.close()


def test_a_pin_is_no_argument(tmp_path: Path) -> None:
    assert _run("pin", "271828", "--role", "operator").exit_code == 2
    weak = _run("pin", "--role", "operator", "--data-dir", tmp_path, typed="")
    assert weak.exit_code == 2
    assert "weak_pin" in weak.output


@pytest.mark.parametrize("command", ["backup", "restore", "status", "pin"])
def test_every_command_shows_an_example(command: str) -> None:
    done = _run(command, "--help")
    assert done.exit_code == 0
    assert f"Example: pneumokiosk {command}" in done.output


def test_settings_are_printed_as_their_file_has_them(data: Path) -> None:
    printed = _run("settings", "--data-dir", data).output
    assert "port = 8080" in printed
    (data / "settings.toml").write_text(printed.replace("port = 8080", "port = 9000"))
    assert json.loads(_run("settings", "--data-dir", data, "--json").output)["port"] == 9000
    (data / "settings.toml").write_text("prot = 9000")
    refused = _run("settings", "--data-dir", data)
    assert refused.exit_code == 2
    assert "settings_invalid" in refused.output
