"""Two runs side by side: what became slower, wrong or lost its limit is caught."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from click.testing import CliRunner, Result

from bench.backends import LiteRTBackend, NullBackend
from bench.backends.base import Backend, Image, ModelFile, Predict
from bench.backends.choice import REFERENCE
from bench.cli import cli
from bench.latency import Settings, run_stream
from bench.samples import Line, read_samples, recording
from bench.stream import Stream
from edge.artifact import DEFAULT_ARTIFACT, MANIFEST, load_artifact
from edge.phantom import phantom_png

SLIM = DEFAULT_ARTIFACT.with_name("slim")


def compare(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["compare", *map(str, arguments)])


def regressions(*arguments: object) -> list[dict[str, Any]]:
    done = compare(*arguments, "--json")
    found = json.loads(done.stdout)
    rows: list[dict[str, Any]] = [row for row in found["rows"] if row["regressed"]]
    assert found["regressed"] == bool(rows) == bool(done.exit_code)
    return rows


@dataclass(frozen=True)
class Slowed(LiteRTBackend):
    """The same file, and a nap before every answer."""

    nap: float = 0.02

    def load(self, threads: int) -> Predict:
        predict = super().load(threads)

        def slowly(image: Image) -> Any:
            time.sleep(self.nap)
            return predict(image)

        return slowly


@dataclass
class Here:
    """A stream in this process."""

    stream: Stream

    def call(self, method: str, *arguments: Any) -> Any:
        return getattr(self.stream, method)(*arguments)


def timed(folder: Path, kind: type[LiteRTBackend]) -> Path:
    """A real run of ``latency`` with slim in int8, by this kind of backend."""
    manifest = load_artifact(SLIM).manifest
    file = ModelFile.of(SLIM / manifest.variants["int8"])
    backends: list[Backend] = [NullBackend(), kind("slim", "int8", file, manifest.input.size)]
    with recording(folder / "latency.jsonl", "latency", {}, {"quick": True}) as recorder:
        settings = Settings(rounds=30, seconds=0.0)
        run_stream(recorder, Here(Stream(1)), backends, 1, settings, progress=False)
    return folder


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return timed(tmp_path_factory.mktemp("usual"), LiteRTBackend)


def test_a_slowed_backend_is_caught(usual: Path, tmp_path: Path) -> None:
    slowed = timed(tmp_path / "slowed", Slowed)
    (row,) = regressions(usual, slowed)
    assert (row["what"], row["measure"]) == ("slim, LiteRT int8, 1 thread(s)", "time")
    assert regressions(usual, slowed, "--slower", 1000) == []
    assert regressions(slowed, usual) == []


def test_a_run_is_no_worse_than_itself(usual: Path, tmp_path: Path) -> None:
    done = compare(usual, usual, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "Nothing regressed." in done.output
    assert json.loads((tmp_path / "compare.json").read_text())["regressed"] is False
    assert (tmp_path / "compare.md").read_text() == done.stdout


def rewritten(folder: Path, lines: list[Line]) -> Path:
    folder.mkdir()
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "latency.jsonl").write_text(text)
    return folder


def test_a_slower_day_is_no_slower_backend(usual: Path, tmp_path: Path) -> None:
    """Where both runs timed the full network, everything is measured by it."""
    lines = read_samples(usual / "latency.jsonl")
    full = [
        {**line, "backend": REFERENCE, "ms": 100 + line["ms"]}
        for line in lines
        if line.get("backend") == "slim, LiteRT int8" and line["sample"] == "predict"
    ]
    first = rewritten(tmp_path / "first", [*lines, *full])
    slower = [{**line, "ms": 3 * line["ms"]} if "ms" in line else line for line in [*lines, *full]]
    assert regressions(first, rewritten(tmp_path / "slower", slower)) == []
    without = rewritten(tmp_path / "without", slower[: len(lines)])
    assert {row["measure"] for row in regressions(first, without)} == {"measured", "time"}


def test_a_changed_answer_of_a_timed_backend_is_caught(usual: Path, tmp_path: Path) -> None:
    lines = read_samples(usual / "latency.jsonl")
    other = [{**n, "margin": n["margin"] + 0.2} if n.get("margin") else n for n in lines]
    moved = rewritten(tmp_path / "moved", other)
    assert {row["measure"] for row in regressions(usual, moved)} == {"answer"}
    assert regressions(usual, moved, "--answer", 0.3) == []


def test_what_is_missing_afterwards_is_a_regression(usual: Path, tmp_path: Path) -> None:
    lines = read_samples(usual / "latency.jsonl")
    less = [line for line in lines if line.get("backend") != "slim, LiteRT int8"]
    (row,) = regressions(usual, rewritten(tmp_path / "less", less))
    assert row["change"] == "missing"


def screened(out: Path, artifact: Path, data: Path) -> Path:
    """A real run of ``accuracy``."""
    arguments = ["accuracy", "--no-full", "--artifact", artifact, "--data", data, "--out", out]
    done = CliRunner().invoke(cli, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    return out


def large_weights(content: bytes) -> Iterator[bytes]:
    """The bytes of every tensor of int8 weights that can be told from the others."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for tensor in interpreter.get_tensor_details():
        with contextlib.suppress(ValueError):  # those that the delegate keeps hold no data
            stored: bytes = interpreter.get_tensor(tensor["index"]).tobytes()
            if tensor["dtype"] == np.int8 and len(stored) > 1000 and content.count(stored) == 1:
                yield stored


def broken(folder: Path) -> Path:
    """Slim with the int8 weights of its large layers reversed, and every hash set right again."""
    shutil.copytree(SLIM, folder)
    manifest = load_artifact(folder).manifest
    name = manifest.variants["int8"]
    content = (folder / name).read_bytes()
    for weights in list(large_weights(content)):
        content = content.replace(weights, weights[::-1])
    (folder / name).write_bytes(content)
    record = replace(manifest.files[name], sha256=hashlib.sha256(content).hexdigest())
    manifest = replace(manifest, files={**manifest.files, name: record})
    (folder / MANIFEST).write_text(manifest.to_json())
    return folder


def test_a_broken_artifact_is_caught(tmp_path: Path) -> None:
    data = tmp_path / "hospital"
    for name, opacities in (("NORMAL", 0), ("PNEUMONIA", 6)):
        folder = data / "test" / name
        folder.mkdir(parents=True)
        for i in range(6):
            (folder / f"{name}-{i}.png").write_bytes(phantom_png(i, 256, opacities))
    whole = screened(tmp_path / "whole", SLIM, data)
    worse = screened(tmp_path / "worse", broken(tmp_path / "broken"), data)
    found = {(row["what"], row["measure"]) for row in regressions(whole, worse)}
    assert ("slim, LiteRT int8", "scores") in found
    assert not any("fp32" in what for what, _ in found)
    assert regressions(whole, whole) == []


def test_a_limit_of_the_kiosk_that_is_no_longer_met(tmp_path: Path) -> None:
    for name, refused in (("before", True), ("after", False)):
        settings = {"checks": ["flipped-bits"], "quick": True, "films_are": "", "artifact": ""}
        with recording(tmp_path / name / "kiosk.jsonl", "kiosk", {}, settings) as recorder:
            status = 503 if refused else 201
            recorder.add("flipped-bits", file="a", healthy=not refused, status=status)
            recorder.add("finished", check="flipped-bits")
    (row,) = regressions(tmp_path / "before", tmp_path / "after")
    assert (row["measure"], row["change"]) == ("limit", "met, then not met")


@pytest.mark.parametrize(
    ("second", "code"),
    [("kiosk", "nothing_in_common"), ("empty", "no_samples"), ("nowhere", "missing_samples")],
)
def test_what_cannot_be_compared_is_refused(
    usual: Path, tmp_path: Path, second: str, code: str
) -> None:
    (tmp_path / "empty").mkdir()
    settings = {"checks": [], "quick": True, "films_are": "", "artifact": ""}
    with recording(tmp_path / "kiosk" / "kiosk.jsonl", "kiosk", {}, settings):
        pass
    done = compare(usual, tmp_path / second)
    assert done.exit_code == 2
    assert code in done.output
