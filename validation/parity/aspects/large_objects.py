"""Large objects, which pg_dump leaves out where schemas or tables are chosen."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Properties, Server


class LargeObjects(Aspect):
    """None at all where the source has some is a gate; another count is what time has changed."""

    def query(self, server: Server) -> str:
        return """SELECT 'large objects', jsonb_build_object('count', count(*))
                  FROM pg_largeobject_metadata"""

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        if not (source and restored):
            return
        lost = restored["count"] == 0
        yield Difference(
            "large-objects",
            name,
            source["count"],
            restored["count"],
            "gate" if lost else "note",
            "All large objects are missing: what refers to them by OID finds nothing."
            if lost
            else "Their number differs; the restored one is of another moment.",
            "Dump and load them too: pg_dump --large-objects (before version 16: --blobs)." if lost else "",
        )
