"""Extensions and their versions."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Properties, Server, identifier, literal
from validation.parity.versions import is_older


class Extensions(Aspect):
    """A missing or older one, or one in another schema, is a gate: calls of its functions fail."""

    def query(self, server: Server) -> str:
        return """SELECT e.extname, jsonb_build_object('version', e.extversion, 'schema', n.nspname)
                  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"""

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        stable, extension = f"extension:{name}", identifier(name)
        if source is None:
            version = (restored or {})["version"]
            yield Difference(stable, name, None, version, "note", "The source does not have it.")
        elif restored is None:
            yield Difference(
                stable,
                name,
                source["version"],
                None,
                "gate",
                "Its functions, types and operators are missing.",
                f"CREATE EXTENSION {extension} SCHEMA {identifier(source['schema'])} "
                f"VERSION {literal(source['version'])};",
            )
        else:
            yield from self._versions(name, source, restored)
            yield from self._schemas(name, source, restored)

    def _versions(self, name: str, source: Properties, restored: Properties) -> Iterator[Difference]:
        before, after = source["version"], restored["version"]
        if before == after:
            return
        older = is_older(after, before)
        yield Difference(
            f"extension:{name}",
            name,
            before,
            after,
            "gate" if older else "note",
            "An older version lacks what the source's has." if older else "It is newer than the source's.",
            f"ALTER EXTENSION {identifier(name)} UPDATE TO {literal(before)};" if older else "",
        )

    def _schemas(self, name: str, source: Properties, restored: Properties) -> Iterator[Difference]:
        if source["schema"] != restored["schema"]:
            yield Difference(
                f"extension:{name}:schema",
                name,
                source["schema"],
                restored["schema"],
                "gate",
                "A search_path that finds its functions in the source does not find them here.",
                f"ALTER EXTENSION {identifier(name)} SET SCHEMA {identifier(source['schema'])};",
            )
