"""Preview the config as it stands, and save the plan.

`reforge apply` applies that plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import report
from cli.stage import Stage

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.pass_obj
def command(session: Session) -> None:
    stage = Stage(session, "preview")
    stage.run(None, yes=False, ask=False)
    report(session, stage)
