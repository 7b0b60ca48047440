"""What a dump needs of the server that it is loaded into: roles, extensions, the database's properties."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from dbrestore.logical.entries import Entry
from problem import Refusal
from toolchain.postgres import Binaries

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_NAMES = rf"{_NAME}(?:\s*,\s*{_NAME})*"
_GRANTEES = re.compile(
    rf"(?:TO|FROM)\s+({_NAMES})(?:\s+WITH\s+GRANT\s+OPTION)?(?:\s+GRANTED\s+BY\s+({_NAME}))?\s*$",
    re.IGNORECASE,
)
_ACTORS = re.compile(
    r"^\s*(?:ALTER DEFAULT PRIVILEGES FOR ROLE|SET SESSION AUTHORIZATION|CREATE USER MAPPING FOR)"
    rf"\s+({_NAME})",
    re.IGNORECASE,
)
_POLICY = re.compile(
    rf"CREATE POLICY {_NAME} ON {_NAME}(?:\.{_NAME})?(?: AS \w+)?(?: FOR \w+)? TO ({_NAMES})", re.IGNORECASE
)
_EXTENSION = re.compile(rf"CREATE EXTENSION\s+(?:IF NOT EXISTS\s+)?({_NAME})", re.IGNORECASE)
_NOBODY = {"public", "default", "current_user", "session_user", "current_role"}
_OPTIONS = (
    "ENCODING", "LOCALE_PROVIDER", "LOCALE", "LC_COLLATE", "LC_CTYPE", "ICU_LOCALE", "ICU_RULES",
    "BUILTIN_LOCALE",
)  # fmt: skip
_OPTION = re.compile(rf"\b({'|'.join(_OPTIONS)})\s*=\s*('(?:[^']|'')*'|\w+)")
GRANTING = {"ACL", "DEFAULT ACL"}


@dataclass(frozen=True)
class DatabaseOptions:
    """How the dump's database was made; empty where the dump does not say."""

    owner: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    """Options of CREATE DATABASE: ENCODING, LOCALE_PROVIDER, LOCALE..."""

    @property
    def encoding(self) -> str:
        return self.settings.get("ENCODING", "")

    @property
    def locales(self) -> set[str]:
        """Names of libc's locales that it needs."""
        provider = self.settings.get("LOCALE_PROVIDER", "libc")
        names = {"LC_COLLATE", "LC_CTYPE"} | ({"LOCALE"} if provider == "libc" else set())
        return {value for name, value in self.settings.items() if name in names}

    def at(self, locale: str) -> DatabaseOptions:
        """The same with the locale asked for; else the dump's, else C where a cluster's does not fit."""
        if not locale and len(self.settings) == 1 and self.encoding not in ("UTF8", "SQL_ASCII"):
            locale = "C"  # the cluster's own is of UTF-8
        if not locale:
            return self
        kept = {name: value for name, value in self.settings.items() if name == "ENCODING"}
        return replace(self, settings=kept | {"LOCALE": locale})


def database_options(entries: Iterable[Entry]) -> DatabaseOptions:
    """From CREATE DATABASE, else the encoding alone from ``SET client_encoding``."""
    encoding = ""
    for entry in entries:
        if entry.kind == "DATABASE":
            found = {name: value.strip("'") for name, value in _OPTION.findall(entry.sql)}
            return DatabaseOptions(entry.owner, found)
        if entry.kind == "ENCODING":
            match = re.search(r"client_encoding\s*=\s*'([^']+)'", entry.sql)
            encoding = match[1] if match else encoding
    return DatabaseOptions(settings={"ENCODING": encoding} if encoding else {})


def extensions(entries: Iterable[Entry]) -> list[str]:
    """Extensions that the dump creates, by name."""
    found = (_EXTENSION.search(one.sql) for one in entries if one.kind == "EXTENSION")
    return [_plain(match[1]) for match in found if match]


def require_extensions(entries: Iterable[Entry], available: Collection[str], binaries: Binaries) -> None:
    """Refusal ``extensions-missing`` that names those that are not available."""
    absent = [name for name in extensions(entries) if name not in available]
    if absent:
        what = (
            f"The dump needs extensions that PostgreSQL {binaries.version} here lacks: {', '.join(absent)}."
        )
        cure = f"Install their packages for PostgreSQL {binaries.major}, then run the same command again."
        raise Refusal("extensions-missing", what, cure)


def roles(entries: Iterable[Entry], owners: bool = True) -> dict[str, str]:
    """Each role that the entries name, with the first entry that does; predefined ones are left out.

    ``owners``: whether ownership is restored, so that owners are needed too.
    """
    found: dict[str, str] = {}
    for entry in entries:
        named = [entry.owner] if owners and entry.owner and entry.kind != "DATABASE" else []
        for role in [*named, *_named(entry)]:
            if role.lower() not in _NOBODY and not role.startswith("pg_"):
                found.setdefault(role, entry.label)
    return found


def _named(entry: Entry) -> Iterator[str]:
    if entry.kind in GRANTING or entry.kind == "USER MAPPING":
        for statement in entry.sql.split(";\n"):
            yield from _of_statement(statement.strip().rstrip(";"))
    elif entry.kind == "POLICY":
        match = _POLICY.search(entry.sql)
        yield from _split(match[1]) if match else ()


def _of_statement(statement: str) -> Iterator[str]:
    actor, grantees = _ACTORS.search(statement), _GRANTEES.search(statement)
    if actor:
        yield _plain(actor[1])
    if grantees and re.search(r"\b(GRANT|REVOKE)\b", statement, re.IGNORECASE):
        yield from _split(grantees[1])
        if grantees[2]:
            yield _plain(grantees[2])


def _split(names: str) -> list[str]:
    return [_plain(name) for name in re.findall(_NAME, names)]


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
