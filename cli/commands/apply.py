"""Apply exactly the plan that was saved, or refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cli import canary as trial
from cli.options import report
from cli.parity import hold
from cli.stage import Stage
from cli.trials import tried
from cli.writes import after_cutover, before_cutover, tell_left_behind, tell_written

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.pass_obj
def command(session: Session) -> None:
    stage = Stage(session, "apply")
    proposed, name = stage.proposed, str(session.file.raw.get("serving"))
    if proposed == "cutover":
        stage.prepare = _before_cutover(session, stage, name)
    elif proposed == trial.STAGE:
        stage.prepare = trial.before_saved(session, stage, tried(session.file.raw))
    stage.apply_saved()
    if proposed == "cutover":
        after_cutover(session, stage, name)
    elif proposed == trial.STAGE:
        trial.tell_connected(session, stage, stage.facts["of_subject"])
    elif proposed == "rollback" and (left := stage.facts["of_subject"]) != "source":
        tell_written(session, stage, left, final=True)
        tell_left_behind(session, stage, left)
    report(session, stage)


def _before_cutover(session: Session, stage: Stage, name: str) -> Callable[[], None]:
    """As in the cut-over itself: the servers may have changed since the plan was made."""
    note = before_cutover(session, name)

    def prepare() -> None:
        hold(session, stage, name, {})
        note()

    return prepare
