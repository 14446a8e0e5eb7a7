"""What the kiosk says of itself, and the backup that is made there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from edge.artifact import Artifact
from edge.audit import read_lines
from edge.backup import newest_backup
from edge.database import DATABASE
from edge.provenance import manifest_hash
from edge.restore import restore
from edge.web import KioskConfig, create_app

Post = Callable[..., Any]


def _shown(client: FlaskClient) -> str:
    answer = client.get("/status")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_all_is_well_with_a_new_kiosk(client: FlaskClient, app: Flask, artifact: Artifact) -> None:
    page, kiosk = _shown(client), app.extensions["kiosk"]
    assert "All is well." in page
    assert artifact.manifest.version in page and manifest_hash(artifact) in page
    assert "every hash matches" in page and "no public key is set" in page
    assert "never backed up" in page and "none yet" in page
    assert f"<strong>{kiosk.choice.variant}</strong>" in page
    for timing in kiosk.choice.timings:
        assert f"{timing.milliseconds:.2f}" in page
    assert page.count("in use") == 1


def test_the_self_test_of_every_variant_is_shown(client: FlaskClient, app: Flask) -> None:
    test = app.extensions["kiosk"].self_test
    page = _shown(client)
    if test.status == "not_available":
        assert "came without drawings" in page
        return
    for name, seen in test.variants.items():
        assert re.search(rf"<td>{name}</td>\s*<td>.*?{'passed' if seen.passed else 'failed'}", page)


def test_a_refused_model_is_said_and_records_stay_readable(
    artifact: Artifact, tmp_path: Path, post: Post, png: bytes, app: Flask
) -> None:
    record = post(png).json
    app.extensions["kiosk"].close()
    folder = Path(shutil.copytree(artifact.folder, tmp_path / "artifact"))
    path = folder / artifact.manifest.variants[artifact.manifest.default_variant]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    broken = create_app(KioskConfig(tmp_path, folder))
    client = broken.test_client()
    page = _shown(client)
    assert "its model was refused" in page and "All is well" not in page
    assert "no variant of the model may be used" in page
    assert "Back up now" in page
    assert client.get(f"/screenings/{record['id']}").status_code == 200
    assert client.post("/demonstration").status_code == 503
    broken.extensions["kiosk"].close()


def test_files_that_change_under_a_running_kiosk_are_noticed(
    artifact: Artifact, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(artifact.folder, tmp_path / "artifact"))
    app = create_app(KioskConfig(tmp_path, folder, variant="int8", threads=1))
    (folder / "manifest.json").unlink()
    page = _shown(app.test_client())
    assert "changed since the kiosk started" in page and "manifest_missing" in page
    app.extensions["kiosk"].close()


def test_damaged_records_are_said(client: FlaskClient, app: Flask, tmp_path: Path) -> None:
    client.post("/demonstration")
    app.extensions["kiosk"].close()
    (tmp_path / DATABASE).write_bytes(b"no database" * 1000)
    page = _shown(client)
    assert "The records are damaged" in page and "All is well" not in page


def test_a_doubtful_clock_is_said(client: FlaskClient, app: Flask) -> None:
    client.post("/demonstration")
    with app.extensions["kiosk"].records.database.write() as connection:
        connection.execute("UPDATE screenings SET time = '2999-01-01T00:00:00Z'")
    page = _shown(client)
    assert "The clock is in doubt" in page


def test_a_backup_is_made_and_restored_by_the_command_shown(
    client: FlaskClient, app: Flask, tmp_path: Path
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    client.post("/demonstration")
    answer = client.post("/status/backup", data={"folder": f" {stick} "})
    assert (answer.status_code, answer.location) == (303, "/status?done=backed_up#backup")
    page = client.get(answer.location).get_data(as_text=True)
    copy = newest_backup(stick)
    assert "made and checked" in page and str(copy) in page and "1 screening)" in page
    assert "lies on the disk of the records" in page  # a test's stick is none
    assert f"pneumokiosk restore /media/usb --data-dir {tmp_path}" in page
    (line,) = read_lines(app.extensions["kiosk"].records.database, 5, action="backed_up")
    assert line.who == "administrator"
    app.extensions["kiosk"].close()
    assert restore(stick, tmp_path, "a test").screenings == 1


def test_the_folder_of_the_settings_is_taken_where_none_is_typed(
    client: FlaskClient, tmp_path: Path
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    client.post("/demonstration")
    client.post("/settings", data={"backup_folder": str(stick)})
    assert f'value="{stick}"' in _shown(client)
    assert client.post("/status/backup").status_code == 303
    assert newest_backup(stick).is_file()


@pytest.mark.parametrize(
    ("typed", "status", "code"),
    [
        ("", 422, "folder_not_absolute"),
        ("media/usb", 422, "folder_not_absolute"),
        ("/me\ndia", 422, "folder_not_absolute"),
        ("/" + "a/" * 2000, 422, "folder_not_absolute"),
        ("/no/such/stick", 422, "backup_folder"),
        ("/" + "a" * 1000, 422, "backup_folder"),
    ],
)
def test_a_folder_that_will_not_do(client: FlaskClient, typed: str, status: int, code: str) -> None:
    client.post("/demonstration")
    answer = client.post("/status/backup", data={"folder": typed})
    assert answer.status_code == status
    page = answer.get_data(as_text=True)
    assert 'id="folder-error"' in page and code in page


def test_an_operator_sees_all_and_copies_nothing(
    client: FlaskClient, app: Flask, tmp_path: Path
) -> None:
    client.post("/demonstration")
    app.extensions["kiosk"].accounts.set_pin("administrator", "246810", "a test")
    page = _shown(client)
    assert "Back up now" not in page and "Sign in as administrator" in page
    answer = client.post("/status/backup", data={"folder": str(tmp_path)})
    assert answer.location.startswith("/sign-in?role=administrator")
    assert not list(tmp_path.glob("pneumokiosk-*"))
