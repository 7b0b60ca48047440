"""The entries of docs/errors.md: what each error means, its cause, its cure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from problem import Misuse

_BESIDE = Path(__file__).parent / "errors.md"  # in an installed package
DOCUMENT = _BESIDE if _BESIDE.exists() else Path(__file__).parents[1] / "docs/errors.md"
_PART = re.compile(r"^(?P<marks>##+) (?P<title>.+)$", re.MULTILINE)
_ENTRY = re.compile(
    r"(?P<codes>Exit [\d or]+\.) (?P<meaning>.+?)\n\n- Cause: (?P<cause>.+?)\n- Cure: (?P<cure>.+)", re.DOTALL
)

_OBVIOUS = ("interrupted", "not-explained", "unknown")


@dataclass(frozen=True)
class Entry:
    """One error as the document has it."""

    name: str
    section: str
    line: int
    """Where its heading stands, counted from 1."""
    codes: str
    """ "Exit 3." or "Exit 1 or 3." """
    meaning: str
    cause: str
    cure: str

    def document(self) -> dict[str, object]:
        """JSON values."""
        exits = [int(code) for code in re.findall(r"\d+", self.codes)]
        words = {"name": self.name, "section": self.section, "meaning": self.meaning}
        return {**words, "cause": self.cause, "cure": self.cure, "exit": exits}


def entries() -> dict[str, Entry]:
    """All errors by name, in the document's order; ValueError where an entry lacks a part."""
    text, section, found = DOCUMENT.read_text(), "", dict[str, Entry]()
    headings = [*_PART.finditer(text)]
    for number, heading in enumerate(headings):
        if heading["marks"] == "##":
            section = heading["title"]
            continue
        end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
        line = text.count("\n", 0, heading.start()) + 1
        found[heading["title"]] = _entry(heading["title"], section, line, text[heading.end() : end])
    return found


def _entry(name: str, section: str, line: int, body: str) -> Entry:
    parts = _ENTRY.fullmatch(body.strip())
    if parts is None:
        raise ValueError(
            f"errors.md, line {line}: {name} is not of the form Exit N. ..., - Cause: ..., - Cure: ..."
        )
    return Entry(name, section, line, parts["codes"], parts["meaning"], parts["cause"], parts["cure"])


def is_explained(name: str) -> bool:
    """Whether an error has an entry that says more than its message does."""
    try:
        return name not in _OBVIOUS and f"\n### {name}\n" in DOCUMENT.read_text()
    except OSError:
        return False


def entry(name: str) -> Entry:
    """The one of that name; Misuse ``not-explained`` where there is none."""
    known = entries()
    if name not in known:
        from stacks.messages import nearest

        what = f"There is no error {name!r}{nearest(name, known)}."
        raise Misuse("not-explained", what, "They are all listed by: reforge explain")
    return known[name]
