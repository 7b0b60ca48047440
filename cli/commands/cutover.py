"""Point the application to a validated restore.

With --canary only a small copy of it: first without requests, with --traffic beside the deployment itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import canary as trial
from cli.options import complete_restore, report, stage_options
from cli.parity import hold, record, waivers
from cli.restored import signature
from cli.stage import Stage
from cli.trials import drop
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
@trial.canary_options
@stage_options
@click.pass_obj
def command(
    session: Session,
    /,
    name: str,
    canary: bool,
    waived: tuple[str, ...],
    reasons: tuple[str, ...],
    yes: bool,
    dry_run: bool,
    **flags: Any,
) -> None:
    if canary:
        accepted = (flags["accept"],) if flags["accept"] else ()
        given = waivers((*waived, *accepted), reasons)
        _refuse_unfit(session, name)
        trial.run(session, trial.Asked(name, flags, given), yes=yes, dry_run=dry_run)
    else:
        trial.refuse_lonely(flags)
        _refuse_unfit(session, name)
        _cut_over(session, name, waivers(waived, reasons), yes=yes, dry_run=dry_run)


def _cut_over(session: Session, name: str, given: dict[str, str], *, yes: bool, dry_run: bool) -> None:
    def serve(draft: Draft) -> None:
        record(draft, name, given, signature())
        draft.set("serving", to=name)
        drop(draft)

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
