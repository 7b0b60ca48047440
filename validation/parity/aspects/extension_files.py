"""Whether this machine has the files of the extensions that a restored database was brought with."""

from __future__ import annotations

from collections.abc import Iterator

from validation.parity.aspect import Aspect, Difference, Facts, Server
from validation.parity.versions import is_older


class ExtensionFiles(Aspect):
    """A physical restore brings the catalog's entry and not the library: the first call fails."""

    def query(self, server: Server) -> str:
        return """SELECT e.extname, jsonb_build_object('version', e.extversion, 'files', a.default_version)
                  FROM pg_extension e LEFT JOIN pg_available_extensions a ON a.name = e.extname"""

    def differences(self, source: Facts | None, restored: Facts) -> Iterator[Difference]:
        for name, found in sorted(restored.items()):
            if found["files"] is None or is_older(found["files"], found["version"]):
                yield Difference(
                    f"extension-files:{name}",
                    name,
                    found["version"],
                    found["files"],
                    "gate",
                    "The database has it and this machine does not: calls fail once they need its library."
                    if found["files"] is None
                    else "The machine's files are older than what the database was made with.",
                    f"Install {name} {found['version']} for this server; look into "
                    "pg_available_extension_versions.",
                )
