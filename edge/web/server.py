"""waitress, listening where it is told and stopping when it is told."""

from __future__ import annotations

import io
import ipaddress
import signal
import socket
from collections.abc import Callable
from typing import Any, NoReturn

from flask import Flask
from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server

from edge.web import MAX_BODY

THREADS = 4
"""Screenings take turns; the other threads answer pages meanwhile."""

MAX_READ = 256 * 1024 * 1024
"""Bodies up to this size are read to their end, though no more than `MAX_BODY` is kept: a server
that hangs up on an upload shows the operator a broken connection instead of the reason."""


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # some other name
        return False


def serve(app: Flask, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl+C.

    Args:
        app: from `edge.web.create_app`.
        host: an address of this machine.
        port: 0 for any that is free.
        on_ready: called with the kiosk's address once it listens.

    Raises:
        OSError: the port is in use, or the address is not this machine's.
    """
    listener = _listen("127.0.0.1" if host == "localhost" else host, port)
    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        ident=None,
        max_request_body_size=MAX_READ,
    )
    server.channel_class = _Channel
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    shown = f"[{host}]" if ":" in host else host
    on_ready(f"http://{shown}:{listener.getsockname()[1]}/")
    try:
        server.run()  # returns when `_stop` raises
    finally:
        server.close()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        # A kiosk that was just stopped may start again on its port at once.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except BaseException:
        listener.close()
        raise
    return listener


def _stop(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)


class _Lost(io.RawIOBase):
    """A body for which the disk had no room: whoever reads it is told."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> NoReturn:
        raise MemoryError("The body could not be kept.")  # an OSError would mean a lost client


class _BoundedBuffer:
    """Counts all that arrives and keeps it while it is no more than `MAX_BODY` and has room."""

    def __init__(self) -> None:
        self._received = 0
        self._kept = _spool()
        self._lost = False

    def __len__(self) -> int:
        return self._received

    def append(self, data: bytes) -> None:
        self._received += len(data)
        try:
            if self._received <= MAX_BODY and not self._lost:
                self._kept.append(data)
                return
        except OSError:  # the disk is full: the app says so once all has arrived
            self._lost = True
        if len(self._kept):
            self._kept.close()
            self._kept = _spool()

    def getfile(self) -> Any:
        return _Lost() if self._lost else self._kept.getfile()

    def close(self) -> None:
        self._kept.close()


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Leaves it to the app to refuse a body that is too large, so that the reason is shown."""

    expect_continue: bool

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.body_rcv is None:
            return
        self.body_rcv.buf = _BoundedBuffer()
        if self.expect_continue and MAX_BODY < self.content_length < MAX_READ:
            # The client asks before it sends: answer at once.
            self.expect_continue = False
            self.headers["CONNECTION"] = "close"
            self.completed = True


class _Channel(HTTPChannel):  # type: ignore[misc]
    parser_class = _Parser


def _spool() -> Any:
    return OverflowableBuffer(512 * 1024)
