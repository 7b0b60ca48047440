"""pgbouncer's ini file: finds the [databases] entry of a name and points it elsewhere.

The grammar is that of libusual's cfparser and of pgbouncer's connection strings
(https://www.pgbouncer.org/config.html, "Section [databases]"): one line an entry, no continuation,
comments only on lines of their own, ``'`` quotes with ``''`` inside, and the last of equals wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dbrestore import files
from problem import Problem

_SECTION = re.compile(r"\s*\[([^\]\n]*)\]")
_INCLUDE = re.compile(r"\s*%include[ \t]+(\S.*?)\s*$")
_ENTRY = re.compile(r'\s*("(?:[^"]|"")+"|[\w.*-]+)[ \t]*=[ \t]*(.*?)\s*$', re.ASCII)
_WORD = re.compile(r"\s*(?P<key>[^\s=']+)\s*=\s*(?P<value>'(?:[^']|'')*'|[^\s']\S*)(?=\s|$)")
_PLAIN = re.compile(r"[\w./:,@%+-]+", re.ASCII)
_DEEPEST = 10
"""How deep files include files; pgbouncer's own limit."""


@dataclass(frozen=True)
class Address:
    """A server as pgbouncer knows it: ``host`` None is its default socket folder."""

    host: str | None
    port: int
    dbname: str

    def __str__(self) -> str:
        return f"{self.host or 'local socket'}:{self.port}/{self.dbname}"


@dataclass(frozen=True)
class _Span:
    start: int
    end: int
    raw: str

    @property
    def value(self) -> str:
        return self.raw[1:-1].replace("''", "'") if self.raw.startswith("'") else self.raw


@dataclass(frozen=True)
class Entry:
    """The line of one database in the file where it stands; ``text`` is that file's whole content."""

    path: Path
    text: str
    database: str
    end: int
    """Where the entry's last word ends in ``text``."""
    words: dict[str, _Span]

    @property
    def address(self) -> Address:
        """Where the entry points, pgbouncer's defaults included."""
        found = {key: span.value for key, span in self.words.items()}
        port = found.get("port", "5432")
        if not port.isdigit():
            raise _unreadable(self.path, self.database)
        return Address(found.get("host"), int(port), found.get("dbname", self.database))

    def pointing_at(self, address: Address) -> str:
        """The file's content with host, port and dbname of this entry changed and nothing else.

        A word that already says so, if only by default, is left alone.
        """
        here, there = vars(self.address), vars(address)
        changed = {key: str(value) for key, value in there.items() if value != here[key] and value}
        text = self.text
        added = "".join(f" {key}={_quoted(value)}" for key, value in changed.items() if key not in self.words)
        text = text[: self.end] + added + text[self.end :]
        known = [(self.words[key], value) for key, value in changed.items() if key in self.words]
        for span, value in sorted(known, key=lambda pair: pair[0].start, reverse=True):
            text = text[: span.start] + _quoted(value, span.raw.startswith("'")) + text[span.end :]
        return text


def find_entry(conffile: Path, database: str) -> Entry:
    """The entry of ``database`` that counts, included files followed.

    Problem "route-not-in-config" where there is none (a ``*`` fallback serves it, or nothing).
    """
    found: Entry | None = None
    fallback = ""
    for line in _lines(conffile, _Section(), 0):
        if line.name == database:
            found = _entry(line, database)
        elif line.name == "*":
            fallback = line.value
    if found is None:
        raise _missing(conffile, database, fallback)
    return found


def content(text: str) -> bytes:
    """A text of this module as the bytes of its file."""
    return text.encode("utf-8", "surrogateescape")


@dataclass
class _Section:
    """pgbouncer's section goes on into an included file and out of it again."""

    name: str = ""


@dataclass(frozen=True)
class _Line:
    path: Path
    text: str
    name: str
    value: str
    start: int


def _lines(path: Path, section: _Section, depth: int) -> Iterator[_Line]:
    """All entries of [databases], in the order in which pgbouncer reads them."""
    if depth > _DEEPEST:
        raise Problem("config-includes-itself", f"{path} is included more than {_DEEPEST} files deep.")
    text = files.read(path).decode("utf-8", "surrogateescape")
    offset = 0
    for line in text.split("\n"):
        if match := _SECTION.match(line):
            section.name = match[1]
        elif match := _INCLUDE.match(line):
            yield from _lines(_included(path, match[1]), section, depth + 1)
        elif section.name == "databases" and (match := _ENTRY.match(line)):
            yield _Line(path, text, _unquoted_name(match[1]), match[2], offset + match.start(2))
        offset += len(line) + 1


def _included(path: Path, name: str) -> Path:
    """pgbouncer takes a relative name from its working folder, which is usually that of its config."""
    included = path.parent / name
    if not included.exists():
        what = f"{path} includes {name}, which is not in {path.parent}."
        raise Problem("include-not-found", what, f"Write its absolute path behind %include in {path}.")
    return included


def _entry(line: _Line, database: str) -> Entry:
    words: dict[str, _Span] = {}
    position = 0
    while match := _WORD.match(line.value, position):
        start = line.start + match.start("value")
        words[match["key"]] = _Span(start, start + len(match["value"]), match["value"])
        position = match.end()
    if position != len(line.value):
        raise _unreadable(line.path, database)
    return Entry(line.path, line.text, database, line.start + len(line.value), words)


def _unquoted_name(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _quoted(value: str, always: bool = False) -> str:
    if _PLAIN.fullmatch(value) and not always:
        return value
    return "'" + value.replace("'", "''") + "'"


def _unreadable(path: Path, database: str) -> Problem:
    what = f"The entry of {database} in [databases] of {path} is not a connection string pgbouncer accepts."
    return Problem("route-unreadable", what, f"Correct it there: {database} = host=... port=... dbname=...")


def _missing(conffile: Path, database: str, fallback: str) -> Problem:
    words = fallback or "host=... port=5432"
    line = f"{database} = {words}" + ("" if "dbname=" in words else f" dbname={database}")
    by = "only the fallback * serves it" if fallback else "it has no entry there"
    what = f"[databases] of {conffile} does not name {database}: {by}, so there is nothing to swap."
    if "password" in fallback:
        line = f"{database} = (the words of the * entry) dbname={database}"
    return Problem("route-not-in-config", what, f"Add this line to [databases] and RELOAD: {line}")
