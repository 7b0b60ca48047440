"""Say what an error means, why it happens and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cli.session import Session


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from cli.explanations import entries

    return [name for name in entries() if name.startswith(incomplete)]


@click.command(help=__doc__)
@click.argument("name", required=False, shell_complete=_complete)
@click.pass_obj
def command(session: Session, name: str | None) -> None:
    from cli.explanations import entries, entry

    screen = session.screen
    if name is None:
        known = entries().values()
        screen.table(["error", "where", "meaning"], [[one.name, one.section, one.meaning] for one in known])
        screen.document({"errors": [one.document() for one in known]})
        return
    one = entry(name)
    screen.say(f"{one.name}: {one.meaning}", bold=True)
    screen.say(f"Cause: {one.cause}\nCure: {one.cure}")
    screen.say(one.codes.replace("Exit", "Exit code"))
    screen.document(one.document())
