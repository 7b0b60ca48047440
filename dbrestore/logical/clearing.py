"""Half-made objects of a load that was killed, taken out of the database that was empty before it.

Only ever called for a target whose ledger says so: all that is there besides what was there before is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql

from dbrestore.logical.ledger import SCHEMA
from dbrestore.logical.target import Target

_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)'"
_EXTENSIONS = "SELECT extname FROM pg_extension"
_EVENT_TRIGGERS = "SELECT evtname FROM pg_event_trigger"
_PUBLICATIONS = "SELECT pubname FROM pg_publication"
_SERVERS = "SELECT srvname FROM pg_foreign_server"
KINDS = {
    "EVENT TRIGGER": _EVENT_TRIGGERS, "PUBLICATION": _PUBLICATIONS, "SERVER": _SERVERS,
    "EXTENSION": _EXTENSIONS, "SCHEMA": _SCHEMAS,
}  # fmt: skip
_INSIDE = """
    SELECT format('DROP %s IF EXISTS %I.%I CASCADE',
                  CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'm' THEN 'MATERIALIZED VIEW'
                               WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, nspname, relname)
      FROM pg_class o JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND nspname = ANY (%(kept)s) AND NOT {owned_class}
    UNION ALL
    SELECT format('DROP ROUTINE IF EXISTS %I.%I(%s) CASCADE', nspname, proname,
                  pg_get_function_identity_arguments(o.oid))
      FROM pg_proc o JOIN pg_namespace n ON n.oid = pronamespace
     WHERE nspname = ANY (%(kept)s) AND NOT {owned_proc}
    UNION ALL
    SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', nspname, typname)
      FROM pg_type o JOIN pg_namespace n ON n.oid = typnamespace
     WHERE typtype IN ('d', 'e', 'r') AND nspname = ANY (%(kept)s) AND NOT {owned_type}
"""
_OWNED = (
    "EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{of}'::regclass AND d.objid = o.oid"
    " AND d.deptype = 'e')"
)
_LARGE = "SELECT lo_unlink(oid) FROM pg_largeobject_metadata"


def inventory(target: Target) -> dict[str, list[str]]:
    """What there is before a load of the kinds that lie in no schema, and the schemas."""
    return {kind: [str(row[0]) for row in target.rows(query)] for kind, query in KINDS.items()}


def clear(before: Mapping[str, Any], target: Target) -> None:
    """Take out whatever is not ``before`` an empty database was loaded into, but for the ledger itself."""
    kept = [one for one in before["SCHEMA"] if one not in target.managed]
    with target.connect() as connection:
        connection.execute("SET client_min_messages = warning")
        for kind, query in KINDS.items():
            for (name,) in connection.execute(query.encode()).fetchall():
                if name not in before[kind] and name != SCHEMA:
                    text = sql.SQL("DROP {} IF EXISTS {} CASCADE").format(sql.SQL(kind), sql.Identifier(name))
                    connection.execute(text)
        owned = {f"owned_{of}": _OWNED.format(of=f"pg_{of}") for of in ("class", "proc", "type")}
        inside = _INSIDE.replace("%s", "%%s").replace("%I", "%%I").format(**owned)
        for (statement,) in connection.execute(inside.encode(), {"kept": kept}).fetchall():
            connection.execute(statement.encode())
        connection.execute(_LARGE.encode())
