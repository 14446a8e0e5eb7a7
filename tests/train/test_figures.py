"""The figures show the layers of the network that was named, on the film that was named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge.errors import DataRefused
from edge.phantom import draw_phantom, phantom_png
from edge.preprocess import preprocess
from train.attention import attention_maps, head_of
from train.cli import cli
from train.evaluation import predict_margins
from train.figures import LAYERS, MEANING, NOTICE, PANELS, most_active, read, write_figures
from train.network import build
from train.operating import calibrate
from train.recipe import Recipe
from train.weights import Weights, build_trained, save_weights, weights_of

FACTS: dict[str, Any] = {
    "calibration": {"slope": 2.0, "intercept": 0.3},
    "operating_points": [{"name": "refer", "threshold": 0.4}],
}
FILES = [*(f"{name}.png" for name in LAYERS), "attention.png"]


@pytest.fixture(scope="module")
def weights(tiny_recipe: Recipe) -> Weights:
    keras.utils.set_random_seed(2)
    model = build(tiny_recipe.network, keras)
    return replace(weights_of(model, tiny_recipe, FACTS), sha256="ab" * 32)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.png"
    path.write_bytes(phantom_png(3, 200, 2))
    return path


@pytest.fixture(scope="module")
def drawn(weights: Weights, film: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("drawn") / "new" / "folder"
    return out, write_figures(film, weights, out)


def test_every_figure_is_a_picture_and_nothing_else_is_left(drawn: Any) -> None:
    out, index = drawn
    assert sorted(p.name for p in out.iterdir()) == sorted([*FILES, "figures.json"])
    assert [figure["file"] for figure in index["figures"]] == FILES
    for file in FILES:
        picture = cv2.imread(str(out / file))
        assert picture is not None and min(picture.shape[:2]) > 300
        assert picture.std() > 20


def test_index_says_of_what(drawn: Any, weights: Weights, film: Path) -> None:
    out, index = drawn
    assert json.loads((out / "figures.json").read_text()) == index
    assert index["image"] == film.name
    assert index["weights_sha256"] == weights.sha256
    assert index["notice"] == NOTICE
    margin = predict_margins(build_trained(weights, keras), [draw_phantom(3, 200, 2)],
                             weights.recipe.input)  # fmt: skip
    assert index["score"] == pytest.approx(calibrate(margin, FACTS["calibration"])[0], abs=1e-5)
    assert index["threshold"] == 0.4
    assert MEANING in index["figures"][-1]["shows"]


def test_pictures_carry_the_notice(drawn: Any) -> None:
    """As text in the file as well, so that a picture that is passed on still says it."""
    for file in FILES:
        content = (drawn[0] / file).read_bytes()
        assert NOTICE.encode() in content and MEANING.encode() in content


def test_reading_is_what_the_layers_put_out(weights: Weights) -> None:
    pixels = draw_phantom(5, 150, 1)
    reading = read(pixels, weights)
    model = build_trained(weights, keras)
    inputs = preprocess(pixels, weights.recipe.input)[None]
    for figure, layer in LAYERS.items():
        one = keras.Model(model.input, model.get_layer(layer).output)
        wanted = np.asarray(one.predict_on_batch(inputs))
        np.testing.assert_allclose(reading.maps[figure], wanted[0], atol=1e-5)
    last = reading.maps["last_bottleneck"]
    np.testing.assert_allclose(
        reading.attention, attention_maps(head_of(model), last[None])[0], atol=1e-5
    )


def test_the_most_active_channels_come_first_and_silent_ones_not_at_all() -> None:
    maps = np.zeros((4, 5, 40), np.float32)
    levels = {7: 3.0, 30: 9.0, 2: 5.0}
    for channel, level in levels.items():
        maps[1, 2, channel] = level
    assert most_active(maps) == [30, 2, 7]
    assert len(most_active(maps + 1)) == PANELS
    assert most_active(np.zeros((4, 5, 3), np.float32)) == []


def test_the_film_decides_the_picture(weights: Weights, drawn: Any, tmp_path: Path) -> None:
    other = tmp_path / "film.png"
    other.write_bytes(phantom_png(8, 200, 0))
    write_figures(other, weights, tmp_path / "out")
    for file in FILES:
        assert (tmp_path / "out" / file).read_bytes() != (drawn[0] / file).read_bytes()


@pytest.mark.parametrize("name", ["$x_ film.png", "\u80f8\u90e8.png"])
def test_any_name_depth_and_shape_of_film(weights: Weights, tmp_path: Path, name: str) -> None:
    film = cv2.resize(draw_phantom(1, 200, 1), (400, 80)).astype(np.uint16) << 4
    _, data = cv2.imencode(".png", film)
    (tmp_path / name).write_bytes(data.tobytes())
    assert write_figures(tmp_path / name, weights, tmp_path / "out")["image"] == name


def test_a_silent_network_is_drawn(weights: Weights, film: Path, tmp_path: Path) -> None:
    tensors = {name: np.zeros_like(value) for name, value in weights.tensors.items()}
    index = write_figures(film, replace(weights, tensors=tensors), tmp_path)
    assert all(figure["channels"] == [] for figure in index["figures"][:-1])
    assert (tmp_path / "attention.png").is_file()


def figures(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["figures", *map(str, arguments)])


def test_command_names_what_it_wrote(weights: Weights, film: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "w.safetensors", tmp_path / "out"
    save_weights(path, weights)
    done = figures(film, "--weights", path, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((out / "figures.json").read_text())
    done = figures(film, "--weights", path, "--out", out)
    assert all(str(out / file) in done.output for file in FILES)
    assert NOTICE in done.output and MEANING in done.output


def test_help_has_an_example() -> None:
    assert "Example: pneumokiosk-train figures" in figures("--help").output


def test_refusals_write_nothing(weights: Weights, film: Path, tmp_path: Path) -> None:
    rival = replace(weights, recipe=replace(weights.recipe, architecture="vgg16"))
    notes = tmp_path / "notes.png"
    notes.write_text("not an image")
    for code, image, given in (
        ("unreadable_image", tmp_path / "absent.png", weights),
        ("unreadable_image", notes, weights),
        ("untrained_weights", film, replace(weights, facts={})),
        ("other_architecture", film, rival),
    ):
        with pytest.raises(DataRefused) as refusal:
            write_figures(image, given, tmp_path / "out")
        assert refusal.value.code == code
    with pytest.raises(DataRefused) as refusal:
        write_figures(film, weights, notes)
    assert refusal.value.code == "unwritable_folder"
    done = figures(film, "--weights", tmp_path / "none", "--out", tmp_path / "out")
    assert done.exit_code == 2 and "(missing_weights)" in done.output
    assert not (tmp_path / "out").exists()
