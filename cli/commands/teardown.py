"""Remove a restore that does not serve, and nothing else.

Its server and its data go; nothing of the original does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import complete_restore, report, stage_options
from cli.recovery import adopt_half_made
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
    if not dry_run:
        stage.begin = lambda: adopt_half_made(session, name)
    if name not in (session.file.raw.get("restores") or {}):
        session.screen.say(f"{name} is not in the config; making sure that nothing of it is left.")
    stage.run(remove, yes=yes, dry_run=dry_run)
    report(session, stage)
