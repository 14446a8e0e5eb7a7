"""A kiosk with a public key takes what its owner signed, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from edge.artifact import MANIFEST, Artifact, load_artifact
from edge.errors import ArtifactRefused
from edge.signature import SIGNATURE
from edge.web import KioskConfig, create_app

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def _public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def public_key(tmp_path: Path) -> Path:
    path = tmp_path / "clinic.public.pem"
    path.write_bytes(_public_pem(KEY))
    return path


@pytest.fixture
def signed(artifact: Artifact, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(artifact.folder, tmp_path / "artifact"))
    (folder / SIGNATURE).write_bytes(KEY.sign((folder / MANIFEST).read_bytes()))
    return folder


def _code(folder: Path, public_key: Path) -> str:
    with pytest.raises(ArtifactRefused) as refusal:
        load_artifact(folder, public_key)
    assert refusal.value.message
    return refusal.value.code


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


# Reading


def test_a_signed_artifact_is_the_artifact(
    signed: Path, public_key: Path, artifact: Artifact
) -> None:
    loaded = load_artifact(signed, public_key)
    assert (loaded.manifest, loaded.models) == (artifact.manifest, artifact.models)


def test_a_signature_is_no_hindrance_where_none_is_asked_for(signed: Path) -> None:
    load_artifact(signed)
    (signed / SIGNATURE).write_bytes(b"")
    load_artifact(signed)


def test_an_artifact_without_signature_is_refused(signed: Path, public_key: Path) -> None:
    (signed / SIGNATURE).unlink()
    assert _code(signed, public_key) == "unsigned"


def test_the_signature_of_another_key_is_refused(signed: Path, public_key: Path) -> None:
    public_key.write_bytes(_public_pem(Ed25519PrivateKey.generate()))
    assert _code(signed, public_key) == "bad_signature"


def test_a_signature_of_other_length_or_content_is_refused(signed: Path, public_key: Path) -> None:
    whole = (signed / SIGNATURE).read_bytes()
    others = [whole[:length] for length in (0, 1, 32, 63)]
    others += [whole + b"\n", whole * 2, bytes(64), whole.hex().encode()]
    others += [whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in range(64)]
    for other in others:
        (signed / SIGNATURE).write_bytes(other)
        assert _code(signed, public_key) == "bad_signature"


def test_any_changed_byte_of_the_manifest_is_refused(signed: Path, public_key: Path) -> None:
    """White space too, which the manifest's own hash passes over."""
    whole = (signed / MANIFEST).read_bytes()
    rng = np.random.default_rng(0)
    altered = [whole + b"\n", whole[:-1], whole.replace(b"\n", b"\r\n", 1), b"", b"{}"]
    for place in rng.integers(0, len(whole), 200):
        changed = bytearray(whole)
        changed[place] ^= 1 << int(rng.integers(8))
        altered.append(bytes(changed))
    for data in altered:
        (signed / MANIFEST).write_bytes(data)
        assert _code(signed, public_key) == "bad_signature"


def test_a_forged_manifest_with_hashes_that_match_is_refused(
    signed: Path, public_key: Path, artifact: Artifact
) -> None:
    """What no hash can find."""
    forged = replace(artifact.manifest, calibration={"slope": 0.001, "intercept": -9.0})
    (signed / MANIFEST).write_text(forged.to_json(), encoding="utf-8")
    assert load_artifact(signed).manifest == forged
    assert _code(signed, public_key) == "bad_signature"


def test_an_altered_file_under_a_good_signature_is_refused(
    signed: Path, public_key: Path, artifact: Artifact
) -> None:
    for name in artifact.manifest.files:
        whole = (signed / name).read_bytes()
        (signed / name).write_bytes(b"?" + whole[1:])
        assert _code(signed, public_key) == "hash_mismatch"
        (signed / name).write_bytes(whole)


def test_the_signature_comes_before_any_file_that_the_manifest_names(
    signed: Path, public_key: Path, artifact: Artifact
) -> None:
    for name in artifact.manifest.files:
        (signed / name).unlink()
    assert _code(signed, public_key) == "file_missing"
    (signed / SIGNATURE).write_bytes(bytes(64))
    assert _code(signed, public_key) == "bad_signature"
    (signed / SIGNATURE).unlink()
    assert _code(signed, public_key) == "unsigned"
    (signed / MANIFEST).unlink()
    assert _code(signed, public_key) == "manifest_missing"


def test_what_is_no_public_key_is_refused(signed: Path, public_key: Path, tmp_path: Path) -> None:
    pem = _public_pem(KEY)
    other_kind = generate_ec_key(SECP256R1()).public_key()
    contents = [
        b"", b"not a key", b"\xff\x00", pem[:-30], pem.replace(b"PUBLIC", b"PRIVATE"),
        KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        other_kind.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ]  # fmt: skip
    for content in contents:
        public_key.write_bytes(content)
        assert _code(signed, public_key) == "invalid_key"
    assert _code(signed, tmp_path / "missing.pem") == "invalid_key"
    assert _code(signed, tmp_path) == "invalid_key"


# The kiosk


def test_a_kiosk_with_a_key_screens_with_what_is_signed(
    signed: Path, public_key: Path, tmp_path: Path
) -> None:
    client = create_app(KioskConfig(tmp_path, signed, public_key=public_key)).test_client()
    assert client.get("/healthz").status_code == 200
    assert client.post("/api/demonstration").status_code == 201


@pytest.mark.parametrize("fault", ["unsigned", "bad_signature", "invalid_key", "hash_mismatch"])
def test_a_kiosk_with_a_key_screens_nothing_else(
    signed: Path, public_key: Path, tmp_path: Path, artifact: Artifact, fault: str
) -> None:
    if fault == "unsigned":
        (signed / SIGNATURE).unlink()
    elif fault == "bad_signature":
        (signed / MANIFEST).write_bytes((signed / MANIFEST).read_bytes() + b" ")
    elif fault == "invalid_key":
        public_key.write_bytes(b"")
    else:
        (signed / artifact.manifest.variants["int8"]).write_bytes(b"altered")
    client = create_app(KioskConfig(tmp_path, signed, public_key=public_key)).test_client()
    health = client.get("/healthz")
    assert (health.status_code, health.json["code"]) == (503, fault)  # type: ignore[index]
    answer = client.post("/api/demonstration")
    assert answer.status_code == 503
    assert answer.json["outcome"] == "refused"  # type: ignore[index]
    assert answer.json["reasons"][0]["code"] == fault  # type: ignore[index]
    page = client.get("/")
    assert page.status_code == 200
    assert fault in page.text


# The command line


def test_verifying_says_whether_the_signature_was_checked(signed: Path, public_key: Path) -> None:
    checked = _run("verify", signed, "--public-key", public_key)
    assert checked.returncode == 0, checked.stderr
    assert "signature: verified" in checked.stdout
    unchecked = _run("verify", signed, "--json")
    assert json.loads(unchecked.stdout)["signature"] == "not_checked"


def test_verifying_what_nobody_signed(signed: Path, public_key: Path) -> None:
    (signed / SIGNATURE).unlink()
    done = _run("verify", signed, "--public-key", public_key, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["reasons"][0]["code"] == "unsigned"
    assert "(unsigned)" in done.stderr
    shipped = _run("verify", "--public-key", public_key)
    assert shipped.returncode == 1
    assert "(unsigned)" in shipped.stderr
    no_key = _run("verify", signed, "--public-key", signed / MANIFEST)
    assert no_key.returncode == 1
    assert "(invalid_key)" in no_key.stderr


def test_screening_with_a_key(signed: Path, public_key: Path, tmp_path: Path, png: bytes) -> None:
    film = tmp_path / "film.png"
    film.write_bytes(png)
    command = ("screen", "--artifact", signed, "--public-key", public_key, film)
    assert _run(*command).returncode == 0
    (signed / SIGNATURE).write_bytes(bytes(64))
    refused = _run(*command)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "(bad_signature)" in refused.stderr


def test_serving_with_a_key_warns_of_what_nobody_signed(public_key: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge", "serve", "--port", "0", "--data-dir", str(tmp_path)]
    process = subprocess.Popen(
        [*command, "--public-key", str(public_key)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if process.stdout is not None:
        process.stdout.readline()
    process.terminate()
    _, warnings = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "(unsigned)" in warnings
    assert "screens nothing" in warnings


# What it costs


def test_without_a_key_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from edge.web import KioskConfig, create_app
client = create_app(KioskConfig(Path({str(tmp_path)!r}))).test_client()
assert client.get("/healthz").status_code == 200
assert "cryptography" not in sys.modules, "slow to start"
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_kiosk_that_cannot_check_a_signature_refuses(signed: Path, public_key: Path) -> None:
    """`cryptography` is an extra; a kiosk installed without it must not go on unchecked."""
    program = f"""
import sys
from pathlib import Path
sys.modules["cryptography"] = None
from edge.artifact import load_artifact
from edge.errors import ArtifactRefused
try:
    load_artifact(Path({str(signed)!r}), Path({str(public_key)!r}))
except ArtifactRefused as refusal:
    print(refusal.code)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "signature_unavailable", done.stderr
