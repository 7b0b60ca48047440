"""Find the moment to restore to: before a table lost its rows.

What emptied, dropped or changed a table, or when a question turned false.

Read in the archived WAL; where that leaves a doubt, asked of throw-away restores, which are gone
afterwards. The original is not asked and not touched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import click

from problem import Misuse

if TYPE_CHECKING:
    from cli.session import Session
    from finding.answer import Answer
    from finding.hunt import Hunt
    from finding.suspicion import What


@click.command(help=__doc__)
@click.option("--table", help="The table: public.accounts.")
@click.option("--emptied", "what", flag_value="emptied", help="By DELETE or TRUNCATE only.")
@click.option("--dropped", "what", flag_value="dropped", help="By DROP only.")
@click.option("--changed", "what", flag_value="changed", help="The transaction that changed most rows.")
@click.option("--prove", is_flag=True, help="Ask a throw-away restore even where WAL leaves no doubt.")
@click.option("--probe", metavar="SQL", help='A question that was true: "SELECT count(*) > 0 FROM accounts".')
@click.option("--after", metavar="TIME", help="Only later than this, with its zone: 2025-12-03T14:23:00Z.")
@click.option("--before", metavar="TIME", help="Only earlier than this.")
@click.option("--restore-name", help="The restore's name in the command that is proposed.")
@click.pass_obj
def command(
    session: Session,
    /,
    table: str | None,
    what: str | None,
    prove: bool,
    probe: str | None,
    restore_name: str | None,
    **window: str | None,
) -> None:
    if bool(table) == bool(probe) or (probe and (what or prove)):
        raise Misuse(
            "find-what",
            "Find what?",
            "Give --table NAME, with --emptied, --dropped or --changed if you know; or --probe SQL.",
        )
    named = _checked(restore_name) if restore_name else ""
    with session.screen.progress() as progress:
        hunt = _hunt(session, window, lambda line: progress.tell("find", line))
        found = hunt.table(table, cast("What", what or "lost"), prove) if table else hunt.probe(probe or "")
    name = named or _free_name(session, table or f"transaction {found.commit.xid}")
    command = session.command("restore", name, *found.target) if found.target else ""
    _tell(session, found, table, command)
    session.screen.document(found.document(command))


def _hunt(session: Session, window: dict[str, str | None], tell: Any) -> Hunt:
    from finding.hunt import Hunt
    from finding.scene import scene_of
    from finding.stretches import Window

    source = session.file.config().source
    if source.provider != "local":
        what = f"`find` reads WAL archives of one's own; the source is of {source.provider}."
        raise Misuse("find-provider", what, "See what can be restored: " + session.command("sources"))
    return Hunt(scene_of(source, tell), Window(_time(window["after"]), _time(window["before"])))


def _time(text: str | None) -> Any:
    from archive.targets import Target

    return Target("time", text).time if text else None


def _checked(given: str) -> str:
    """A name that every provider takes."""
    from pydantic import TypeAdapter, ValidationError

    from stacks.values import RestoreName

    try:
        return str(TypeAdapter(RestoreName).validate_python(given))
    except ValidationError as error:
        raise Misuse("restore-name", f"--restore-name: {error.errors()[0]['ctx']['error']}") from None


def _free_name(session: Session, what: str) -> str:
    """A name that no restore has yet."""
    stem = "-".join(["before", *re.findall("[a-z0-9]+", what.lower())])[:50].rstrip("-")
    there = session.file.raw.get("restores") or {}
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(there) + 2))
    return next(one for one in names if one not in there)


def _tell(session: Session, found: Answer, table: str | None, command: str) -> None:
    from datetime import UTC, datetime

    from finding.words import lines, other

    screen = session.screen
    screen.heading(f"Found: {table}: {found.deed}" if table else "Found: what made the probe false")
    for line in lines(found, datetime.now(UTC)):
        screen.say(line)
    if found.others:
        screen.heading("Others like it:")
        screen.table(["committed", "transaction", "LSN", "what"], [other(*one) for one in found.others])
    if command:
        screen.next(command)
    else:
        screen.warn(f"It cannot be restored to: {found.hindrance}")
