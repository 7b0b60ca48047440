"""Whether the order in indexes over text is right on this machine, by amcheck (manual, "amcheck")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import errors

from validation.connections import Connection, connect, in_words, mapped
from validation.parity.aspect import Difference

Tell = Callable[[str], None]
_SCHEMA = "reforge_amcheck"
_LONGEST = timedelta(hours=4)
"""For one index; a check reads it once."""
_LISTED = """
    SELECT i.indexrelid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname), m.amname
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_am m ON m.oid = c.relam
    WHERE c.relkind = 'i' AND i.indisvalid AND n.nspname !~ '^pg_'
        AND (%(all)s AND EXISTS (SELECT FROM unnest(i.indcollation) k WHERE k NOT IN (0, 950, 951))
             OR i.indcollation::oid[] && %(collations)s::oid[])
    ORDER BY pg_relation_size(c.oid)"""
_AMCHECK = """
    SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'amcheck'"""


@dataclass(frozen=True)
class IndexCheck:
    """Indexes that amcheck found in order, damaged ones with its words, and those not looked at with why."""

    sound: tuple[str, ...] = ()
    damaged: dict[str, str] = field(default_factory=dict)
    unchecked: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """In JSON's types."""
        return {**asdict(self), "sound": list(self.sound)}

    def differences(self) -> Iterator[Difference]:
        """Damaged indexes are gates; unchecked ones are told once, with the commands that make them safe."""
        for name, words in self.damaged.items():
            yield Difference(
                f"index:{name}",
                name,
                None,
                words,
                "gate",
                "It is not sorted as this machine sorts: lookups miss rows.",
                f"REINDEX INDEX {name};",
                "indexes",
            )
        if self.unchecked:
            yield Difference(
                "indexes-unchecked",
                f"{len(self.unchecked)} indexes over text",
                None,
                "; ".join(sorted(set(self.unchecked.values()))),
                "note",
                "Whether their order is right is not known. Rebuilding them makes sure.",
                "\n".join(f"REINDEX INDEX {name};" for name in self.unchecked),
                "indexes",
            )


def check_indexes(url: str, collations: list[int] | None, tell: Tell = lambda _text: None) -> IndexCheck:
    """Check the order of every index that sorts by one of ``collations`` (OIDs), or by any for None.

    ``tell`` takes a line for people before each. Reads each index once. Where amcheck is not installed it is
    made in a transaction that is rolled back: nothing of it stays, whatever happens. Raises Unreachable or
    Problem("query-failed").
    """
    with (
        mapped(url, "checking its indexes"),
        connect(url, read_only=False, statement_timeout=_LONGEST) as connection,
        connection.transaction(force_rollback=True),
    ):
        listed = connection.execute(
            _LISTED, {"all": collations is None, "collations": collations or []}
        ).fetchall()
        if not listed:
            return IndexCheck()
        schema, missing = _amcheck(connection)
        readable = [(oid, name) for oid, name, method in listed if method == "btree" and not missing]
        known = {name for _, name in readable}
        unchecked = {
            name: missing or f"amcheck knows no {method} indexes"
            for _, name, method in listed
            if name not in known
        }
        found = _checked(connection, schema, readable, tell)
        return replace(found, unchecked=unchecked | found.unchecked)


def _amcheck(connection: Connection) -> tuple[str, str]:
    """The schema of amcheck's functions, or why there are none."""
    row = connection.execute(_AMCHECK).fetchone()
    if row:
        return str(row[0]), ""
    try:
        with connection.transaction():
            connection.execute(f"CREATE SCHEMA {_SCHEMA}")
            connection.execute(f"CREATE EXTENSION amcheck SCHEMA {_SCHEMA}")
    except psycopg.Error as error:
        return "", f"amcheck cannot be made by this role: {in_words(error)}"
    return _SCHEMA, ""


def _checked(connection: Connection, schema: str, indexes: list[tuple[int, str]], tell: Tell) -> IndexCheck:
    sound: list[str] = []
    damaged: dict[str, str] = {}
    unchecked: dict[str, str] = {}
    for number, (oid, name) in enumerate(indexes, 1):
        tell(f"index {number} of {len(indexes)}: {name}")
        try:
            with connection.transaction():
                connection.execute(f"SELECT {schema}.bt_index_check(%s::regclass)", [oid])
            sound.append(name)
        except errors.IndexCorrupted as error:
            damaged[name] = in_words(error)
        except psycopg.Error as error:
            unchecked[name] = in_words(error)
    return IndexCheck(tuple(sound), damaged, unchecked)
