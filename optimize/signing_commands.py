"""Commands that vouch for an artifact, so that a kiosk with the public key accepts it."""

from __future__ import annotations

import json
from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command("keygen")
@click.option("--out", type=PATH, required=True, help="Stem of the two files' names.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def keygen_command(out: Path, as_json: bool) -> None:
    """Make an Ed25519 key pair: OUT.private.pem and OUT.public.pem. No file is overwritten.

    Who has the private key can sign any model: it stays off the kiosks, the public key goes there.

    Example: pneumokiosk-optimize keygen --out keys/clinic
    """
    from optimize.signing import make_keys

    keys = make_keys(out)
    if as_json:
        click.echo(json.dumps({"private": str(keys.private), "public": str(keys.public)}))
        return
    click.echo(f"private key, to sign with: {keys.private}")
    click.echo(f"public key, for the kiosks: {keys.public}")


@click.command("sign")
@click.argument("artifact", type=PATH)
@click.option("--key", type=PATH, required=True, help="Private key, from keygen.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sign_command(artifact: Path, key: Path, as_json: bool) -> None:
    """Check every hash of ARTIFACT, then sign its manifest: manifest.sig beside it.

    Example: pneumokiosk-optimize sign runs/artifact --key keys/clinic.private.pem
    """
    from optimize.signing import sign_artifact

    signature = sign_artifact(artifact, key)
    if as_json:
        click.echo(json.dumps({"artifact": str(artifact), "signature": str(signature)}))
        return
    click.echo(f"signed: {signature}")
