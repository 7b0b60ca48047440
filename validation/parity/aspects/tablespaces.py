"""Tablespaces by name and options; where they lie is what a restore must change."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Properties, Server, identifier


class Tablespaces(Aspect):
    """A missing one that the source's database uses is a gate: statements that name it fail."""

    def query(self, server: Server) -> str:
        return """
            SELECT t.spcname, jsonb_build_object('options', coalesce(t.spcoptions, '{}'), 'used',
                EXISTS (SELECT FROM pg_class c WHERE c.reltablespace = t.oid) OR
                EXISTS (SELECT FROM pg_database d WHERE d.dattablespace = t.oid
                        AND d.datname = current_database()))
            FROM pg_tablespace t WHERE t.spcname !~ '^pg_'"""

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        if source is None:
            yield Difference(
                f"tablespace:{name}", name, None, "there", "note", "The source does not have it."
            )
        elif restored is None:
            used = source["used"]
            yield Difference(
                f"tablespace:{name}",
                name,
                "there, in use" if used else "there, not used by this database",
                None,
                "gate" if used else "note",
                "What creates or moves tables there fails." if used else "It is not there.",
                f"CREATE TABLESPACE {identifier(name)} LOCATION '/a/new/empty/folder';",
            )
        elif source["options"] != restored["options"]:
            yield Difference(
                f"tablespace:{name}",
                name,
                source["options"],
                restored["options"],
                "note",
                "Its options move the planner's choices.",
                f"ALTER TABLESPACE {identifier(name)} SET ({', '.join(source['options'])});"
                if source["options"]
                else "",
            )
