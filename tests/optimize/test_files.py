"""What is written appears whole, and where nothing can be written one sentence says why."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edge.errors import WorkFailed
from optimize.exchange import put_in_place
from optimize.files import (
    is_plain,
    publish_folders,
    same_files,
    write_folder,
    write_result,
    writing,
)


@pytest.fixture
def made(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "made" / name for name in ("one", "two")]
    for folder in folders:
        write_folder(folder, {"file": folder.name.encode()})
    return folders


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EDQUOT, "disk_full"),
        (errno.EFBIG, "cannot_write"),
        (errno.EROFS, "cannot_write"),
    ],
)
def test_what_the_system_answers_is_told(number: int, code: str) -> None:
    with (
        pytest.raises(WorkFailed, match="models cannot be written") as failure,
        writing(Path("models")),
    ):
        raise OSError(number, "as the system says it")
    assert failure.value.code == code


def test_what_is_not_named_is_named_by_the_system(tmp_path: Path) -> None:
    with pytest.raises(WorkFailed, match="nowhere/file cannot be written"), writing():
        (tmp_path / "nowhere" / "file").write_text("")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(WorkFailed) as failure:
        write_result(tmp_path / "file" / "result", b"")
    assert failure.value.code == "cannot_write"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a\0b", "a\nb", 3])
def test_names_that_lead_elsewhere_are_not_plain(name: object) -> None:
    assert not is_plain(name)


def test_names_of_models_are_plain() -> None:
    assert all(is_plain(name) for name in ("lite0", "slim 2.0", ".hidden", "schmal-ä"))


def test_folders_are_published_over_older_ones(tmp_path: Path, made: list[Path]) -> None:
    models = tmp_path / "models"
    (models / "one").mkdir(parents=True)
    (models / "one" / "older").write_text("")
    publish_folders({models / folder.name: folder for folder in made})
    found = {path.relative_to(models).as_posix() for path in models.rglob("*")}
    assert found == {"one", "one/file", "two", "two/file"}
    assert (models / "two" / "file").read_bytes() == b"two"


def test_where_one_cannot_be_published_none_is(tmp_path: Path, made: list[Path]) -> None:
    models = tmp_path / "models"
    with pytest.raises(WorkFailed):
        publish_folders({models / "one": made[0], models / "two": tmp_path / "nowhere"})
    assert list(models.iterdir()) == []


def test_two_folders_change_places(made: list[Path]) -> None:
    put_in_place(*made)
    assert [(folder / "file").read_text() for folder in made] == ["two", "one"]


def test_without_an_exchange_they_change_places_too(
    made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optimize.exchange._exchange", lambda *folders: False)
    put_in_place(*made)
    assert [(folder / "file").read_text() for folder in made] == ["two", "one"]
    assert len(list(made[0].parent.iterdir())) == 2


def test_folders_of_the_same_files_are_told_from_others(made: list[Path]) -> None:
    one, two = made
    assert not same_files(one, two, but="signature")
    (two / "file").write_bytes((one / "file").read_bytes())
    (two / "signature").write_bytes(b"")
    assert same_files(one, two, but="signature")
    (two / "more").mkdir()
    (two / "more" / "file").write_bytes(b"")
    assert not same_files(one, two, but="signature")
    assert not same_files(one, one.with_name("nowhere"), but="signature")
