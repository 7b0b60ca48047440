"""Afterwards: whether everything that the dump has is in the catalog."""

from __future__ import annotations

from collections.abc import Iterable

from dbrestore.logical.complaints import Complaint, grade
from dbrestore.logical.entries import Entry
from dbrestore.logical.target import Target

_CATALOG = """
    SELECT CASE WHEN relkind IN ('r', 'p') THEN 'TABLE' WHEN relkind = 'v' THEN 'VIEW'
                WHEN relkind = 'S' THEN 'SEQUENCE' WHEN relkind = 'm' THEN 'MATERIALIZED VIEW'
                WHEN relkind = 'f' THEN 'FOREIGN TABLE' ELSE 'INDEX' END AS kind,
           nspname, relname AS name
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'v', 'S', 'm', 'f', 'i', 'I')
    UNION ALL
    SELECT 'MATERIALIZED VIEW DATA', nspname, relname
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'm' AND relispopulated
    UNION ALL
    SELECT CASE contype WHEN 'f' THEN 'FK CONSTRAINT' WHEN 'c' THEN 'CHECK CONSTRAINT' ELSE 'CONSTRAINT' END,
           nspname, relname || ' ' || conname
      FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = relnamespace
    UNION ALL
    SELECT 'CHECK CONSTRAINT', nspname, typname || ' ' || conname
      FROM pg_constraint k JOIN pg_type t ON t.oid = contypid JOIN pg_namespace n ON n.oid = typnamespace
    UNION ALL
    SELECT CASE prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END, nspname,
           proname || '(' || coalesce((SELECT string_agg(format_type(t, NULL), ', ' ORDER BY i)
                                         FROM unnest(proargtypes) WITH ORDINALITY a(t, i)),
                                      CASE prokind WHEN 'a' THEN '*' ELSE '' END) || ')'
      FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
    UNION ALL
    SELECT 'TRIGGER', nspname, relname || ' ' || tgname
      FROM pg_trigger g JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace
    UNION ALL
    SELECT 'POLICY', nspname, relname || ' ' || polname
      FROM pg_policy p JOIN pg_class c ON c.oid = polrelid JOIN pg_namespace n ON n.oid = relnamespace
    UNION ALL
    SELECT 'RULE', nspname, relname || ' ' || rulename
      FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class JOIN pg_namespace n ON n.oid = relnamespace
    UNION ALL
    SELECT CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, nspname, typname
      FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
    UNION ALL
    SELECT 'STATISTICS', nspname, stxname FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = stxnamespace
    UNION ALL
    SELECT 'COLLATION', nspname, collname FROM pg_collation l JOIN pg_namespace n ON n.oid = collnamespace
    UNION ALL SELECT 'SCHEMA', '', nspname FROM pg_namespace
    UNION ALL SELECT 'EXTENSION', '', extname FROM pg_extension
    UNION ALL SELECT 'EVENT TRIGGER', '', evtname FROM pg_event_trigger
    UNION ALL SELECT 'PUBLICATION', '', pubname FROM pg_publication
    UNION ALL SELECT 'SERVER', '', srvname FROM pg_foreign_server
    UNION ALL SELECT 'BLOB', '', oid::text FROM pg_largeobject_metadata
"""
KINDS = {
    "TABLE", "VIEW", "SEQUENCE", "MATERIALIZED VIEW", "FOREIGN TABLE", "INDEX", "FK CONSTRAINT",
    "CHECK CONSTRAINT", "CONSTRAINT", "PROCEDURE", "AGGREGATE", "FUNCTION", "TRIGGER", "POLICY", "RULE",
    "DOMAIN", "TYPE", "STATISTICS", "COLLATION", "SCHEMA", "EXTENSION", "EVENT TRIGGER", "PUBLICATION",
    "SERVER", "BLOB", "MATERIALIZED VIEW DATA",
}  # fmt: skip
_MISSING = "is in the dump and not in the database"


def catalog(target: Target) -> set[tuple[str, str, str]]:
    """Kind, schema and name, in pg_dump's words, of everything that is there."""
    return {(str(kind), str(schema), str(name)) for kind, schema, name in target.rows(_CATALOG)}


def missing(entries: Iterable[Entry], target: Target) -> list[Complaint]:
    """A complaint for each entry of a known kind that the catalog does not have."""
    there = catalog(target)
    return [
        Complaint(grade(one.label, _MISSING), one.label, _MISSING)
        for one in entries
        if one.kind in KINDS and (one.kind, one.schema, one.name) not in there
    ]


def compared(entries: Iterable[Entry]) -> int:
    """How many entries ``missing`` looks for."""
    return sum(one.kind in KINDS for one in entries)
