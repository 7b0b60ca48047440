"""The library versions that text was sorted with: indexes of another version may be wrong without a word.

PostgreSQL notes the version of a collation when it is made or refreshed (manual, "Collation Support"), of a
database since version 15. Where it noted none, the versions of the two machines are compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Facts, Properties, Server, identifier

_USED = """
    used AS (
        SELECT c.oid, count(DISTINCT i.indexrelid) AS indexes
        FROM pg_collation c JOIN (
            SELECT indexrelid, unnest(indcollation) AS collation FROM pg_index
            UNION ALL
            SELECT NULL, attcollation FROM pg_attribute WHERE attnum > 0 AND attcollation <> 0
        ) i ON i.collation = c.oid
        GROUP BY c.oid)"""
"""The collations that columns or indexes use, and how many indexes; the default one has OID 100."""


class CollationVersions(Aspect):
    """A version other than the recorded one is a gate where indexes depend on it."""

    def query(self, server: Server) -> str:
        actual = "pg_database_collation_actual_version(d.oid)"
        if server.version < 150000:  # it has neither: the library's version is that of any collation of it
            actual = """CASE WHEN d.datcollate NOT IN ('C', 'POSIX') AND d.datcollate NOT LIKE 'C.%' THEN (
                SELECT pg_collation_actual_version(oid) FROM pg_collation WHERE collprovider = 'c'
                AND collcollate NOT IN ('C', 'POSIX') AND collcollate NOT LIKE 'C.%' LIMIT 1) END"""
        return f"""
            WITH {_USED}
            SELECT 'database', jsonb_build_object('name', d.datname, 'oid', 100,
                'recorded', to_jsonb(d) ->> 'datcollversion', 'actual', {actual},
                'refresh', {server.version >= 150000},
                'indexes', coalesce((SELECT indexes FROM used WHERE oid = 100), 0))
            FROM pg_database d WHERE d.datname = current_database()
            UNION ALL
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.collname), jsonb_build_object(
                'name', c.collname, 'oid', c.oid::bigint, 'recorded', c.collversion,
                'actual', pg_collation_actual_version(c.oid), 'refresh', true, 'indexes', used.indexes)
            FROM pg_collation c JOIN used USING (oid) JOIN pg_namespace n ON n.oid = c.collnamespace
            WHERE c.collprovider IN ('c', 'i')"""  # noqa: S608 - our own constants

    def differences(self, source: Facts | None, restored: Facts) -> Iterator[Difference]:
        for name, after in sorted(restored.items()):
            before = (source or {}).get(name)
            built_with, here = after["recorded"], after["actual"]
            if built_with is None and before:
                built_with = before["actual"]
            if built_with and here and built_with != here:
                yield _difference(name, before, after, built_with)
            elif before and before["actual"] and here and before["actual"] != here:
                yield _difference(name, before, after, before["actual"], settled=True)


def _difference(
    name: str, source: Properties | None, restored: Properties, built_with: str, settled: bool = False
) -> Difference:
    same_there = bool(source and source["recorded"] == built_with and source["actual"] == restored["actual"])
    harmless = settled or same_there or not restored["indexes"]
    what = "database" if name == "database" else name
    return Difference(
        "collation-version" if name == "database" else f"collation-version:{restored['name']}",
        f"database {restored['name']}" if name == "database" else name,
        built_with,
        restored["actual"],
        "note" if harmless else "gate",
        _why(restored, settled, same_there),
        "" if settled or not restored["refresh"] else _refresh(what, restored["name"]),
    )


def _why(restored: Properties, settled: bool, same_there: bool) -> str:
    if settled:
        return "This machine sorts text by another version; its indexes were built or refreshed with it."
    if same_there:
        return "The source has the same: its library was renewed under its indexes. Reindex both."
    if not restored["indexes"]:
        return "Text was sorted by another version, but no index depends on it."
    return (
        f"{restored['indexes']} indexes were sorted by another version of the library: "
        "lookups may miss rows, and unique keys let in doubles."
    )


def _refresh(name: str, database: str) -> str:
    if name == "database":
        return f"ALTER DATABASE {identifier(database)} REFRESH COLLATION VERSION;"
    return f"ALTER COLLATION {name} REFRESH VERSION;"


def affected(facts: Facts, differences: list[Difference]) -> list[int]:
    """The OIDs of the collations that were found to differ and that indexes depend on."""
    named = {
        one.object.removeprefix("database ") for one in differences if one.aspect == "collation-versions"
    }
    return [
        found["oid"]
        for name, found in facts.items()
        if found["indexes"] and (name in named or (name == "database" and found["name"] in named))
    ]
