"""Who vouches for an artifact: an Ed25519 signature (RFC 8032) beside its manifest.

A hash finds an accident. Whoever alters a file on purpose writes a new hash into the manifest, but
cannot sign it. The manifest holds every file's hash, so that one signature covers the folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import ArtifactRefused

# `cryptography` is imported where it is used: a kiosk without a key does without it.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNATURE = "manifest.sig"
"""The file of the signature: its 64 bytes as they are, over the manifest's exact bytes."""


def check_signature(manifest: bytes, signature: Path, public_key: Path) -> None:
    """Refuse a manifest that the owner of a key has not signed.

    Args:
        manifest: the bytes of the manifest, read once.
        signature: the file `SIGNATURE` beside it.
        public_key: PEM file, as ``pneumokiosk-optimize keygen`` writes it.

    Raises:
        ArtifactRefused: ``signature_unavailable``, ``invalid_key``, ``unsigned`` or
            ``bad_signature``.
    """
    try:
        from cryptography.exceptions import InvalidSignature
    except ImportError as error:
        raise ArtifactRefused(
            "signature_unavailable",
            "A signature is asked for, but this installation cannot check one: install "
            "pneumokiosk[signature].",
        ) from error
    key = _read_public_key(public_key)
    try:
        signed = signature.read_bytes()
    except OSError as error:
        raise ArtifactRefused(
            "unsigned", f"Only signed models are accepted, and {signature} cannot be read."
        ) from error
    try:
        key.verify(signed, manifest)
    except InvalidSignature as error:
        raise ArtifactRefused(
            "bad_signature",
            f"{signature} does not fit: the manifest was altered, or signed with another key than "
            f"that of {public_key}.",
        ) from error


def _read_public_key(path: Path) -> Ed25519PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise ArtifactRefused("invalid_key", f"The public key {path} cannot be read.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ArtifactRefused("invalid_key", f"{path} is not a public key (PEM).") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ArtifactRefused("invalid_key", f"{path} is not an Ed25519 key.")
    return key
