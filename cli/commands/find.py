"""Find the moment to restore to: before a table lost its rows.

What emptied, dropped or changed a table, or when a question turned false.

Read in the archived WAL; where that leaves a doubt, asked of throw-away restores, which are gone
afterwards. The original is not asked and not touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from problem import Misuse

if TYPE_CHECKING:
    from cli.session import Session
    from finding.answer import Answer
    from finding.hunt import Hunt


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
    name = _name(session, restore_name, table)
    with session.screen.progress() as progress:
        hunt = _hunt(session, window, lambda line: progress.tell("find", line))
        found = hunt.table(table, what or "lost", prove) if table else hunt.probe(probe or "")  # type: ignore[arg-type]
    _tell(session, found, name)
    session.screen.document(found.document(_proposed(session, found, name)))


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


def _name(session: Session, given: str | None, table: str | None) -> str:
    """A name for the restore that every provider takes and no other restore has."""
    from pydantic import TypeAdapter, ValidationError

    from stacks.values import RestoreName

    there = session.file.raw.get("restores") or {}
    if given:
        try:
            return str(TypeAdapter(RestoreName).validate_python(given))
        except ValidationError as error:
            raise Misuse("restore-name", f"--restore-name: {error.errors()[0]['ctx']['error']}") from None
    stem = "before-" + ("".join(char if char.isalnum() else "-" for char in (table or "").lower()).strip("-"))
    stem = "-".join(part for part in stem.split("-") if part.isascii())[:50].rstrip("-")
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(there) + 2))
    return next(one for one in names if one not in there)


def _proposed(session: Session, found: Answer, name: str) -> str:
    return session.command("restore", name, *found.target) if found.target else ""


def _tell(session: Session, found: Answer, name: str) -> None:
    from datetime import UTC, datetime

    from finding.words import lines, other

    screen = session.screen
    screen.heading(f"Found: {found.deed}")
    for line in lines(found, datetime.now(UTC)):
        screen.say(line)
    if found.others:
        screen.heading("Others like it:")
        screen.table(["committed", "transaction", "LSN", "what"], [other(*one) for one in found.others])
    if found.target:
        screen.next(_proposed(session, found, name))
    else:
        screen.warn(f"It cannot be restored to: {found.hindrance}")
