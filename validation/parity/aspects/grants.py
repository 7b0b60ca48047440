"""Who may do what with database, schemas, tables, columns, functions, types and the rest."""

from __future__ import annotations

from collections.abc import Iterator

from problem import listed
from validation.parity.aspect import Aspect, Difference, Facts, Properties, Server, Severity, lines
from validation.parity.objects import OBJECTS
from validation.parity.rights import RIGHTS, grants, lacking, revoke

_Found = dict[tuple[str, str], list[tuple[str, list[str]]]]
"""By grantee and kind of object: the object and the rights."""


class Grants(Aspect):
    """A missing right is a gate: one difference for each grantee and kind of object.

    Only objects that both sides have are compared: what time brought or took is no matter of rights.
    """

    def query(self, server: Server) -> str:
        rights = RIGHTS.format(acl="acl", owner="owner")
        return f"""
            WITH {OBJECTS}, more(kind, object, owner, acl) AS (
                SELECT * FROM objects
                UNION ALL
                SELECT 'database', quote_ident(datname), datdba, coalesce(datacl, acldefault('d', datdba))
                FROM pg_database WHERE datname = current_database()
                UNION ALL
                SELECT 'tablespace', quote_ident(spcname), spcowner, 
                       coalesce(spcacl, acldefault('t', spcowner))
                FROM pg_tablespace WHERE spcname <> 'pg_global'
                UNION ALL
                SELECT 'column', 
                       quote_ident(nspname) || '.' || quote_ident(relname) || '.' || quote_ident(attname),
                       relowner, attacl
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                    JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND attnum > 0
                      AND NOT attisdropped AND relkind IN ('r', 'p', 'v', 'm', 'f') AND attacl IS NOT NULL)
            SELECT kind || CASE kind WHEN 'database' THEN '' ELSE ' ' || object END,
                   jsonb_build_object('kind', kind, 'object', object, 'owner', pg_get_userbyid(owner),
                                      'rights', coalesce({rights}, '{{}}'))
            FROM more"""  # noqa: S608 - our own constants

    def differences(self, source: Facts | None, restored: Facts) -> Iterator[Difference]:
        missing: _Found = {}
        extra: _Found = {}
        for name, before in (source or {}).items():
            after = restored.get(name) or _columns_table(before, restored)
            if after is None or before == after:
                continue
            _collect(missing, before, lacking(before["rights"], after["rights"], after["owner"]))
            _collect(extra, before, lacking(after["rights"], before["rights"], before["owner"]))
        yield from (_difference("gate", *found) for found in sorted(missing.items()))
        yield from (_difference("note", *found) for found in sorted(extra.items()))


def _columns_table(column: Properties, restored: Facts) -> Properties | None:
    """A column without rights of its own is not among the facts: it has none, where its table is there."""
    if column["kind"] != "column":
        return None
    table = restored.get("table " + column["object"].rpartition(".")[0])
    return {"rights": {}, "owner": table["owner"]} if table else None


def _collect(into: _Found, of: Properties, rights: dict[str, list[str]]) -> None:
    for grantee, missing in rights.items():
        into.setdefault((grantee, of["kind"]), []).append((of["object"], missing))


def _difference(severity: Severity, of: tuple[str, str], found: list[tuple[str, list[str]]]) -> Difference:
    grantee, kind = of
    plural = kind if len(found) == 1 else f"{len(found)} {kind}s"
    words = listed((f"{', '.join(rights)} on {object_}" for object_, rights in found), most=3)
    gate = severity == "gate"
    name = f"grant:{grantee}:{kind.replace(' ', '-')}" + ("" if gate else ":extra")
    statements = [
        statement for object_, rights in found for statement in _statements(gate, of, object_, rights)
    ]
    return Difference(
        name,
        f"{grantee} on {plural}",
        words if gate else None,
        None if gate else words,
        severity,
        "What needs these rights is refused."
        if gate
        else "The source does not give them (any more): rights that were taken away are back.",
        lines(statements),
    )


def _statements(gate: bool, of: tuple[str, str], object_: str, rights: list[str]) -> list[str]:
    """What gives a gate's missing rights, or takes a note's away again."""
    grantee, kind = of
    on = f"{_KINDS.get(kind, kind.upper())} {object_}"
    if kind == "column":
        table, _, column = object_.rpartition(".")
        on = f"TABLE {table}"
        rights = [f"{right.rstrip('*')} ({column})" + "*" * right.endswith("*") for right in rights]
    return grants(rights, on, grantee) if gate else [revoke(rights, on, grantee)]


_KINDS = {"aggregate": "FUNCTION"}
