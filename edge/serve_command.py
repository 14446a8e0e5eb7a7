"""The command that serves the kiosk."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.errors import PneumoKioskError
from edge.places import prepared

if TYPE_CHECKING:
    from edge.web.kiosk import Kiosk

_PATH = click.Path(path_type=Path)


class CannotListen(PneumoKioskError):
    """The command was right, but this machine did not let it through."""

    exit_status = 1


@click.command(epilog="Example: pneumokiosk serve --port 8080 --data-dir /var/lib/pneumokiosk")
@click.option(
    "--host",
    help="Address to listen on; any but this machine's own demands a PIN.  [default: the "
    "setting, 127.0.0.1]",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="TCP port; 0 takes any that is free.  [default: the setting, 8080]",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the records and of settings.toml.  [default: the user's data folder]",
)
@click.option(
    "--artifact",
    type=_PATH,
    help="Folder of the model artifact.  [default: the setting, the one that comes with the kiosk]",
)
@click.option(
    "--variant",
    help="Numeric type of the model, as int8.  [default: the setting, the fastest here]",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    help="Processor threads that one prediction may use.  [default: the setting, the fastest here]",
)
@click.option(
    "--public-key",
    type=_PATH,
    help="Ed25519 key (PEM): refuse an artifact that its owner has not signed.  [default: the "
    "setting, none]",
)
def serve(
    host: str | None,
    port: int | None,
    data_dir: Path | None,
    artifact: Path | None,
    variant: str | None,
    threads: int | None,
    public_key: Path | None,
) -> None:
    """Serve the kiosk's pages on this machine."""
    from edge.allocator import give_memory_back
    from edge.settings import load_settings
    from edge.web import KioskConfig, create_app
    from edge.web import server as web_server

    give_memory_back()
    folder = prepared(data_dir)
    settings = load_settings(folder)
    host = settings.host if host is None else host
    port = settings.port if port is None else port
    loopback = web_server.is_loopback(host)
    app = create_app(KioskConfig(folder, artifact, variant, threads, loopback, public_key))
    kiosk: Kiosk = app.extensions["kiosk"]
    try:
        if not loopback:
            _demand_a_pin(kiosk, host)
        _warn(kiosk)
        web_server.serve(app, host, port, _announce)
    except OSError as error:
        raise CannotListen(
            "port_unavailable", f"Cannot listen on {host} port {port}: {error.strerror}."
        ) from error
    finally:
        kiosk.close()


def _demand_a_pin(kiosk: Kiosk, host: str) -> None:
    """Whoever can reach the kiosk could read its records: first there has to be a PIN."""
    from edge.web.access import pins

    if not any(pins(kiosk).values()):
        raise PneumoKioskError(
            "pin_needed",
            f"Other machines can reach {host}: set a PIN first, by pneumokiosk pin --role "
            "operator and --role administrator.",
        )


def _warn(kiosk: Kiosk) -> None:
    if kiosk.refusal is not None:
        click.echo(f"warning: {kiosk.refusal.message} ({kiosk.refusal.code})", err=True)
        click.echo("warning: The kiosk starts, but it screens nothing.", err=True)


def _announce(address: str) -> None:
    click.echo(f"PneumoKiosk is ready at {address} (Ctrl+C stops it)")
    sys.stdout.flush()
