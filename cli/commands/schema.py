"""Print the JSON Schema of a stack's config, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.pass_obj
def command(session: Session) -> None:
    from stacks.model import schema

    session.screen.document(schema(), always=True)
