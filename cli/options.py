"""Options and endings that the stage commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cli.session import Session
    from cli.stage import Stage

Command = Callable[..., Any]


def stage_options(command: Command) -> Command:
    """``--yes`` and ``--dry-run``, as every stage has them."""
    command = click.option(
        "--yes", "-y", is_flag=True, help="Apply it at once. Without it: propose, `reforge apply` later."
    )(command)
    return click.option("--dry-run", is_flag=True, help="Show both diffs and write nothing.")(command)


def report(session: Session, stage: Stage, **facts: Any) -> None:
    """How a stage ended: the next command for people, the document for scripts."""
    from cli.position import position

    session.forget_file()
    now = position(session.file.raw, session.file.digest, session.journal.runs())
    if now.next:
        session.screen.next(session.command(now.next))
    document = {"stage": stage.name, "subject": stage.subject, **stage.facts, **facts}
    session.screen.document(document | {"position": now.state, "next": now.next})


def complete_restore(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of restores, for the shell's completion."""
    from cli.render import Screen
    from cli.session import Session
    from problem import Problem

    values = ctx.find_root().params
    try:
        raw = Session(Screen(), values.get("project"), values.get("stack")).file.raw
    except Problem:
        return []
    return [name for name in raw.get("restores") or {} if name.startswith(incomplete)]
