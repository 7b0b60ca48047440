"""The version of the server."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Properties, Server


class ServerVersion(Aspect):
    """An older major version lacks what the application may use; any other difference is only told."""

    def query(self, server: Server) -> str:
        return """SELECT 'PostgreSQL', jsonb_build_object('version', current_setting('server_version'),
                      'number', current_setting('server_version_num')::int)"""

    def judge(
        self, name: str, source: Properties | None, restored: Properties | None
    ) -> Iterator[Difference]:
        if not (source and restored):
            return
        older = restored["number"] // 10000 < source["number"] // 10000
        yield Difference(
            "server-version",
            name,
            source["version"],
            restored["version"],
            "gate" if older else "note",
            "An older major version lacks functions, and plans differ."
            if older
            else "Plans and fixed bugs may differ.",
            "Restore with binaries of the source's version." if older else "",
        )
