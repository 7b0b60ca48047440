"""The one error class of Reforge: something a person must know and can act on.

Every package may import this module and nothing else of the others' errors; foreign exceptions
(the engine's, PostgreSQL's, a cloud API's) are mapped to it at their boundary.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


class Problem(Exception):
    """A failure in words for its reader: what failed, on what, and what to type next.

    ``name`` is the stable kebab-case identifier that docs and scripts refer to.
    """

    exit_code = 1

    def __init__(self, name: str, what: str, cure: str = "") -> None:
        super().__init__(f"{what}\n{cure}" if cure else what)
        self.name, self.what, self.cure = name, what, cure

    @property
    def message(self) -> str:
        """In one text that brings the name through a program which passes on words only; see ``heard``."""
        return f"{self.what} [{self.name}]\n{self.cure}".rstrip()


_MESSAGE = re.compile(r"(?P<what>.*?) \[(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)\](?:\n(?P<cure>.*))?", re.DOTALL)


def heard(message: str) -> Problem | None:
    """The problem that spoke a ``message``; None where the text is of somebody else."""
    found = _MESSAGE.fullmatch(message.strip())
    return Problem(found["name"], found["what"], found["cure"] or "") if found else None


def listed(names: Iterable[str], most: int = 8) -> str:
    """ "a, b, c and 997 more", for a message."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def unusable(error: OSError) -> Problem:
    """A file or folder that the system keeps from us: rights, a full or a read-only file system."""
    why = error.strerror or str(error)
    what = f"{error.filename}: {why}." if error.filename else f"A file cannot be used: {why}."
    return Problem("file-unusable", what, "Mend that, then run the same command again.")


class Misuse(Problem):
    """Wrong usage or a wrong value in the config: nothing was started."""

    exit_code = 2


class Refusal(Problem):
    """A gate said no: nothing was changed."""

    exit_code = 3
