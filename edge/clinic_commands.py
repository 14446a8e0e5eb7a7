"""Commands for whoever looks after a kiosk. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from edge.places import prepared

_PATH = click.Path(path_type=Path)
_DATA_DIR = click.option(
    "--data-dir", type=_PATH, help="Folder of the records.  [default: the user's data folder]"
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_TERMINAL = "terminal"
"""Who did it, in the audit: someone with an account of this machine."""


@click.command(epilog="Example: pneumokiosk backup /media/usb --data-dir /var/lib/pneumokiosk")
@click.argument("folder", type=_PATH)
@_DATA_DIR
@_JSON
def backup(folder: Path, data_dir: Path | None, as_json: bool) -> None:
    """Copy the records into FOLDER, while the kiosk works. Older copies stay.

    The copy holds patients' data: keep it like the films.
    """
    from edge.backup import back_up
    from edge.database import Database

    database = Database(prepared(data_dir))
    try:
        made = back_up(database, folder, _TERMINAL)
    finally:
        database.close()
    if as_json:
        click.echo(json.dumps(asdict(made), default=str))
        return
    click.echo(f"{made.screenings} screenings ({made.bytes:,} bytes), checked: {made.path}")


@click.command(epilog="Example: pneumokiosk restore /media/usb --data-dir /var/lib/pneumokiosk")
@click.argument("source", metavar="FOLDER", type=_PATH)
@_DATA_DIR
@_JSON
def restore(source: Path, data_dir: Path | None, as_json: bool) -> None:
    """Put the newest backup in FOLDER, or that one file, in the place of the records.

    The former records are kept beside them. Stop the kiosk first.
    """
    from edge import restore as restoring

    done = restoring.restore(source, prepared(data_dir), _TERMINAL)
    if as_json:
        click.echo(json.dumps(asdict(done), default=str))
        return
    click.echo(f"{done.screenings} screenings restored from {done.source}")
    if done.kept is not None:
        click.echo(f"the former records are kept: {done.kept}")


@click.command(epilog="Example: pneumokiosk status --json")
@_DATA_DIR
@click.option(
    "--artifact",
    type=_PATH,
    help="Folder of the model artifact.  [default: the one that comes with the kiosk]",
)
@click.option(
    "--public-key",
    type=_PATH,
    help="Ed25519 key (PEM): check the artifact's signature.  [default: none]",
)
@_JSON
def status(
    data_dir: Path | None, artifact: Path | None, public_key: Path | None, as_json: bool
) -> None:
    """Look at the model, the machine and the records; every page of the records is read.

    Exits with 0 when all is well, 1 when it is not.
    """
    from edge.artifact import DEFAULT_ARTIFACT
    from edge.database import Database
    from edge.status import kiosk_status

    database = Database(prepared(data_dir))
    try:
        found = kiosk_status(database, artifact or DEFAULT_ARTIFACT, public_key)
    finally:
        database.close()
    if as_json:
        click.echo(json.dumps(found))
    else:
        for part in ("model", "machine", "records"):
            for name, value in found[part].items():
                click.echo(f"{part} {name.replace('_', ' ')}: {_shown(value)}")
        click.echo("All is well." if found["status"] == "ok" else "Something is wrong.")
    sys.exit(0 if found["status"] == "ok" else 1)


@click.command(epilog="Example: pneumokiosk pin --role operator")
@click.option(
    "--role",
    type=click.Choice(["operator", "administrator"]),
    required=True,
    help="Whose PIN it is.",
)
@click.option("--remove", is_flag=True, help="Take the PIN away instead.")
@_DATA_DIR
@_JSON
def pin(role: str, remove: bool, data_dir: Path | None, as_json: bool) -> None:
    """Set the PIN of a role; whoever was signed in to it is signed out.

    It is asked for at the terminal, or read from the first line of standard input. Arguments are
    no place for it: other users of this machine can see them.
    """
    from edge.accounts import Accounts
    from edge.database import Database

    database = Database(prepared(data_dir))
    accounts = Accounts(database)
    try:
        if remove:
            accounts.remove_pin(role, _TERMINAL)
        else:
            accounts.set_pin(role, _typed_pin(), _TERMINAL)
    finally:
        database.close()
    if as_json:
        click.echo(json.dumps({"role": role, "pin": "none" if remove else "set"}))
    else:
        click.echo(f"The {role} has {'no PIN' if remove else 'a new PIN'} now.")


@click.command(epilog="Example: pneumokiosk settings --data-dir /var/lib/pneumokiosk")
@_DATA_DIR
@_JSON
def settings(data_dir: Path | None, as_json: bool) -> None:
    """Print every setting as settings.toml has it: what it is for, and what holds now.

    Settings are changed on the kiosk's page, or in that file while the kiosk is stopped.
    """
    from edge.settings import as_toml, load_settings

    current = load_settings(prepared(data_dir))
    click.echo(json.dumps(asdict(current)) if as_json else as_toml(current), nl=as_json)


COMMANDS = (backup, restore, status, pin, settings)


def _typed_pin() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("PIN", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
