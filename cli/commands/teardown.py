"""Remove a restore that does not serve: its server and its data, never anything of the original."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import complete_restore, report, stage_options
from cli.stage import Stage
from problem import Refusal

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft


@click.command(help=__doc__)
@click.argument("name", shell_complete=complete_restore)
@stage_options
@click.pass_obj
def command(session: Session, name: str, yes: bool, dry_run: bool) -> None:
    if session.file.raw.get("serving") == name:
        cure = "Move the application first: " + session.command("rollback")
        raise Refusal("still-serving", f"{name} serves the application; it is not removed.", cure)

    def remove(draft: Draft) -> None:
        draft.remove("restores", name)

    stage = Stage(session, "teardown", name, removes=(name,))
    _adopt_half_made(session, name)
    if name not in (session.file.raw.get("restores") or {}):
        session.screen.say(f"{name} is not in the config; making sure that nothing of it is left.")
    stage.run(remove, yes=yes, dry_run=dry_run)
    report(session, stage)


def _adopt_half_made(session: Session, name: str) -> None:
    """A restore whose create was killed is in no state: take it in, so that it is removed in order."""
    from cli.recovery import adopt_pending

    if adopt_pending(session, name):
        session.screen.say(f"Found what a killed run left of {name}.")
