"""What the kiosk's tests share: an app on a fresh data folder, and images drawn for them."""

from __future__ import annotations

import io
import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from waitress.server import create_server
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from edge.artifact import Artifact, load_artifact
from edge.phantom import draw_phantom, phantom_png
from edge.provenance import Provenance, provenance_of
from edge.quality import Gates
from edge.records import Patient, Records
from edge.screening import Screener
from edge.web import KioskConfig, create_app

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update --disable-dev-shm-usage""".split()


@pytest.fixture(scope="session")
def artifact() -> Artifact:
    return load_artifact()


@pytest.fixture(scope="session")
def screener(artifact: Artifact) -> Screener:
    return Screener(artifact)


@pytest.fixture(scope="session")
def gates() -> Gates:
    """Gates as they were fitted to real films."""
    path = Path(__file__).parents[2] / "train" / "weights" / "gates.json"
    return Gates.from_dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def png() -> bytes:
    return phantom_png(side=256)


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    _, data = cv2.imencode(".jpg", draw_phantom(side=256))
    return data.tobytes()


@pytest.fixture(scope="session")
def dicom() -> Callable[..., bytes]:
    """Writes a CR file of grey pixels, or of a compressed frame of them; None leaves one out."""
    from pydicom import uid
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate

    def write(
        pixels: np.ndarray[Any, Any],
        syntax: uid.UID = uid.ExplicitVRLittleEndian,
        frame: bytes | None = None,
        **elements: Any,
    ) -> bytes:
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = syntax
        implicit, little = syntax.is_implicit_VR, syntax.is_little_endian
        data_set = FileDataset("", {}, b"\0" * 128, meta, implicit, little)
        bits = 8 * pixels.dtype.itemsize
        if frame is not None:
            data_set.PixelData = encapsulate([frame])
        else:
            data = pixels.astype(pixels.dtype.newbyteorder("<" if little else ">")).tobytes()
            data_set.PixelData = data + b"\0" * (len(data) % 2)
        data_set["PixelData"].VR = "OB" if bits == 8 or frame is not None else "OW"
        data_set["PixelData"].is_undefined_length = frame is not None
        usual = {
            "SOPClassUID": uid.ComputedRadiographyImageStorage, "SOPInstanceUID": "1.2.3",
            "Modality": "CR", "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
            "Rows": pixels.shape[0], "Columns": pixels.shape[1],
            "BitsAllocated": bits, "BitsStored": bits,
            "HighBit": elements.get("BitsStored", bits) - 1, "PixelRepresentation": 0,
        }  # fmt: skip
        for keyword, value in {**usual, **elements}.items():
            if value is not None:
                setattr(data_set, keyword, value)
            elif keyword in data_set:
                del data_set[keyword]
        out = io.BytesIO()
        data_set.save_as(out, enforce_file_format=True)
        return out.getvalue()

    return write


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(KioskConfig(tmp_path))
    app.testing = True  # what would be answered 500 is raised
    yield app
    app.extensions["kiosk"].records.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def post(client: FlaskClient) -> Callable[..., Any]:
    """Post a file to the API, with other fields by name."""

    def send(data: bytes, path: str = "/api/screenings", **fields: str) -> Any:
        # Encoded here: the client itself would leave a large body's temporary file open.
        image = FileStorage(io.BytesIO(data), "film.png")
        boundary, body = encode_multipart({**fields, "image": image})
        kind = f"multipart/form-data; boundary={boundary}"
        return client.post(path, data=body, content_type=kind)

    return send


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real radiographs, where there is one."""
    folder = os.environ.get("PNEUMOKIOSK_DATA")
    if not folder:
        pytest.skip("PNEUMOKIOSK_DATA names no folder of radiographs")
    return Path(folder)


@pytest.fixture(scope="session")
def checkerboard() -> np.ndarray[Any, Any]:
    """(1200, 1200) uint8: squares of one pixel, far finer than any model's input."""
    y, x = np.indices((1200, 1200))
    return ((x + y) % 2 * 255).astype(np.uint8)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    """Empty records, in the test's own folder."""
    records = Records(tmp_path)
    yield records
    records.close()


@pytest.fixture(scope="session")
def provenance(artifact: Artifact) -> Provenance:
    return provenance_of(artifact)


@pytest.fixture
def keep(records: Records, screener: Screener, provenance: Provenance) -> Callable[..., Any]:
    """Store a screening of a patient and a score, without waiting for the model."""
    refused = screener.screen(b"")

    def add(patient_id: str | None = None, score: float | None = 0.9, **others: Any) -> Any:
        outcome = "refused" if score is None else "refer" if score >= 0.5 else "below_threshold"
        screening = replace(refused, id=uuid.uuid4().hex, score=score, outcome=outcome)
        patient = Patient(patient_id)
        return records.add(screening, patient, **{"provenance": provenance, **others})

    return add


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Flask], str]]:
    """Serves kiosks until the module's tests are done; answers their addresses."""
    running = []

    def start(app: Flask) -> str:
        server = create_server(app, host="127.0.0.1", port=0, threads=2)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((app, server, thread))
        return f"http://127.0.0.1:{server.effective_port}"

    yield start
    for app, server, thread in running:
        server.task_dispatcher.shutdown()
        server.pull_trigger()
        server.close()
        thread.join(5)
        app.extensions["kiosk"].close()


@pytest.fixture(scope="module")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Chrome]]:
    """Starts browsers, with or without scripts; skips where there is none."""
    pytest.importorskip("selenium", reason="selenium is not installed")
    if not (CHROMIUM.exists() and DRIVER.exists()):
        pytest.skip("there is no Chromium with its driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    started = []

    def start(scripts: bool = True) -> Chrome:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        if not scripts:
            setting = {"profile.managed_default_content_settings.javascript": 2}
            options.add_experimental_option("prefs", setting)
        browser = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
        browser.set_window_size(1280, 800)
        started.append(browser)
        return browser

    yield start
    for browser in started:
        browser.quit()
