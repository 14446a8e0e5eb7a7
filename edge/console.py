"""What every command of the project shares: one way to refuse."""

from __future__ import annotations

from typing import Any

import click

from edge.errors import PneumoKioskError


class Commands(click.Group):
    """A group of commands that answers a refusal with one sentence, its code and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except PneumoKioskError as refusal:
            click.echo(f"error: {refusal.message} ({refusal.code})", err=True)
            ctx.exit(refusal.exit_status)
