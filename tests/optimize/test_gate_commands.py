"""``pneumokiosk-optimize gates`` and ``add-gates`` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner, Result

from edge.artifact import DEFAULT_ARTIFACT, load_artifact
from edge.phantom import draw_phantom
from edge.quality import Gates
from optimize.cli import cli


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)])


@pytest.fixture(scope="session")
def adults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty adults with one film each, as ChestX-ray14 is published."""
    root = tmp_path_factory.mktemp("published") / "chestxray14"
    (root / "images").mkdir(parents=True)
    lines = ["Image Index,Finding Labels,Patient ID,View Position"]
    for n in range(1, 21):
        name = f"{n:08d}_000.png"
        lines.append(f"{name},No Finding,{n},PA")
        cv2.imwrite(str(root / "images" / name), draw_phantom(700 + n, 128))
    (root / "Data_Entry_2017.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_gates_are_fitted_measured_and_added(
    chest_xray: Path, adults: Path, tmp_path: Path
) -> None:
    others, more, out = tmp_path / "others", tmp_path / "more", tmp_path / "gates.json"
    for folder in (others, more):
        folder.mkdir()
    cv2.imwrite(str(others / "swapped.png"), 255 - draw_phantom(3, 224))
    cv2.imwrite(str(more / "film.png"), draw_phantom(4, 224))
    done = invoke(
        "gates", "--data", chest_xray, "--chestxray14", adults, "--out", out, "--drawings", 2,
        "--films", more, "--others", others, "--seed", 3,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert f"written: {out}" in done.stdout
    assert "films that should pass:" in done.stdout
    content = json.loads(out.read_text(encoding="utf-8"))
    gates = Gates.from_dict(content)
    assert gates.facts["seed"] == 3
    assert gates.facts["fitted_films"]["children"] > gates.facts["limits_set_on"]["children"]
    assert content["measured"]["films that should pass"]["more"]["images"] == 1
    assert content["measured"]["what is no frontal chest film"]["others"]["images"] == 1
    assert len(gates.facts["refused"]) > 30

    added = invoke("add-gates", DEFAULT_ARTIFACT, "--gates", out, "--out", tmp_path / "gated")
    assert added.exit_code == 0, added.output
    assert load_artifact(tmp_path / "gated").manifest.gates == gates


def test_a_missing_folder_is_named(tmp_path: Path, adults: Path) -> None:
    done = invoke(
        "gates", "--data", tmp_path, "--chestxray14", adults, "--out", tmp_path / "gates.json"
    )
    assert done.exit_code == 2
    assert "missing_folder" in done.output
    assert not (tmp_path / "gates.json").exists()


def test_add_gates_prints_the_manifest(tmp_path: Path) -> None:
    gates = Path(__file__).parents[2] / "train" / "weights" / "gates.json"
    done = invoke(
        "add-gates", DEFAULT_ARTIFACT, "--gates", gates, "--out", tmp_path / "a", "--json"
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["gates"]["trained_age_months"] == [12, 71]
