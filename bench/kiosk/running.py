"""A kiosk in a process of its own, and what a client sends to it and sees of it.

All traffic stays on this machine's loopback address.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import psutil

from edge.errors import WorkFailed

START_LIMIT_S = 60.0
PATIENCE_S = 60.0
"""For one answer; the limits that are checked are shorter."""
STOP_LIMIT_S = 20.0
END_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
"""Linux: a kiosk does not outlive a run that is killed. It costs a millisecond of its start."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: of HTTP; 0 where the connection broke before there was an answer.
        content: parsed JSON object; empty where the answer is none.
        seconds: from before the connection until the JSON was parsed.
    """

    status: int
    content: dict[str, Any]
    seconds: float

    @property
    def code(self) -> str | None:
        """The first reason's code, where there is a reason."""
        reasons = self.content.get("reasons")
        return str(reasons[0]["code"]) if reasons else None


class RunningKiosk:
    """A kiosk that answers.

    Attributes:
        ready_s: seconds from the command until its first answer.
    """

    def __init__(self, process: subprocess.Popen[str], address: str, started: float) -> None:
        """Ask whether it is well, for the first time."""
        self._process, self._seen = process, psutil.Process(process.pid)
        place = urlsplit(address)
        self._place = (str(place.hostname), place.port)
        self.health = self.get("/healthz")
        self.ready_s = time.perf_counter() - started

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether its process has not ended."""
        return self._process.poll() is None

    def get(self, path: str) -> Answer:
        """Ask for JSON."""
        return self._ask("GET", path)

    def screen(self, data: bytes, **patient: str) -> Answer:
        """Send a film, and what is typed about its patient."""
        boundary = uuid.uuid4().hex
        parts = [_part(boundary, name, text.encode()) for name, text in patient.items()]
        parts.append(_part(boundary, "image", data, "film"))
        body = b"".join([*parts, f"--{boundary}--\r\n".encode()])
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._ask("POST", "/api/screenings", body, kind)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self._process.kill()
        self._process.wait()

    def memory_mb(self) -> float:
        """Resident memory now, in millions of bytes."""
        return float(self._seen.memory_info().rss) / 1e6

    def peak_mb(self) -> float:
        """The largest resident memory so far; what it is now where the system keeps none."""
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        except OSError:
            return self.memory_mb()
        peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
        return peaks[0] * 1024 / 1e6 if peaks else self.memory_mb()

    def handles(self) -> int:
        """Open file descriptors."""
        count = getattr(self._seen, "num_fds", None) or self._seen.num_handles
        return int(count())

    def threads(self) -> int:
        """Threads of its process."""
        return int(self._seen.num_threads())

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection(*self._place, timeout=PATIENCE_S)
        started = time.perf_counter()
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            content = _object(response.read())
            return Answer(response.status, content, time.perf_counter() - started)
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, time.perf_counter() - started)
        finally:
            connection.close()


class Kiosks:
    """Starts kiosks by the command that a clinic uses."""

    def __init__(self, artifact: Path | None = None) -> None:
        """Name the artifact that they run; None for the one that comes with them."""
        self._artifact = artifact

    @contextmanager
    def start(
        self,
        folder: Path,
        artifact: Path | None = None,
        within: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[RunningKiosk]:
        """Start a kiosk, and stop it where the block ends.

        Args:
            folder: for its data.
            artifact: to run instead of the usual one.
            within: a command that its command is an argument of.
            environment: variables that are added.

        Raises:
            WorkFailed: ``kiosk_failed``: it ended, or was not ready within `START_LIMIT_S`.
        """
        command = [*within, *(END_WITH_PARENT if shutil.which(END_WITH_PARENT[0]) else ())]
        command += [sys.executable, "-m", "edge", "serve", "--port", "0"]
        command += ["--data-dir", str(folder)]
        chosen = artifact or self._artifact
        command += ["--artifact", str(chosen)] if chosen else []
        settings = {**os.environ, **(environment or {})}
        with tempfile.TemporaryFile("w+") as errors:
            started = time.perf_counter()
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=settings
            ) as process:
                try:
                    yield RunningKiosk(process, _address(process, errors), started)
                finally:
                    _stop(process)


def _address(process: subprocess.Popen[str], errors: IO[str]) -> str:
    """What the kiosk says once it listens."""
    giving_up = threading.Timer(START_LIMIT_S, process.kill)
    giving_up.start()
    try:
        line = process.stdout.readline() if process.stdout else ""
    finally:
        giving_up.cancel()
    words = [word for word in line.split() if word.startswith("http://")]
    if not words:
        process.kill()
        process.wait()
        errors.seek(0)
        said = errors.read().splitlines() or ["it said nothing"]
        raise WorkFailed(
            "kiosk_failed", f"The kiosk was not ready within {START_LIMIT_S:.0f} s: {said[-1]}"
        )
    return words[0]


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _part(boundary: str, name: str, content: bytes, file: str | None = None) -> bytes:
    file_name = f'; filename="{file}"' if file else ""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def _object(text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
