"""Point the application to a validated restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import complete_restore, report, stage_options
from cli.stage import Stage
from cli.writes import after_cutover, before_cutover
from problem import Refusal

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

    _refuse_unaccepted(session, name)
    stage = Stage(session, "cutover", name)
    if name in (session.file.raw.get("restores") or {}):
        stage.prepare = before_cutover(session, name)
    if stage.run(serve, yes=yes, dry_run=dry_run):
        after_cutover(session, stage, name)
    report(session, stage)


def _refuse_unaccepted(session: Session, name: str) -> None:
    """The model's own rule, as the gate that it is: what is not validated never serves."""
    from stacks.model import broken_rules
    from stacks.restores import is_accepted

    raw = session.file.raw
    restores = raw.get("restores") or {}
    if name in restores and not is_accepted(restores[name]):
        what = "\n".join(broken_rules({**raw, "serving": name}))
        raise Refusal("not-validated", what, session.command("validate", name, "--yes"))
