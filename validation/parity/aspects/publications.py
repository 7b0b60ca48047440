"""Publications of logical replication."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Properties, Server, identifier


class Publications(Aspect):
    """A missing or other one is a gate: who replicates from it, or reads its changes, loses rows silently."""

    def query(self, server: Server) -> str:
        return """
            SELECT p.pubname, jsonb_build_object('all', p.puballtables, 'insert', p.pubinsert,
                'update', p.pubupdate, 'delete', p.pubdelete, 'truncate', p.pubtruncate,
                'root', coalesce((to_jsonb(p) ->> 'pubviaroot')::bool, false),
                'tables', CASE WHEN NOT p.puballtables THEN ARRAY(
                    SELECT quote_ident(t.schemaname) || '.' || quote_ident(t.tablename)
                           || coalesce(' WHERE ' || (to_jsonb(t) ->> 'rowfilter'), '')
                    FROM pg_publication_tables t WHERE t.pubname = p.pubname ORDER BY 1) END)
            FROM pg_publication p"""

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        yield Difference(
            f"publication:{name}",
            name,
            _words(source),
            _words(restored),
            "gate" if source else "note",
            "Subscribers and CDC no longer get all changes."
            if source
            else "The source does not have it (any more).",
            _cure(name, source, restored) if source else "",
        )


_ACTIONS = ("insert", "update", "delete", "truncate")


def _words(found: Properties | None) -> str | None:
    if found is None:
        return None
    tables = "all tables" if found["all"] else f"tables {', '.join(found['tables']) or 'none'}"
    root = ", by the partitions' root" if found["root"] else ""
    return f"{', '.join(action for action in _ACTIONS if found[action])} of {tables}{root}"


def _cure(name: str, source: Properties, restored: Properties | None) -> str:
    publication = identifier(name)
    actions = ", ".join(action for action in _ACTIONS if source[action])
    options = f"publish = '{actions}', publish_via_partition_root = {str(source['root']).lower()}"
    tables = ", ".join(source["tables"] or [])
    target = "FOR ALL TABLES" if source["all"] else f"FOR TABLE {tables}" if tables else ""
    if restored is None or source["all"] != restored["all"]:
        drop = f"DROP PUBLICATION {publication};\n" if restored else ""
        return drop + " ".join(f"CREATE PUBLICATION {publication} {target} WITH ({options});".split())
    set_tables = f"ALTER PUBLICATION {publication} SET TABLE {tables};\n" if tables else ""
    return f"{set_tables}ALTER PUBLICATION {publication} SET ({options});"
