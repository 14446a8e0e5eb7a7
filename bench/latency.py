"""How long one image takes: everything that a run of ``latency`` measures, sample by sample."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from bench.backends.base import Backend, NotAvailable
from bench.backends.choice import REFERENCE, Chosen
from bench.fresh import cold_start
from bench.gemm import measure_gemm
from bench.machine import usable_cores
from bench.offline import throughput, ways_to_use
from bench.remote import remote
from bench.samples import Recorder
from bench.stages import Stages, full_size_files
from bench.stream import WARM_UP_RULE, Stream
from edge.errors import WorkFailed

MLPERF_QUERIES, MLPERF_SECONDS = 1024, 600.0
"""Least count and duration of a single stream in MLPerf inference (its ``mlperf.conf``)."""
OFFLINE_RUNTIMES = ("litert", "onnxruntime", "openvino")


@dataclass(frozen=True)
class Settings:
    """How long and how often a run measures.

    Attributes:
        threads: processor threads of one prediction, each number in a stream of its own.
        rounds: least number of turns of every backend in a stream.
        seconds: least duration of a stream.
        cold_starts: fresh processes of each backend.
        stage_rounds: screenings of each artifact and file, stage by stage.
        throughput_seconds: that all cores predict, for each backend and way to use them.
        gemm_seconds: of each product of matrices.
        seed: of the order within the rounds, and of the bootstrap.
    """

    threads: tuple[int, ...] = (1, 2, 4)
    rounds: int = MLPERF_QUERIES
    seconds: float = MLPERF_SECONDS
    cold_starts: int = 3
    stage_rounds: int = 50
    throughput_seconds: float = 5.0
    gemm_seconds: float = 1.0
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """What was asked for, and by which rules that is measured."""
        return {**asdict(self), "warm_up": WARM_UP_RULE, "as_mlperf": self.as_mlperf}

    @property
    def as_mlperf(self) -> str:
        """Whether count and duration are those of MLPerf, in words."""
        rule = f"{MLPERF_QUERIES} queries and {MLPERF_SECONDS:.0f} s"
        if self.rounds >= MLPERF_QUERIES and self.seconds >= MLPERF_SECONDS:
            return f"at least {rule}, as in MLPerf single stream, shared by the backends in turn"
        return (
            f"a look, not a measurement: {self.rounds} queries and {self.seconds:.0f} s at least, "
            f"where MLPerf single stream asks for {rule}"
        )


QUICK = Settings(
    threads=(2,),
    rounds=20,
    seconds=0.0,
    cold_starts=1,
    stage_rounds=5,
    throughput_seconds=1.0,
    gemm_seconds=0.3,
)


class Streaming(Protocol):
    """A `bench.stream.Stream` in another process, as `bench.remote.Remote` calls it."""

    def call(self, method: str, *arguments: Any) -> Any:
        """Call one of its methods."""
        ...


def measure_latency(
    recorder: Recorder,
    chosen: Chosen,
    folders: Mapping[str, Path],
    settings: Settings,
    progress: bool = True,
) -> None:
    """Measure everything; each sample is written as soon as it is there.

    Args:
        recorder: takes the samples.
        chosen: backends, and those that are missing.
        folders: of the artifacts, by name, for the stages of a screening.
        settings: how long and how often.
        progress: show progress bars.
    """
    for backend in chosen.backends:
        recorder.add("backend", **describe_backend(backend))
    for missing in chosen.missing:
        recorder.add("not_available", backend=missing.name, why=missing.why)
    _gemm(recorder, settings, "before")
    ready = _cold_starts(recorder, chosen.backends, settings, progress)
    for threads in settings.threads:
        with remote(Stream, threads) as stream:
            run_stream(recorder, stream, ready, threads, settings, progress)
    _stages(recorder, folders, settings, progress)
    _throughput(recorder, ready, settings, progress)
    _gemm(recorder, settings, "after")


def describe_backend(backend: Backend) -> dict[str, Any]:
    """What stands about a backend in its sample."""
    return {
        "backend": backend.name,
        "network": backend.network,
        "runtime": backend.runtime,
        "version": backend.version,
        "size_bytes": backend.size_bytes,
        "sha256": backend.sha256,
        "input_size": backend.input_size,
    }


def run_stream(
    recorder: Recorder,
    stream: Streaming,
    backends: Sequence[Backend],
    threads: int,
    settings: Settings,
    progress: bool = True,
) -> None:
    """Load and warm every backend, then let all take turns in an order shuffled anew each round."""
    names = []
    for backend in tqdm(backends, f"warm-up, {threads} thread(s)", disable=not progress):
        place = {"backend": backend.name, "threads": threads}
        try:
            stream.call("load", backend)
            recorder.add("warm_up", **place, **stream.call("warm_up", backend.name))
            names.append(backend.name)
        except Exception as error:  # as in `bench.fresh.cold_start`
            recorder.add("not_available", **place, why=str(error) or type(error).__name__)
    if not names:
        return
    rng = np.random.default_rng([settings.seed, threads])
    started, number = time.monotonic(), 0
    with tqdm(total=settings.rounds, desc=f"{threads} thread(s)", disable=not progress) as bar:
        while number < settings.rounds or time.monotonic() - started < settings.seconds:
            order = [names[i] for i in rng.permutation(len(names))]
            for sample in stream.call("round", number, order):
                recorder.add("predict", threads=threads, round=number, **sample)
            number += 1
            bar.update()


def _gemm(recorder: Recorder, settings: Settings, when: str) -> None:
    for threads in settings.threads:
        for library, gflops in measure_gemm(threads, settings.gemm_seconds).items():
            recorder.add("gemm", threads=threads, library=library, when=when, gflops=gflops)


def _cold_starts(
    recorder: Recorder, backends: Sequence[Backend], settings: Settings, progress: bool
) -> list[Backend]:
    """Those that predict in a fresh process; why the others do not is recorded."""
    threads = cold_threads(settings.threads)
    ready = []
    for backend in tqdm(backends, "cold start", disable=not progress):
        try:
            for i in range(settings.cold_starts):
                found = cold_start(backend, threads)
                peak = found.pop("peak_mib")
                place = {"backend": backend.name, "threads": threads, "round": i}
                recorder.add("cold_start", **place, **found)
                recorder.add("peak_rss", **place, mib=peak)
            ready.append(backend)
        except NotAvailable as reason:
            recorder.add("not_available", backend=backend.name, why=reason.message)
    return ready


def cold_threads(threads: Sequence[int]) -> int:
    """The largest number of threads that has a core for each, or the smallest there is."""
    return max((n for n in threads if n <= usable_cores()), default=min(threads))


def _stages(
    recorder: Recorder, folders: Mapping[str, Path], settings: Settings, progress: bool
) -> None:
    files = full_size_files()
    turns = [(name, file) for name in folders for file in files]
    rng = np.random.default_rng(settings.seed)
    for threads in settings.threads:
        with remote(Stages, folders, files, threads) as stages:
            for i in tqdm(range(settings.stage_rounds), "stages", disable=not progress):
                for name, file in (turns[k] for k in rng.permutation(len(turns))):
                    place = {"artifact": name, "file": file, "threads": threads, "round": i}
                    try:
                        found = stages.call("measure", name, file)
                    except WorkFailed as refusal:
                        place = {"backend": f"{name}, {file}", "threads": threads}
                        recorder.add("not_available", **place, why=refusal.message)
                        turns = [turn for turn in turns if turn != (name, file)]
                        break
                    recorder.add("stage", **place, **found)


def _throughput(
    recorder: Recorder, backends: Sequence[Backend], settings: Settings, progress: bool
) -> None:
    wanted = [b for b in backends if b.runtime in OFFLINE_RUNTIMES or b.name == REFERENCE]
    for backend in tqdm(wanted, "throughput", disable=not progress):
        for processes, threads in ways_to_use(usable_cores()):
            place = {"backend": backend.name, "processes": processes, "threads": threads}
            try:
                found = throughput(backend, processes, threads, settings.throughput_seconds)
            except NotAvailable as reason:
                recorder.add("not_available", **place, why=reason.message)
                continue
            for i, each in enumerate(found):
                recorder.add("throughput", **place, process=i, **each)
