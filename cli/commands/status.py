"""Say where the incident stands and what is safe next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.position import position

if TYPE_CHECKING:
    from cli.session import Session


@click.command(help=__doc__)
@click.pass_obj
def command(session: Session) -> None:
    file, runs, screen = session.file, session.journal.runs(), session.screen
    now = position(file.raw, file.digest, runs)
    serving, writing = file.raw.get("serving") or "source", file.raw.get("writing") or "all"
    screen.say(f"Stack {session.stack}: {now.state}", bold=True)
    screen.say(now.words)
    screen.say(f"Serving: {serving}   Writing: {writing}")
    for name, restore in (file.raw.get("restores") or {}).items():
        decided = next((word for word in ("validated", "waived") if restore.get(word)), "not validated")
        target = ", ".join(f"{key} {value}" for key, value in (restore.get("from") or {}).items())
        screen.say(f"  {name}: from {target}; {decided}{', serves' if name == serving else ''}")
    if now.next:
        screen.next(session.command(now.next))
    last = runs[-1] if runs else None
    screen.document(
        {
            "stack": session.stack,
            "state": now.state,
            "words": now.words,
            "next": now.next,
            "problem": now.problem,
            "serving": serving,
            "writing": writing,
            "restores": file.raw.get("restores") or {},
            "last": vars(last) if last else None,
        }
    )
