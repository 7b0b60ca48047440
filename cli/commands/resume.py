"""Let writers work again: a canary first, then all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import report, stage_options
from cli.stage import Stage

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft


@click.command(help=__doc__)
@click.option("--canary", is_flag=True, help="One writer of each group, to be watched before all come back.")
@stage_options
@click.pass_obj
def command(session: Session, canary: bool, yes: bool, dry_run: bool) -> None:
    def write(draft: Draft) -> None:
        draft.set("writing", to="canary" if canary else "all")

    stage = Stage(session, "canary" if canary else "resume")
    stage.run(write, yes=yes, dry_run=dry_run)
    report(session, stage)
