"""Say where the incident stands and what is safe next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from cli.dumps import unneeded
from cli.position import Position, position
from cli.trials import in_words
from problem import Misuse

if TYPE_CHECKING:
    from cli.journal import Run
    from cli.session import Session
    from cli.stackfile import StackFile


@click.command(help=__doc__)
@click.pass_obj
def command(session: Session) -> None:
    file, runs, screen = session.file, session.journal.runs(), session.screen
    now, raw = _standing(file, runs)
    serving, writing = raw.get("serving") or "source", raw.get("writing") or "all"
    screen.say(f"Stack {session.stack}: {now.state}", bold=True)
    screen.say(now.words)
    screen.say(f"Serving: {serving}   Writing: {writing}")
    for name, restore in (raw.get("restores") or {}).items():
        decided = next((word for word in ("validated", "waived") if restore.get(word)), "not validated")
        target = ", ".join(f"{key} {value}" for key, value in (restore.get("from") or {}).items())
        screen.say(f"  {name}: from {target}; {decided}{', serves' if name == serving else ''}")
    if trial := in_words(raw):
        screen.say(f"  canary: {trial}")
    left = unneeded(session, now.next)
    for path in left:
        screen.say(f"  a dump that came in a stream is kept, and no restore is made of it: rm {path}")
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
            "restores": raw.get("restores") or {},
            "canary": raw.get("canary") or {},
            "unneeded": left,
            "last": vars(last) if last else None,
        }
    )


def _standing(file: StackFile, runs: list[Run]) -> tuple[Position, Mapping[str, Any]]:
    """Where the incident stands, with the config's values; a config that cannot be read is a state too."""
    try:
        return position(file.raw, file.digest, runs), file.raw
    except Misuse as wrong:
        if wrong.name != "config-not-yaml":
            raise
        words = f"{wrong.what} {wrong.cure}".strip()
        return Position("config-unreadable", words, "status", wrong.name), {}
