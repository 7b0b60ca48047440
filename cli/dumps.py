"""What ``reforge restore --dump`` takes, and what it makes of it under ``from:``."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from cli.journal import Journal
from problem import Misuse, Problem

if TYPE_CHECKING:
    from cli.options import Command
    from cli.session import Session

FOLDER = "dumps"
"""In the project's private folder: what came in a stream."""
_BLOCK = 1 << 20
_URL = re.compile(r"[a-z][a-z0-9+.-]*://")


def dump_options(command: Command) -> Command:
    """The options of a dump, in the terms of pg_restore."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--dump", help="Load this dump of pg_dump: a path, a URL, or - for a stream on stdin."),
    click.option("--jobs", type=click.IntRange(1, 64), help="Dump: connections that load it; 2 by default."),
    click.option("--role", help="Dump: create everything as this role."),
    click.option("--no-owner", is_flag=True, help="Dump: everything belongs to who creates it."),
    click.option("--schema", "schemas", multiple=True, help="Dump: this schema only; again for more."),
    click.option("--table", "tables", multiple=True, help="Dump: this table only; again for more."),
    click.option("--map-role", multiple=True, metavar="OLD=NEW", help="Dump: NEW in the place of OLD."),
    click.option("--create-roles", is_flag=True, help="Dump: make missing roles, without login."),
    click.option("--accept", multiple=True, help="Dump: an owner, grant or comment that may be lost."),
    click.option("--locale", help="Dump: of the database, instead of the dump's own."),
)


def take_dump(session: Session, values: dict[str, Any]) -> dict[str, Any]:
    """Take the options of a dump out of a command's values; what they say under ``from:``.

    Empty where no dump is named. A stream on stdin is written to a file first.
    """
    place = values.pop("dump")
    chosen = {
        "jobs": values.pop("jobs"),
        "role": values.pop("role"),
        "no-owner": values.pop("no_owner"),
        "schemas": list(values.pop("schemas")),
        "tables": list(values.pop("tables")),
        "roles": _roles(values.pop("map_role"), values.pop("create_roles")),
        "accept": list(values.pop("accept")),
        "locale": values.pop("locale"),
    }
    given = {name: value for name, value in chosen.items() if value}
    if given and not place:
        raise Misuse("no-dump", f"{', '.join(given)}: of which dump?", "Name it: --dump PATH")
    return {"dump": _place(session, place), **given} if place else {}


def _roles(pairs: tuple[str, ...], create: bool) -> dict[str, str] | str | None:
    if create and pairs:
        raise Misuse("roles-twice", "--map-role and --create-roles exclude each other.", "Give one of them.")
    found = dict(pair.split("=", 1) for pair in pairs if pair.count("=") == 1)
    if len(found) < len(pairs):
        raise Misuse("map-role-wrong", "--map-role takes OLD=NEW, each OLD once.", "--map-role olduser=app")
    return found or ("create" if create else None)


def _place(session: Session, place: str) -> str:
    if place == "-":
        return str(spooled(sys.stdin.buffer, session.folder / FOLDER))
    return place if _URL.match(place) else os.path.abspath(place)


def spooled(stream: BinaryIO, folder: Path) -> Path:
    """A stream as a private file named after its content: the same stream is the same file.

    Problem ``no-stream`` where nothing comes.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part, digest, count = folder / f"{os.getpid()}.part", hashlib.sha256(), 0
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while block := b"" if stream.isatty() else stream.read(_BLOCK):
                digest.update(block)
                count += file.write(block)
        if not count:
            raise Problem(
                "no-stream", "Nothing came on stdin.", "pg_dump -Fc ... | reforge restore NAME --dump -"
            )
        return part.rename(folder / f"{digest.hexdigest()[:16]}.dump")
    finally:
        part.unlink(missing_ok=True)


def unneeded(session: Session, next_command: str) -> list[Path]:
    """Streams that were kept and that nothing of any stack names: no config, no command that may go on."""
    kept = sorted(session.folder.glob(f"{FOLDER}/*.dump"))
    if not kept:
        return []
    named = [file.read_text(errors="replace") for file in session.project.glob("Pulumi.*.yaml")]
    journals = (Journal(path) for path in session.journal.path.parent.glob("*.jsonl"))
    named += [next_command, *(last.command for journal in journals if (last := journal.last()))]
    return [file for file in kept if not any(file.name in text for text in named)]
