"""Print the environment in which a bare pulumi works here.

Use it so: eval "$(reforge shellenv)"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.pass_obj
def command(session: Session) -> None:
    from cli.engine import environment_lines

    lines = list(environment_lines(session.engine.environment))
    for line in lines:
        session.screen.say(line)
    session.screen.document({"environment": lines})
