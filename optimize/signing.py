"""Key pairs, and artifacts signed with them; `edge.signature` is the other side."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from edge.artifact import load_artifact
from edge.errors import DataRefused
from edge.signature import SIGNATURE
from optimize.files import write_result, writing


@dataclass(frozen=True)
class KeyFiles:
    """The two PEM files of one key pair.

    Attributes:
        private: signs; for its owner's eyes, and never on a kiosk.
        public: checks; for every kiosk.
    """

    private: Path
    public: Path


def make_keys(stem: Path) -> KeyFiles:
    """Make a key pair: ``STEM.private.pem``, not encrypted, mode 0600, and ``STEM.public.pem``.

    Raises:
        DataRefused: ``key_exists``; nothing was written.
        WorkFailed: ``disk_full`` or ``cannot_write``; nothing was left behind.
    """
    files = KeyFiles(Path(f"{stem}.private.pem"), Path(f"{stem}.public.pem"))
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with writing(stem):
        files.private.parent.mkdir(parents=True, exist_ok=True)
        _create((files.private, private, 0o600), (files.public, public, 0o644))
    return files


def sign_artifact(folder: Path, private_key: Path) -> Path:
    """Sign an artifact, in place of any earlier signature.

    Args:
        folder: the artifact; every hash is checked before it is signed.
        private_key: PEM file from `make_keys`.

    Returns:
        The file of the signature.

    Raises:
        ArtifactRefused: as `edge.artifact.load_artifact` raises it.
        DataRefused: ``invalid_key``.
        WorkFailed: ``disk_full`` or ``cannot_write``.
    """
    key = _read_private_key(private_key)
    signature = key.sign(load_artifact(folder).manifest_bytes)
    path = folder / SIGNATURE
    write_result(path, signature)
    return path


def _create(*files: tuple[Path, bytes, int]) -> None:
    """Write files that do not exist yet, each with its mode from the first moment: all or none."""
    made = []
    try:
        for path, content, mode in files:
            handle = _open_new(path, mode)
            made.append(path)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        for path in made:
            path.unlink()
        raise


def _open_new(path: Path, mode: int) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        # Kiosks may hold the public half of an old key: nothing else could sign for them.
        raise DataRefused("key_exists", f"{path} exists already; name another.") from error


def _read_private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise DataRefused("invalid_key", f"The private key {path} cannot be read.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
        raise DataRefused(
            "invalid_key", f"{path} is not an unencrypted private key (PEM)."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise DataRefused("invalid_key", f"{path} is not an Ed25519 key.")
    return key
