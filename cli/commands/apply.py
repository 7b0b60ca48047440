"""Apply exactly the plan that was saved, or refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import report
from cli.stage import Stage
from cli.writes import note_baseline

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.pass_obj
def command(session: Session) -> None:
    stage = Stage(session, "apply")
    stage.apply_saved()
    serving = session.file.raw.get("serving") or "source"
    if stage.facts.get("of") == "cutover" and serving != "source":
        note_baseline(session, stage, serving)
    report(session, stage)
