"""Point the application back, and say what was written since.

What was written to the restore since the cut-over stays there, and is not in the original. A canary goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import report, stage_options
from cli.stage import Stage
from cli.trials import drop, tried
from cli.writes import tell_left_behind, tell_parted, tell_written

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft


@click.command(help=__doc__)
@click.option("--canary", is_flag=True, help="Take the canary away alone; the application stays where it is.")
@stage_options
@click.pass_obj
def command(session: Session, canary: bool, yes: bool, dry_run: bool) -> None:
    serving = str(session.file.raw.get("serving") or "source")
    left = tried(session.file.raw) if canary or serving == "source" else serving
    since = "the cut-over" if left == serving else "the canary began"
    stage = Stage(session, "rollback", left or serving)

    def back(draft: Draft) -> None:
        if not canary:
            draft.set("serving", to="source")
        drop(draft)

    if not left:
        session.screen.say("There is no canary." if canary else "The source serves already.")
    else:
        tell_written(session, stage, left, since=since)
        tell_parted(session, stage, left)
    if stage.run(back, yes=yes, dry_run=dry_run) and left:
        tell_written(session, stage, left, final=True, since=since)
        tell_left_behind(session, stage, left)
    report(session, stage)
