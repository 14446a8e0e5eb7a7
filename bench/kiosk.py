"""The running kiosk, as a clinic would start it: how soon, how fast, with how much memory.

All traffic stays on this machine's loopback address.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from tqdm import tqdm

from edge.artifact import load_artifact
from edge.errors import WorkFailed
from edge.phantom import draw_phantom
from edge.screening import Screener

HOST = "127.0.0.1"
START_LIMIT_S = 60.0
SETTLED = 100
"""Screenings after which memory should no longer grow."""


@dataclass(frozen=True)
class KioskFigures:
    """What was measured.

    Attributes:
        ready_s: seconds from the command to the first "ready", each start.
        inside_ms: bytes to outcome and attention map inside one process, each image.
        request_ms: request to answer over HTTP, each image.
        resident_mib: memory after start, after `SETTLED` screenings and after all of them.
        image: what was screened, in words.
    """

    ready_s: list[float]
    inside_ms: list[float]
    request_ms: list[float]
    resident_mib: list[float]
    image: str

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values."""
        return asdict(self)

    def rows(self) -> list[tuple[str, str]]:
        """Name and value, as they stand in a table."""
        inside, request = np.array(self.inside_ms), np.array(self.request_ms)
        start, settled, end = self.resident_mib
        return [
            ("image", self.image),
            ("ready after", f"{np.median(self.ready_s):.2f} s (median of {len(self.ready_s)})"),
            ("bytes to outcome and map", _milliseconds(inside)),
            ("request to answer", _milliseconds(request)),
            ("resident memory at start", f"{start:.0f} MiB"),
            (f"resident memory after {SETTLED} screenings", f"{settled:.0f} MiB"),
            (f"resident memory after {len(request)} screenings", f"{end:.0f} MiB"),
        ]


def measure_kiosk(
    image: Path | None, screenings: int, starts: int = 3, threads: int = 2, progress: bool = True
) -> KioskFigures:
    """Start the kiosk a few times, screen one image many times.

    Args:
        image: a JPEG or PNG file; None draws a phantom as a JPEG of 2000 x 1700 pixels.
        screenings: how many, at least `SETTLED`.
        starts: how often to start the kiosk.
        threads: processor threads that a prediction may use.
        progress: show a progress bar.

    Raises:
        WorkFailed: ``kiosk_failed``: it did not become ready or did not answer 201.
    """
    data = image.read_bytes() if image else _full_size_jpeg()
    name = image.name if image else "synthetic phantom, JPEG of 2000 x 1700 pixels"
    ready = []
    for _ in range(starts):
        with _running(threads) as (_, _, seconds):
            ready.append(seconds)
    inside = _time_inside(data, threads, screenings)
    request, resident = [], []
    with _running(threads) as (process, port, _):
        server = psutil.Process(process.pid)
        resident.append(_resident(server))
        for i in tqdm(range(screenings), "screening", disable=not progress):
            started = time.perf_counter()
            _post(port, data)
            request.append((time.perf_counter() - started) * 1000)
            if i + 1 in (SETTLED, screenings):
                resident.append(_resident(server))
    return KioskFigures(ready, inside, request, resident, f"{name}, {len(data):,} bytes")


def _time_inside(data: bytes, threads: int, runs: int, warmup: int = 5) -> list[float]:
    screener = Screener(load_artifact(), threads=threads)
    times = []
    for _ in range(runs + warmup):
        started = time.perf_counter()
        screener.screen(data)
        times.append((time.perf_counter() - started) * 1000)
    return times[warmup:]


@contextmanager
def _running(threads: int) -> Iterator[tuple[subprocess.Popen[bytes], int, float]]:
    """A kiosk in a process of its own: (process, port, seconds until it was ready)."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "edge", "serve", "--port", str(port)]
        command += ["--data-dir", folder, "--threads", str(threads)]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield process, port, _wait_until_ready(process, port, started)
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, started: float) -> float:
    while time.perf_counter() - started < START_LIMIT_S and process.poll() is None:
        try:
            if _request(port, "GET", "/healthz")[0] == 200:
                return time.perf_counter() - started
        except OSError:  # not listening yet
            pass
        time.sleep(0.01)
    raise WorkFailed("kiosk_failed", f"The kiosk was not ready within {START_LIMIT_S:.0f} s.")


def _post(port: int, data: bytes) -> None:
    boundary = uuid.uuid4().hex
    head = (
        f"--{boundary}\r\nContent-Disposition: form-data; name=image; filename=image\r\n"
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    status, answer = _request(port, "POST", "/api/screenings", body, {"Content-Type": kind})
    if status != 201 or json.loads(answer)["score"] is None:
        raise WorkFailed("kiosk_failed", f"The kiosk answered {status}.")


def _request(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def _full_size_jpeg() -> bytes:
    drawn = cv2.resize(draw_phantom(0, 2000), (2000, 1700), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return data.tobytes()


def _milliseconds(values: Any) -> str:
    p50, p90, p99 = np.percentile(values, [50, 90, 99])
    return f"{p50:.1f} ms median, {p90:.1f} ms p90, {p99:.1f} ms p99"
