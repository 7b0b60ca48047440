"""What an archive_command or restore_command says of where WAL goes: the forms that people write."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

Kind = Literal[
    "folder", "url", "remote", "pgbackrest", "barman", "barman-cloud", "wal-g", "none", "script", "unknown"
]
_PLACE = re.compile(r"(?:of=|file://)?(?P<place>.+?)/+%f(?P<suffix>(?:\.[a-z0-9]+)?)$")
_UNFINISHED = (".part", ".tmp", ".partial", ".new")
_TOOLS: dict[str, Kind] = {
    "pgbackrest": "pgbackrest",
    "barman-wal-archive": "barman",
    "barman-wal-restore": "barman",
    "barman-cloud-wal-archive": "barman-cloud",
    "barman-cloud-wal-restore": "barman-cloud",
    "wal-g": "wal-g",
    "wal-e": "wal-g",
}
_NOTHING = {"true", ":", "false"}


@dataclass(frozen=True)
class Archiving:
    """Where a command takes WAL to or from.

    ``place``: a folder, a URL, "host:folder", a stanza, a server of Barman's, a script; ``suffix`` is that of
    the files there; of an unknown one the program alone. ``options``: of a tool, by name without dashes.
    """

    kind: Kind
    place: str = ""
    suffix: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def option(self, name: str) -> str:
        return dict(self.options).get(name, "")


def parse(command: str) -> Archiving:
    """What a command does, by its text alone; nothing is run and nothing is read."""
    words = _words(command)
    if command in ("", "(disabled)") or (words and {Path(word).name for word in words} <= _NOTHING):
        return Archiving("none")
    for number, word in enumerate(words):
        if kind := _TOOLS.get(Path(word).name):
            return _tool(kind, words[number + 1 :], words[:number])
    places = [found for word in words if (found := _PLACE.match(word))]
    finished = [found for found in places if found["suffix"] not in _UNFINISHED]
    for found in reversed(finished or places):
        suffix = "" if found["suffix"] in _UNFINISHED else found["suffix"]
        return Archiving(_kind_of(found["place"]), found["place"], suffix)
    if any(word in ("%p", "%f") for word in words) and words[0].startswith("/"):
        return Archiving("script", words[0], options=tuple(_arguments(words)))
    return Archiving(
        "unknown", words[0] if words else "quotes that do not close"
    )  # the rest may hold secrets


def parse_script(text: str, of: Archiving) -> Archiving:
    """The first line of a script that takes WAL somewhere, with its arguments and variables put in."""
    values = dict(of.options)
    for line in text.splitlines():
        line = line.strip().removeprefix("exec ")
        if assigned := re.fullmatch(r"(?:export\s+|readonly\s+|local\s+)?(\w+)=(.*)", line):
            values[assigned[1]] = _put_in(assigned[2].strip("\"'"), values)
        elif line and not line.startswith("#"):
            found = parse(_put_in(line, values))
            if found.kind not in ("none", "unknown", "script"):
                return found
    return Archiving("unknown", of.place)


def _put_in(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1], found[0]), text)


def _arguments(words: list[str]) -> Iterator[tuple[str, str]]:
    """A script's arguments by their numbers."""
    return ((str(number), word) for number, word in enumerate(words[1:], 1))


def _words(command: str) -> list[str]:
    """The words as a shell has them, operators apart; [] where its quotes do not close."""
    reader = shlex.shlex(command, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    reader.commenters = ""
    try:
        return list(reader)
    except ValueError:
        return []


def _kind_of(place: str) -> Kind:
    if "://" in place:
        return "url"
    return "remote" if re.match(r"[\w.@-]+:", place) else "folder"


def _tool(kind: Kind, words: list[str], before: list[str]) -> Archiving:
    options, plain = [], []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-"):
            options.append((name, value if equals or name not in _WITH_VALUE else next(rest, "")))
        elif not re.fullmatch(r"%[pfr]|&&|\|\||;|archive-push|archive-get|wal-push|wal-fetch", word):
            plain.append(word)
    if kind == "pgbackrest":
        return Archiving(kind, dict(options).get("stanza", ""), options=tuple(options))
    if kind == "wal-g":
        options += [(name, value) for name, equals, value in (w.partition("=") for w in before) if equals]
        options += [("envdir", word) for tool, word in pairwise(before) if tool == "envdir"]
        return Archiving(kind, options=tuple(options))
    server = plain[1] if len(plain) > 1 else plain[0] if plain else ""
    return Archiving(kind, server, options=(*options, ("host", plain[0] if plain else "")))


_WITH_VALUE = {"stanza", "config", "U", "user", "c", "port", "P", "endpoint-url", "profile"}
