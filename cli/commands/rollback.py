"""Point the application back, and say what was written since.

What was written to the restore since the cut-over stays there, and is not in the original.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import report, stage_options
from cli.stage import Stage
from cli.writes import tell_left_behind, tell_parted, tell_written

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft


@click.command(help=__doc__)
@stage_options
@click.pass_obj
def command(session: Session, yes: bool, dry_run: bool) -> None:
    left = session.file.raw.get("serving") or "source"

    def serve_source(draft: Draft) -> None:
        draft.set("serving", to="source")

    stage = Stage(session, "rollback", str(left))
    if left == "source":
        session.screen.say("The source serves already.")
    else:
        tell_written(session, stage, str(left))
        tell_parted(session, stage, str(left))
    if stage.run(serve_source, yes=yes, dry_run=dry_run) and left != "source":
        tell_written(session, stage, str(left), final=True)
        tell_left_behind(session, stage, str(left))
    report(session, stage)
