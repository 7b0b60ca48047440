"""Remove a restore that does not serve, and nothing else.

Its server and its data go; nothing of the original does. In a cloud this takes two diffs, each to be
reviewed: the first takes the protections off and says which snapshot is kept, the second removes it.
The same command goes on where it stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import complete_restore, report, stage_options
from cli.recovery import adopt_half_made
from cli.releasing import Releasing
from cli.stage import Stage
from cli.trials import tried
from problem import Refusal

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft


@click.command(help=__doc__)
@click.argument("name", shell_complete=complete_restore)
@click.option(
    "--final-snapshot",
    metavar="NAME|none",
    help="In a cloud: the snapshot that is taken before it goes, or none.",
)
@stage_options
@click.pass_obj
def command(session: Session, name: str, final_snapshot: str | None, yes: bool, dry_run: bool) -> None:
    if session.file.raw.get("serving") == name:
        cure = "Move the application first: " + session.command("rollback")
        raise Refusal("still-serving", f"{name} serves the application; it is not removed.", cure)
    if tried(session.file.raw) == name:
        cure = "Take it away first: " + session.command("rollback", "--canary")
        raise Refusal("still-serving", f"A canary of the application is on {name}; it is not removed.", cure)
    releasing = Releasing(session, name, final_snapshot)
    if releasing.needed:
        stage = Stage(session, "teardown", name)
        if stage.run(releasing.edit, yes=yes, dry_run=dry_run) is None:
            session.screen.say(f"This is the first of two steps: {name} itself stays until the second.")
            report(session, stage, step="release")
            return
        session.forget_file()
    _remove(session, name, yes, dry_run)


def _remove(session: Session, name: str, yes: bool, dry_run: bool) -> None:
    def remove(draft: Draft) -> None:
        draft.remove("restores", name)

    stage = Stage(session, "teardown", name, removes=(name,))
    if not dry_run:
        stage.begin = lambda: adopt_half_made(session, name)
    if name not in (session.file.raw.get("restores") or {}):
        session.screen.say(f"{name} is not in the config; making sure that nothing of it is left.")
    stage.run(remove, yes=yes, dry_run=dry_run)
    report(session, stage, step="removal")
