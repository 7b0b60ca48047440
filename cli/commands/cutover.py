"""Point the application to a validated restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.options import complete_restore, report, stage_options
from cli.parity import hold, record, waivers
from cli.restored import signature
from cli.stage import Stage
from cli.writes import after_cutover, before_cutover
from problem import Misuse, Refusal

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stackfile import Draft


@click.command(help=__doc__)
@click.argument("name", shell_complete=complete_restore)
@click.option(
    "--waive",
    "waived",
    multiple=True,
    metavar="DIFFERENCE",
    help="Accept a difference from the source, by its name; again for more.",
)
@click.option(
    "--reason", "reasons", multiple=True, help="Why it may be there: one for all, or one for each --waive."
)
@stage_options
@click.pass_obj
def command(
    session: Session, name: str, waived: tuple[str, ...], reasons: tuple[str, ...], yes: bool, dry_run: bool
) -> None:
    given = waivers(waived, reasons)

    def serve(draft: Draft) -> None:
        record(draft, name, given, signature())
        draft.set("serving", to=name)

    _refuse_unfit(session, name)
    stage = Stage(session, "cutover", name)
    stage.begin = lambda: hold(session, stage, name, given)
    stage.prepare = before_cutover(session, name)
    if stage.run(serve, yes=yes, dry_run=dry_run):
        after_cutover(session, stage, name)
    report(session, stage)


def _refuse_unfit(session: Session, name: str) -> None:
    """The model's own rules in its words, as the gate that they are: what is not validated never serves."""
    from stacks.model import broken_rules
    from stacks.restores import is_accepted

    raw = session.file.raw
    restores = raw.get("restores") or {}
    what = "\n".join(broken_rules({**raw, "restores": restores, "serving": name}))
    if name not in restores:
        raise Misuse("no-such-restore", what, "What there is: " + session.command("status"))
    if not is_accepted(restores[name]):
        raise Refusal("not-validated", what, session.command("validate", name, "--yes"))
