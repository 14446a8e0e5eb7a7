"""Keys and signatures as the workstation makes them, read as the kiosk reads them."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from edge.artifact import DEFAULT_ARTIFACT, MANIFEST, load_artifact
from edge.errors import ArtifactRefused, DataRefused, WorkFailed
from edge.signature import SIGNATURE
from optimize.cli import cli
from optimize.signing import KeyFiles, make_keys, sign_artifact

Command = Callable[..., subprocess.CompletedProcess[str]]

SHIPPED_MODEL = load_artifact().manifest.variants["int8"]


@pytest.fixture
def keys(tmp_path: Path) -> KeyFiles:
    return make_keys(tmp_path / "keys" / "clinic.v2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_ARTIFACT, tmp_path / "artifact"))


def _invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)))


# Keys


def test_a_key_pair_is_two_files_and_the_private_one_is_its_owners(
    keys: KeyFiles, tmp_path: Path
) -> None:
    assert sorted((tmp_path / "keys").iterdir()) == [keys.private, keys.public]
    assert keys.private.name == "clinic.v2.private.pem"
    assert stat.S_IMODE(keys.private.stat().st_mode) == 0o600
    private = load_pem_private_key(keys.private.read_bytes(), None)
    assert isinstance(private, Ed25519PrivateKey)
    assert b"PRIVATE" not in keys.public.read_bytes()


def test_every_key_is_another(keys: KeyFiles, tmp_path: Path) -> None:
    other = make_keys(tmp_path / "other")
    assert other.private.read_bytes() != keys.private.read_bytes()


@pytest.mark.parametrize("kept", ["private", "public"])
def test_no_key_is_overwritten(tmp_path: Path, kept: str) -> None:
    there = tmp_path / f"clinic.{kept}.pem"
    there.write_bytes(b"an old key")
    with pytest.raises(DataRefused) as refusal:
        make_keys(tmp_path / "clinic")
    assert refusal.value.code == "key_exists"
    assert str(there) in refusal.value.message
    assert [(p, p.read_bytes()) for p in tmp_path.iterdir()] == [(there, b"an old key")]


def test_keys_where_nothing_can_be_written(folder: Path) -> None:
    with pytest.raises(WorkFailed) as failure:
        make_keys(folder / MANIFEST / "clinic")
    assert failure.value.code == "cannot_write"


# Signatures


def test_what_is_signed_is_accepted_with_its_key_alone(
    folder: Path, keys: KeyFiles, tmp_path: Path
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sign_artifact(folder, keys.private) == folder / SIGNATURE
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    signature = after.pop(SIGNATURE)
    assert (after, len(signature)) == (before, 64)
    assert load_artifact(folder, keys.public).manifest == load_artifact(folder).manifest
    with pytest.raises(ArtifactRefused) as refusal:
        load_artifact(folder, make_keys(tmp_path / "other").public)
    assert refusal.value.code == "bad_signature"


def test_a_new_signature_takes_the_place_of_the_old(
    folder: Path, keys: KeyFiles, tmp_path: Path
) -> None:
    sign_artifact(folder, make_keys(tmp_path / "old").private)
    sign_artifact(folder, keys.private)
    load_artifact(folder, keys.public)


@pytest.mark.parametrize("altered", [SHIPPED_MODEL, "MODEL_CARD.md", MANIFEST])
def test_an_altered_artifact_is_not_signed(folder: Path, keys: KeyFiles, altered: str) -> None:
    data = (folder / altered).read_bytes()
    (folder / altered).write_bytes(data.replace(b"0", b"1", 1))
    with pytest.raises(ArtifactRefused) as refusal:
        sign_artifact(folder, keys.private)
    assert refusal.value.code == "hash_mismatch"
    assert not (folder / SIGNATURE).exists()


def test_what_is_no_private_key_signs_nothing(folder: Path, keys: KeyFiles, tmp_path: Path) -> None:
    pem = keys.private.read_bytes()
    own = load_pem_private_key(pem, None)
    encrypted = BestAvailableEncryption(b"secret")
    contents = [
        b"", b"not a key", b"\xff\x00", pem[:-30], keys.public.read_bytes(),
        own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encrypted),
        generate_ec_key(SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
    ]  # fmt: skip
    files = [tmp_path / f"{number}.pem" for number in range(len(contents))]
    for path, content in zip(files, contents, strict=True):
        path.write_bytes(content)
    for path in (*files, tmp_path / "missing.pem", tmp_path):
        with pytest.raises(DataRefused) as refusal:
            sign_artifact(folder, path)
        assert refusal.value.code == "invalid_key"
    assert not (folder / SIGNATURE).exists()


def test_a_signature_that_cannot_be_written(folder: Path, keys: KeyFiles) -> None:
    (folder / SIGNATURE).mkdir()
    with pytest.raises(WorkFailed) as failure:
        sign_artifact(folder, keys.private)
    assert failure.value.code == "cannot_write"
    assert not list(folder.glob(f".{SIGNATURE}*"))


# The command line


def test_from_new_keys_to_a_kiosk_that_verifies(
    command: Command, folder: Path, tmp_path: Path
) -> None:
    stem = tmp_path / "clinic"
    made = command("optimize", "keygen", "--out", stem)
    assert made.returncode == 0, made.stderr
    private, public = f"{stem}.private.pem", f"{stem}.public.pem"
    assert private in made.stdout
    assert public in made.stdout
    refused = command("edge", "verify", folder, "--public-key", public)
    assert refused.returncode == 1
    assert "(unsigned)" in refused.stderr
    signed = command("optimize", "sign", folder, "--key", private)
    assert signed.returncode == 0, signed.stderr
    assert str(folder / SIGNATURE) in signed.stdout
    verified = command("edge", "verify", folder, "--public-key", public, "--json")
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["signature"] == "verified"


def test_both_commands_print_json(folder: Path, tmp_path: Path) -> None:
    made = json.loads(_invoke("keygen", "--out", tmp_path / "clinic", "--json").stdout)
    signed = json.loads(_invoke("sign", folder, "--key", made["private"], "--json").stdout)
    assert signed == {"artifact": str(folder), "signature": str(folder / SIGNATURE)}
    load_artifact(folder, Path(made["public"]))


def test_refusals_have_a_code_and_a_status(folder: Path, keys: KeyFiles, tmp_path: Path) -> None:
    stem = str(keys.private).removesuffix(".private.pem")
    cases = {
        ("key_exists", 2): ("keygen", "--out", stem),
        ("cannot_write", 3): ("keygen", "--out", keys.public / "clinic"),
        ("invalid_key", 2): ("sign", folder, "--key", keys.public),
        ("manifest_missing", 2): ("sign", tmp_path, "--key", keys.private),
    }
    for (code, status), arguments in cases.items():
        done = _invoke(*arguments)
        assert (done.exit_code, done.stdout) == (status, "")
        assert f"({code})" in done.stderr


@pytest.mark.parametrize("name", ["keygen", "sign"])
def test_help_has_an_example(name: str) -> None:
    done = _invoke(name, "--help")
    assert done.exit_code == 0
    assert f"Example: pneumokiosk-optimize {name}" in done.stdout


def test_signing_needs_no_tensorflow(folder: Path, keys: KeyFiles) -> None:
    """Whoever keeps the private key need not have a workstation."""
    program = f"""
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = sys.modules["tqdm"] = None
from optimize.cli import cli
cli(["sign", {str(folder)!r}, "--key", {str(keys.private)!r}])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
