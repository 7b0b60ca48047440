"""Point the application to a validated restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import complete_restore, report, stage_options
from cli.stage import Stage
from cli.writes import note_baseline, tell_moved

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft


@click.command(help=__doc__)
@click.argument("name", shell_complete=complete_restore)
@stage_options
@click.pass_obj
def command(session: Session, name: str, yes: bool, dry_run: bool) -> None:
    def serve(draft: Draft) -> None:
        draft.set("serving", to=name)

    stage = Stage(session, "cutover", name)
    if stage.run(serve, yes=yes, dry_run=dry_run):
        note_baseline(session, stage, name)
        tell_moved(session, stage)
    report(session, stage)
