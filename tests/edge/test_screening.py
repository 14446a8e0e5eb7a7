"""One image becomes one screening."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import edge
from edge.artifact import Artifact, OperatingPoint
from edge.phantom import draw_phantom, phantom_png
from edge.quality import SENTENCES, Gates
from edge.screening import OUTCOMES, Screener

REFERENCE = ("kermany", "chest_xray", "train")


def test_a_screening_says_all_that_is_known(screener: Screener, png: bytes) -> None:
    screening = screener.screen(png)
    assert screening.outcome in OUTCOMES
    assert screening.score is not None
    assert 0 <= screening.score <= 1
    assert screening.attention is not None
    assert screening.attention.min() >= 0
    assert screening.attention.max() in (0, 1)
    assert screening.attention.shape == screener.manifest.attention_shape
    assert all(ms >= 0 for ms in screening.timings_ms.values())
    document = json.loads(json.dumps(screening.to_dict()))
    assert document["notice"] == edge.STANDING_SENTENCE
    assert document["model"]["sha256"] == screener.model_identity["sha256"]
    assert set(document["timings_ms"]) == {"decode", "preprocess", "inference", "total"}


def test_every_variant_screens(artifact: Artifact, png: bytes) -> None:
    for variant in artifact.manifest.variants:
        screening = Screener(artifact, variant).screen(png)
        assert screening.score is not None
        assert screening.model["variant"] == variant


@pytest.mark.parametrize(
    ("uncertain", "refer", "outcome"),
    [(0.0, 0.0, "refer"), (0.0, 1.0, "uncertain"), (1.0, 1.0, "below_threshold")],
)
def test_the_thresholds_make_the_outcome(
    artifact: Artifact, png: bytes, uncertain: float, refer: float, outcome: str
) -> None:
    points = (
        OperatingPoint("uncertain", uncertain, "for this test", "none"),
        OperatingPoint("refer", refer, "for this test", "none"),
    )
    manifest = replace(artifact.manifest, operating_points=points)
    assert Screener(replace(artifact, manifest=manifest)).screen(png).outcome == outcome


def test_calibration_moves_the_score_and_keeps_the_order(artifact: Artifact) -> None:
    images = [phantom_png(seed, side=256, opacities=seed) for seed in range(4)]
    plain, moved = (
        Screener(
            replace(
                artifact,
                manifest=replace(artifact.manifest, calibration={"slope": s, "intercept": i}),
            )
        )
        for s, i in ((0.1, 0.0), (0.05, 0.5))
    )
    before = [plain.screen(image).score for image in images]
    after = [moved.screen(image).score for image in images]
    assert np.array_equal(np.argsort(before), np.argsort(after))  # type: ignore[arg-type]
    assert before != after


def test_the_same_file_gives_the_same_answer(screener: Screener, png: bytes) -> None:
    first, second = screener.screen(png), screener.screen(png)
    assert first.score == second.score
    assert first.id != second.id


def test_what_cannot_be_screened_comes_out_refused(screener: Screener) -> None:
    screening = screener.screen(b"not an image")
    assert screening.outcome == "refused"
    assert screening.score is None
    assert screening.attention is None
    assert screening.reasons[0][0] == "unsupported_format"
    assert json.loads(json.dumps(screening.to_dict()))["score"] is None


@pytest.fixture(scope="module")
def gated(artifact: Artifact, gates: Gates) -> Artifact:
    return replace(artifact, manifest=replace(artifact.manifest, gates=gates))


@pytest.fixture(scope="module")
def ungated(artifact: Artifact) -> Artifact:
    return replace(artifact, manifest=replace(artifact.manifest, gates=None))


def _png(pixels: np.ndarray) -> bytes:
    _, data = cv2.imencode(".png", np.ascontiguousarray(pixels))
    return data.tobytes()


def test_what_the_gates_refuse_has_no_score_but_can_be_shown(gated: Artifact) -> None:
    film = draw_phantom(side=256)
    screening = Screener(gated).screen(_png(255 - film))
    assert screening.outcome == "refused"
    assert screening.score is None and screening.attention is None
    assert screening.reasons == (("inverted", SENTENCES["inverted"]),)
    assert screening.radiograph is not None
    assert (screening.radiograph.pixels == 255 - film).all()
    assert screening.timings_ms["inference"] == 0 < screening.timings_ms["total"]
    assert json.loads(json.dumps(screening.to_dict()))["reasons"][0]["code"] == "inverted"


def test_a_picture_in_colour_is_refused(gated: Artifact) -> None:
    picture = cv2.applyColorMap(draw_phantom(side=256), cv2.COLORMAP_JET)
    assert Screener(gated).screen(_png(picture)).reasons[0][0] == "coloured"


def test_what_the_gates_pass_is_screened_as_without_them(
    gated: Artifact, ungated: Artifact, png: bytes
) -> None:
    passed = Screener(gated).screen(png)
    assert passed.score == Screener(ungated).screen(png).score
    assert passed.reasons == ()


def test_a_warning_stands_beside_the_score(gated: Artifact) -> None:
    small = cv2.resize(draw_phantom(side=512), (110, 110), interpolation=cv2.INTER_AREA)
    screening = Screener(gated).screen(_png(small))
    assert screening.score is not None
    assert [code for code, _ in screening.reasons] == ["too_small"]


@pytest.mark.parametrize(("action", "outcome"), [("warn", False), ("refuse", True)])
def test_an_age_outside_the_trained_range_warns_or_refuses_as_set(
    gated: Artifact, png: bytes, action: str, outcome: bool
) -> None:
    screener = Screener(gated, actions={"age_out_of_range": action})
    screening = screener.screen(png, age_months=200)
    assert [code for code, _ in screening.reasons] == ["age_out_of_range"]
    assert (screening.outcome == "refused") == outcome
    assert screener.screen(png, age_months=30).reasons == ()


def test_the_age_in_the_file_counts_where_none_is_given(
    gated: Artifact, dicom: Callable[..., bytes]
) -> None:
    data = dicom(draw_phantom(side=256), PatientAge="040Y")
    screener = Screener(gated)
    assert [code for code, _ in screener.screen(data).reasons] == ["age_out_of_range"]
    assert screener.screen(data, age_months=30).reasons == ()


def test_without_gates_nothing_is_refused_by_its_looks(ungated: Artifact) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8)
    assert Screener(ungated).screen(_png(noise)).score is not None


def test_unknown_actions_are_refused(gated: Artifact) -> None:
    with pytest.raises(ValueError, match="gate"):
        Screener(gated, actions={"beauty": "warn"})


def test_a_model_that_gives_no_number_refers_nobody(artifact: Artifact, png: bytes) -> None:
    class Broken(Screener):
        def __init__(self) -> None:
            super().__init__(artifact)
            model, predict = self._model, self._model.predict
            model.predict = lambda image: replace(  # type: ignore[method-assign]
                predict(image), margin=float("nan")
            )

    screening = Broken().screen(png)
    assert screening.outcome == "refused"
    assert screening.reasons[0][0] == "model_failed"


def test_threads_do_not_mix_their_answers(screener: Screener) -> None:
    images = [phantom_png(seed, side=128) for seed in range(4)]
    expected = [screener.screen(image).score for image in images]
    seen: list[list[float | None]] = [[] for _ in images]

    def work(i: int) -> None:
        seen[i].extend(screener.screen(images[i]).score for _ in range(5))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[score] * 5 for score in expected]


def test_depth_and_format_hardly_matter(screener: Screener, png: bytes) -> None:
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    _, deep = cv2.imencode(".png", pixels.astype(np.uint16) * 257)
    plain, deeper = screener.screen(png).score, screener.screen(deep.tobytes()).score
    assert plain is not None and deeper is not None
    assert deeper == pytest.approx(plain, abs=0.02)


def test_the_kiosk_runs_where_the_workstation_is_not_installed(png: bytes, tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(png)
    program = """
import sys
from importlib.abc import MetaPathFinder

ABSENT = {"tensorflow", "keras", "tf_keras", "train", "optimize", "bench"}

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"{name} is not installed at the clinic")

sys.meta_path.insert(0, Absent())
import edge.web.server
from edge.cli import cli
cli(["screen", "--json", sys.argv[1]])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] in OUTCOMES


def test_full_size_films_agree_with_their_small_copies(data_root: Path, screener: Screener) -> None:
    paths = sorted((data_root / "fullsize" / "train").glob("*/*.jpeg"))
    assert len(paths) == 20
    changes, changed_outcomes = [], 0
    for path in paths:
        full = screener.screen(path.read_bytes())
        copy = screener.screen(
            data_root.joinpath(*REFERENCE, path.parent.name, path.name).read_bytes()
        )
        assert full.score is not None and copy.score is not None
        changes.append(abs(full.score - copy.score))
        changed_outcomes += full.outcome != copy.outcome
    assert float(np.median(changes)) <= 0.02
    assert changed_outcomes <= 1
