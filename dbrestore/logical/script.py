"""Plain SQL of pg_dump, taken apart as it streams by: statements by the object they make, and rows.

pg_dump writes a header before each object (pg_backup_archiver.c, _printTocEntry); rows stand between a
``COPY ... FROM stdin;`` and a line ``\\.``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from dbrestore.logical.entries import label_of

BLOCK = 1 << 18
_HEADER = re.compile(
    rb"-- (?:Data for )?Name: (?P<name>.*); Type: (?P<kind>[^;]+);"
    rb" Schema: (?P<schema>[^;]*); Owner: (?P<owner>[^;\n]*)"
)
_COPY = re.compile(rb"^COPY [^\n]* FROM stdin;\r?\n", re.MULTILINE)
_ENDS = (b"\\.\n", b"\\.\r\n")
_DATA = "TABLE DATA"


@dataclass(frozen=True)
class Title:
    """What a header says: kind, schema, name and owner of the object whose statements follow."""

    kind: str = ""
    schema: str = ""
    name: str = ""
    owner: str = ""

    @property
    def label(self) -> str:
        return label_of(self.kind, self.schema, self.name) or "the script's head"


HEAD = Title()
"""Of what stands before the first header."""


@dataclass(frozen=True)
class Part:
    """A piece of the script. ``copy`` is the line that begins rows, ``end`` the one after them."""

    kind: Literal["text", "copy", "rows", "end"]
    title: Title
    data: bytes


def parts(file: BinaryIO) -> Iterator[Part]:
    """The whole script, in order and without a gap; rows and statements in pieces of whole lines."""
    splitter, rest = _Splitter(), b""
    while block := file.read(BLOCK):
        rest += block
        whole = rest.rfind(b"\n") + 1
        yield from splitter.split(rest[:whole])
        rest = rest[whole:]
    if rest:
        yield from splitter.split(rest)


class _Splitter:
    """Splits blocks of whole lines; remembers between them whether it is within rows, and of what."""

    def __init__(self) -> None:
        self._title, self._within = HEAD, False

    def split(self, block: bytes) -> Iterator[Part]:
        while block:
            if self._within:
                data, end, block = _rows(block)
                if data:
                    yield Part("rows", self._title, data)
                if end:
                    self._within = False
                    yield Part("end", self._title, end)
            else:
                begin = _COPY.search(block)
                yield from self._text(block[: begin.start()] if begin else block)
                block = block[begin.end() :] if begin else b""
                if begin:
                    # A function's body may look like it too; data has a header that says so, if any has.
                    self._within = self._title.kind in ("", _DATA)
                    yield Part("copy" if self._within else "text", self._title, begin[0])

    def _text(self, text: bytes) -> Iterator[Part]:
        start = 0
        for match in _HEADER.finditer(text):
            if match.start() and text[match.start() - 1 : match.start()] != b"\n":
                continue
            if match.start() > start:
                yield Part("text", self._title, text[start : match.start()])
            start = match.start()
            self._title = _title(match)
        if start < len(text):
            yield Part("text", self._title, text[start:])


def _rows(block: bytes) -> tuple[bytes, bytes, bytes]:
    """Rows up to their end, the end itself if it is there, and what follows."""
    at = 0 if block.startswith(_ENDS) else block.find(b"\n\\.") + 1
    for end in _ENDS:
        if block.startswith(end, at):
            return block[:at], end, block[at + len(end) :]
    return block, b"", b""


def _title(match: re.Match[bytes]) -> Title:
    texts = (match[name].decode(errors="replace").strip() for name in ("kind", "schema", "name", "owner"))
    kind, schema, name, owner = ("" if text == "-" else text for text in texts)
    return Title(kind, schema, name, owner)
