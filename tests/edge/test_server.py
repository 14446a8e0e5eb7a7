"""The kiosk on its socket: starting, stopping, and bodies that are too large."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.radiograph import MAX_BYTES


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A kiosk in a process of its own: (host, port)."""
    folder = tmp_path_factory.mktemp("kiosk") / "new" / "folder"
    process = _start("--data-dir", str(folder))
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("PneumoKiosk is ready at http://127.0.0.1:"), line
        yield "127.0.0.1", int(line.split("/")[2].split(":")[1])
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stdout.close()


def _start(*options: str, largest_file: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "edge", "serve", "--port", "0", *options]
    if largest_file:
        command = ["prlimit", f"--fsize={largest_file}", *command]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _multipart(data: bytes) -> tuple[bytes, dict[str, str]]:
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="f.png"\r\n\r\n'
    return head + data + b"\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


def _answer(
    kiosk: tuple[str, int], method: str, path: str, body: object = None, **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*kiosk, timeout=60)
    try:
        connection.request(method, path, body, headers)  # type: ignore[arg-type]
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _raw(kiosk: tuple[str, int], request: bytes) -> bytes:
    with socket.create_connection(kiosk, timeout=60) as connection:
        connection.sendall(request)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    return answer


def test_it_is_ready_and_screens(kiosk: tuple[str, int], png: bytes) -> None:
    assert _answer(kiosk, "GET", "/healthz")[0] == 200
    body, headers = _multipart(png)
    status, answer = _answer(kiosk, "POST", "/api/screenings", body, **headers)
    assert status == 201
    assert json.loads(answer)["score"] is not None


def test_a_chunked_upload_is_screened(kiosk: tuple[str, int], png: bytes) -> None:
    body, headers = _multipart(png)
    pieces = (body[i : i + 5000] for i in range(0, len(body), 5000))
    status, _ = _answer(kiosk, "POST", "/api/screenings", pieces, **headers)
    assert status == 201


def test_an_upload_that_is_too_large_gets_the_reason(kiosk: tuple[str, int]) -> None:
    """All of it is taken: hanging up would show the operator a broken connection."""
    body, headers = _multipart(bytes(MAX_BYTES + 1_000_000))
    for path in ("/api/screenings", "/screenings"):
        status, answer = _answer(kiosk, "POST", path, body, **headers)
        assert status == 413
        assert b"25 MB" in answer
    assert _answer(kiosk, "GET", "/healthz")[0] == 200


def test_so_does_a_chunked_one(kiosk: tuple[str, int]) -> None:
    piece = bytes(500_000)
    body, headers = _multipart(b"")
    pieces = (body[:70] if i == 0 else piece for i in range(60))
    status, answer = _answer(kiosk, "POST", "/api/screenings", pieces, **headers)
    assert status == 413
    assert json.loads(answer)["reasons"][0]["code"] == "file_too_large"


def test_a_client_that_asks_before_it_sends_is_told_at_once(kiosk: tuple[str, int]) -> None:
    request = (
        "POST /api/screenings HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {MAX_BYTES * 2}\r\n\r\n"
    )
    answer = _raw(kiosk, request.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET / HTTP/1.1\r\nHost: elsewhere.example\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /%00%ff HTTP/1.1\r\nHost: localhost\r\n",
        b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /api/screenings HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n",
        b"POST /api/screenings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n",
        b"POST /api/screenings HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n",
        b"POST /api/screenings HTTP/1.1\r\nHost: localhost\r\nContent-Type: \xff\xfe;;=\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: \xff=\xfe; ;=\r\nRange: bytes=x\r\n",
        b"nonsense\r\n",
        b"\x16\x03\x01\x02\r\n",
    ],
)
def test_malformed_requests_never_break_it(kiosk: tuple[str, int], request_line: bytes) -> None:
    answer = _raw(kiosk, request_line + b"Connection: close\r\n\r\n")
    assert answer == b"" or answer.split(b" ")[1] < b"500" or b" 501 " in answer[:20]
    assert _answer(kiosk, "GET", "/healthz")[0] == 200


def test_a_second_kiosk_on_the_same_port_says_so(kiosk: tuple[str, int], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge", "serve", "--port", str(kiosk[1])]
    done = subprocess.run(
        [*command, "--data-dir", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "port_unavailable" in done.stderr


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_it_is_told(tmp_path: Path, stop: signal.Signals) -> None:
    process = _start("--data-dir", str(tmp_path))
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        process.send_signal(stop)
        assert process.wait(20) == 0


def test_it_starts_without_a_usable_model_and_says_so(tmp_path: Path) -> None:
    process = _start("--data-dir", str(tmp_path), "--artifact", str(tmp_path / "none"))
    assert process.stdout is not None
    with process.stdout:
        port = int(process.stdout.readline().split("/")[2].split(":")[1])
        status, answer = _answer(("127.0.0.1", port), "GET", "/healthz")
        process.terminate()
        process.wait(20)
    assert status == 503
    assert json.loads(answer)["code"] == "manifest_missing"


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is not installed")
def test_an_upload_for_which_there_is_no_room_gets_the_reason(tmp_path: Path, png: bytes) -> None:
    """A limit on the size of files stands for a full disk: spooling the upload fails."""
    process = _start("--data-dir", str(tmp_path), largest_file=1_000_000)
    assert process.stdout is not None
    try:
        place = "127.0.0.1", int(process.stdout.readline().split("/")[2].split(":")[1])
        body, headers = _multipart(bytes(3_000_000))
        status, answer = _answer(place, "POST", "/api/screenings", body, **headers)
        assert (status, json.loads(answer)["reasons"][0]["code"]) == (503, "no_room")
        body, headers = _multipart(png)
        assert _answer(place, "POST", "/api/screenings", body, **headers)[0] == 201
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
