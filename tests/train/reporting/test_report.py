"""``pneumokiosk-train report`` from weights files to one page."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

from train.assessment import assess
from train.cli import cli
from train.network import build
from train.recipe import Recipe
from train.reporting.page import render
from train.reporting.paper import PAPER, RIVALS
from train.weights import load_weights, save_weights, weights_of

POINT = {"name": "refer", "threshold": 0.5, "chosen_on": "films of validation"}
Save = Callable[..., Path]


class Addresses(HTMLParser):
    """Everything that a page would load, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for key, value in attrs if key in ("src", "href", "srcset")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def save(tiny_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Save:
    """Write random weights that claim to be trained."""
    folder = tmp_path_factory.mktemp("weights")

    def write(seed: int, training_seed: int = 5, split_seed: int = 1, **facts: Any) -> Path:
        keras.utils.set_random_seed(seed)
        recipe = replace(tiny_recipe, seed=training_seed, split_seed=split_seed)
        facts = facts or {
            "calibration": {"slope": 2.0, "intercept": 0.1},
            "operating_points": [POINT],
        }
        path = folder / f"{seed}-{training_seed}.safetensors"
        save_weights(path, weights_of(build(recipe.network, keras), recipe, facts))
        return path

    return write


def report(*arguments: object) -> Result:
    return CliRunner().invoke(
        cli, ["report", "--resamples", "10", *(str(argument) for argument in arguments)]
    )


@pytest.fixture(scope="module")
def written(
    save: Save, chest_xray: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A report on two networks, the second with two seeds, on the test folder."""
    out = tmp_path_factory.mktemp("report")
    done = report(
        "--weights", f"first={save(1)}", "--weights", f"o<b>ther={save(2)}",
        "--weights", f"o<b>ther={save(3, 6)}", "--data", chest_xray, "--split", "test",
        "--out", out, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    result: dict[str, Any] = json.loads((out / "report.json").read_text())
    assert json.loads(done.stdout) == result
    return out, result


def test_every_network_is_scored_as_evaluate_scores_it(
    written: tuple[Path, dict[str, Any]], chest_xray: Path
) -> None:
    _, result = written
    assert [len(n["runs"]) for n in result["networks"].values()] == [1, 2]
    for network in result["networks"].values():
        for run in network["runs"]:
            weights = load_weights(Path(run["weights"]))
            expected, scores = assess(weights, chest_xray, "test")
            found = dict(zip(result["files"], run["scores"], strict=True))
            assert found == pytest.approx(scores, abs=1e-6)
            assert run["evaluation"]["confusion"] == expected["confusion"]
            assert run["weights_sha256"] == weights.sha256
    seeds = [run["training_seed"] for run in result["networks"]["o<b>ther"]["runs"]]
    assert seeds == [5, 6]
    assert (result["images"], result["positives"]) == (32, 16)


def test_every_other_run_is_compared_with_the_first(written: tuple[Path, dict[str, Any]]) -> None:
    _, result = written
    pairs = [(p["first"]["name"], p["second"]["training_seed"]) for p in result["comparisons"]]
    assert pairs == [("first", 5), ("first", 6)]
    aucs = [
        run["evaluation"]["figures"]["auc"]["value"]
        for network in result["networks"].values()
        for run in network["runs"]
    ]
    differences = [pair["delong"]["difference"]["value"] for pair in result["comparisons"]]
    assert differences == pytest.approx([aucs[1] - aucs[0], aucs[2] - aucs[0]])
    auc = result["networks"]["o<b>ther"]["over_seeds"]["auc"]
    assert auc["mean"] == pytest.approx(np.mean(aucs[1:]))


def test_page_loads_nothing_and_escapes_names(written: tuple[Path, dict[str, Any]]) -> None:
    out, _ = written
    page = (out / "report.html").read_text()
    addresses = Addresses(page)
    assert len(addresses.loaded) == 4 + 4 * 2  # curves, recall, audit; four pictures a network
    assert all(a.startswith("data:image/svg+xml;base64,") for a in addresses.loaded)
    assert not re.search(r"url\(|@import|<script|<link", page)
    assert "<b>" not in page and "o<b>ther" in addresses.text


def test_page_says_where_its_figures_come_from(written: tuple[Path, dict[str, Any]]) -> None:
    out, result = written
    page = (out / "report.html").read_text()
    text = " ".join(Addresses(page).text.split())
    figures = page.count("</figure>")
    assert text.count(result["command"]) == figures + 1
    assert text.count("Data: Guangzhou, official test folder, 32 images, 16 positive") == figures
    assert "first 5 at 0.5000" in text and "chosen on films of validation" in text
    assert result["environment"]["processor"] in text
    assert text.count("Screening aid. Not a diagnosis. A clinician decides.") == 2
    assert text.count("published figures not at hand") == len(RIVALS)
    assert all(f"{value:.3f}" in text for value in PAPER.values())
    assert "Nothing was chosen on the images of this report" in text
    assert "do not compare" not in text
    for network in result["networks"].values():
        for run in network["runs"]:
            auc = run["evaluation"]["figures"]["auc"]
            assert f"{auc['value']:.3f}{auc['low']:.3f}–{auc['high']:.3f}" in text


def test_near_duplicates_of_this_and_of_the_training_folder_are_left_out(
    save: Save, tmp_path: Path
) -> None:
    # Noise looks like no other noise, but for two copies: one within, one from the training folder.
    rng = np.random.default_rng(0)
    for folder in ("train", "test"):
        for label in ("NORMAL", "PNEUMONIA"):
            for i in range(6):
                path = tmp_path / folder / label / f"person{i}_virus_1.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), rng.integers(0, 255, (64, 64), np.uint8))
    test = tmp_path / "test"
    shutil.copy(tmp_path / "train/NORMAL/person3_virus_1.png", test / "NORMAL/person2_virus_1.png")
    copied = test / "PNEUMONIA/person0_virus_1.png"
    shutil.copy(copied, test / "PNEUMONIA/person5_virus_1.png")
    out = tmp_path / "out"
    done = report(
        "--weights", f"a={save(1)}", "--data", tmp_path, "--split", "test", "--no-audit",
        "--out", out,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    result = json.loads((out / "report.json").read_text())
    left_out = ["NORMAL/person2_virus_1.png", "PNEUMONIA/person5_virus_1.png"]
    assert result["near_duplicates"] == left_out
    assert result["networks"]["a"]["runs"][0]["without_near_duplicates"]["images"] == 10
    text = " ".join(Addresses((out / "report.html").read_text()).text.split())
    assert "With and without the 2 films" in text


def test_first_run_of_each_network_is_audited(written: tuple[Path, dict[str, Any]]) -> None:
    out, result = written
    audited = [["audit" in r for r in n["runs"]] for n in result["networks"].values()]
    assert audited == [[True], [True, False]]
    text = " ".join(Addresses((out / "report.html").read_text()).text.split())
    for network in result["networks"].values():
        found = network["runs"][0]["audit"]
        assert found["images"] == 32
        shifted = found["changes"]["lungs masked"]["auc"]
        assert f"lungs masked{shifted['value']:.3f}{shifted['low']:.3f}–" in text
        for shortcut in found["shortcuts"].values():
            assert shortcut["auc"] is None or f"{shortcut['auc']['value']:.3f}" in text
        for region in found["attention"]["regions"].values():
            assert f"{region['area']:.3f}" in text


def test_other_hospital_is_shown_where_it_was_measured(
    written: tuple[Path, dict[str, Any]],
) -> None:
    _, result = written
    assert "Another hospital" not in render(result)
    views = {
        view: {"images": 40, "positives": 9, "auc": {"value": 0.7, "low": 0.6, "high": 0.8}}
        for view in ("all", "PA")
    }
    adults = {**views, "AP": {"images": 3, "positives": 0, "auc": None}, "data": "adults elsewhere"}
    changed = json.loads(json.dumps(result))
    for network in changed["networks"].values():
        for run in network["runs"]:
            run["adults"] = adults
    text = " ".join(Addresses(render(changed)).text.split())
    assert "Data: adults elsewhere, 40 images, 9 positive" in text
    assert "0.7000.600–0.800" in text and "one label only" in text


def test_viral_against_bacterial_is_shown_where_a_network_has_that_output(
    written: tuple[Path, dict[str, Any]],
) -> None:
    _, result = written
    assert "Kermany" not in render(result)
    changed = json.loads(json.dumps(result))
    auc = {"value": 0.87, "low": 0.81, "high": 0.92}
    changed["networks"]["first"]["runs"][0]["viral"] = {
        "images": 16, "viral": 8, "auc": auc, "published": 0.94,
    }  # fmt: skip
    text = " ".join(Addresses(render(changed)).text.split())
    assert "16 images, 8 positive. Training seed: first 5." in text
    assert "0.8700.810–0.920" in text and "0.940" in text


def test_the_command_in_the_report_makes_the_report(
    save: Save, chest_xray: Path, tmp_path: Path
) -> None:
    done = report(
        "--weights", f"a b={save(1)}", "--data", chest_xray, "--split", "validation",
        "--no-audit", "--out", tmp_path,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "a b" in done.stdout and str(tmp_path / "report.html") in done.stdout
    first = json.loads((tmp_path / "report.json").read_text())
    program, *arguments = shlex.split(first["command"])
    assert program == "pneumokiosk-train"
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    again = json.loads((tmp_path / "report.json").read_text())
    first.pop("environment"), again.pop("environment")
    assert again == first
    text = Addresses((tmp_path / "report.html").read_text()).text
    assert "do not compare" in text and "flatter" in text
    assert "Against each other" not in text and "Shortcuts" not in text


def test_refusals_come_before_anything_is_written(
    save: Save, chest_xray: Path, tmp_path: Path
) -> None:
    good = save(1)
    untrained = save(4, 5, trained_on="nothing")
    cases = {
        "untrained_weights": ("--weights", f"a={good}", "--weights", f"b={untrained}"),
        "unnamed_weights": ("--weights", good),
        "missing_weights": ("--weights", "a=nowhere.safetensors"),
        "other_patients": ("--weights", f"a={good}", "--weights", f"a={save(3, split_seed=6)}"),
    }
    for code, weights in cases.items():
        done = report(*weights, "--data", chest_xray, "--out", tmp_path / "out")
        assert done.exit_code == 2, code
        assert f"({code})" in done.output
    assert not (tmp_path / "out").exists()
