"""Checksums of data pages."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Properties, Server


class Checksums(Aspect):
    """Without them a damaged page is not noticed."""

    def query(self, server: Server) -> str:
        return "SELECT 'data pages', jsonb_build_object('on', current_setting('data_checksums') <> 'off')"

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        if not (source and restored):
            return
        lost = source["on"]
        yield Difference(
            "data-checksums",
            name,
            "on" if source["on"] else "off",
            "on" if restored["on"] else "off",
            "gate" if lost else "note",
            "Damage by disk or memory would no longer be noticed." if lost else "It has checksums now.",
            "Stop the restored server, then: pg_checksums --enable -D DATA_DIRECTORY" if lost else "",
        )
