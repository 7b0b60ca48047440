"""What pg_restore and psql complain of, each with the object's name and how bad it is.

Exit code 0 is not a restore, and exit code 1 may be one: what counts is which objects are not there.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from dbrestore.logical.entries import Entry
from problem import Problem

Grade = Literal["harmless", "lossy", "fatal"]
SHOWN = 12
_LONGEST = 100
"""Characters of a command that stands for its object."""
_HARMLESS = re.compile(
    r'schema "public" already exists|(?:extension|language) "plpgsql" already exists'
    # pg_dump sets none with a dot for its session: such a one is what a function or a check asked for
    r'|unrecognized configuration parameter "[^".]+"|invalid command \\(?:un)?restrict'
    # a new cluster has no tablespaces: what lay in one lies in the default one
    r'|could not set default_tablespace|invalid value for parameter "default_tablespace"'
)
_LOSSY_KINDS = {
    "ACL", "DEFAULT ACL", "COMMENT", "SECURITY LABEL", "STATISTICS", "STATISTICS DATA", "PUBLICATION",
    "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA",
    "SUBSCRIPTION", "SUBSCRIPTION TABLE", "DATABASE PROPERTIES", "MATERIALIZED VIEW DATA",
}  # fmt: skip
_LOSSY_COMMANDS = re.compile(
    r"\s*(?:GRANT|REVOKE|COMMENT ON|SECURITY LABEL|SET default_tablespace|ALTER [\s\S]*? OWNER TO )",
    re.IGNORECASE,
)
_GIVES = re.compile(r"\s*ALTER ([A-Z ]+?) (\S.*) OWNER TO ")
_PSQL = re.compile(r"psql:[^:]*:(\d+): (?:ERROR|FATAL|error):\s*(.*)|psql:[^:]*:(\d+): (invalid command .*)")


@dataclass(frozen=True)
class Complaint:
    """One error of a load."""

    grade: Grade
    label: str
    """Kind and name of the object: "FK CONSTRAINT public.orders orders_user_fkey"."""
    said: str
    """The server's words, in one line."""

    def __str__(self) -> str:
        return f"{self.grade}: {self.label}: {self.said}"


def grade(label: str, said: str, command: str = "") -> Grade:
    """How bad an error is: fatal where data, structure or a rule on it is missing.

    Lossy is what the data can do without: owners, grants, comments, replication, what a materialized view
    is refreshed with. A policy or a trigger is fatal: without it the instance shows or keeps other rows than
    the original. Harmless is told by the server's own message alone: what follows it may quote a row.
    """
    if not label.startswith("TABLE DATA ") and _HARMLESS.search(said.partition("\n")[0]):
        return "harmless"
    if label.startswith("COMMENT EXTENSION "):
        return "harmless"
    if label.startswith("POLICY "):
        return "fatal"
    kind = next((kind for kind in _LOSSY_KINDS if label == kind or label.startswith(kind + " ")), None)
    return "lossy" if kind or _LOSSY_COMMANDS.match(command) else "fatal"


def of_pg_restore(stderr: str, entries: Iterable[Entry]) -> list[Complaint]:
    """The errors in pg_restore's messages; its warnings and its closing count are none."""
    errors = [
        message.removeprefix("error: ")
        for message in re.split(r"^pg_restore: ", stderr, flags=re.MULTILINE)[1:]
        if message.startswith("error: ")
    ]
    labels = {(one.label, _line(one.sql)) for one in entries} if errors else set()
    owners, commands = [label for label, _ in labels], {line: label for label, line in labels if line}
    return [_of_message(message, commands, owners) for message in errors]


def _of_message(message: str, commands: Mapping[str, str], labels: list[str]) -> Complaint:
    """pg_restore tells the command and not whose it is; ``commands`` are those of the labels."""
    said, _, command = message.partition("Command was: ")
    said = re.sub(r"^could not execute query: ", "", said)
    line = _line(command)
    label = commands.get(line) or _given_away(command, labels) or line[:_LONGEST] or "the archive"
    return Complaint(grade(label, said, command), label, _line(re.sub(r"^ERROR:\s+", "", said)))


def _given_away(command: str, labels: list[str]) -> str:
    """Whose owner a command sets, by its label: pg_restore names no entry there. Empty for other commands."""
    match = _GIVES.match(command)
    if not match:
        return ""
    name = re.sub(r'"((?:[^"]|"")+)"', lambda quoted: quoted[1].replace('""', '"'), match[2])
    found = f"{match[1]} {name}"
    like = [one for one in labels if one.partition("(")[0] == found.partition("(")[0]]
    return like[0] if len(like) == 1 else found


def of_psql(stderr: str, labels: list[tuple[int, str]]) -> list[Complaint]:
    """The errors in psql's messages. ``labels``: at which line of its input an object begins."""
    return list(_psql(stderr, labels))


def _psql(stderr: str, labels: list[tuple[int, str]]) -> Iterator[Complaint]:
    for match in _PSQL.finditer(stderr):
        line, said = int(match[1] or match[3]), match[2] or match[4]
        label = next((name for start, name in reversed(labels) if start <= line), "the script's head")
        yield Complaint(grade(label, said, _command(said)), label, _line(said))


def _command(said: str) -> str:
    """psql does not repeat the statement; a role that is missing can only cost owners and grants."""
    return "GRANT" if re.match(r'role "[^"]*" does not exist', said) else ""


def counted(complaints: Iterable[Complaint]) -> dict[str, int]:
    """How many there are of each grade, for the outputs."""
    grades = [one.grade for one in complaints]
    return {name: grades.count(name) for name in ("harmless", "lossy", "fatal")}


def judge(complaints: Iterable[Complaint], accepted: Iterable[str]) -> None:
    """Problem ``restore-incomplete`` where something is missing that nobody accepted.

    ``accepted`` names lossy objects by their labels; what is fatal cannot be accepted.
    """
    known = set(accepted)
    bad = [
        one for one in complaints if one.grade == "fatal" or (one.grade == "lossy" and one.label not in known)
    ]
    if not bad:
        return
    bad.sort(key=lambda one: one.grade)
    lines = [str(one) for one in bad[:SHOWN]] + ([f"and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else [])
    what = "The dump did not load completely, so the restore is refused:\n" + "\n".join(lines)
    raise Problem("restore-incomplete", what, _cure(bad))


def _cure(bad: list[Complaint]) -> str:
    if any(one.grade == "fatal" for one in bad):
        return "Mend what the server names, or take another dump; then run the same command again."
    words = " ".join(f"--accept {shlex.quote(one.label)}" for one in bad)
    return f"Mend what the server names, or do without, by the same command with {words}"


def _line(text: str) -> str:
    return " ".join(text.split())
