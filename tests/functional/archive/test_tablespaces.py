"""A base backup with tablespaces is not restored by half: it is listed with the reason why not."""

from __future__ import annotations

from pathlib import Path

from archive.backups import list_backups
from tests.support.servers import Postgres, folder, postgres_tool, run


def test_a_backup_with_tablespaces_is_listed_and_not_used(server_folder: Path) -> None:
    with Postgres(folder(server_folder / "pg")) as server:
        place, copy = folder(server_folder / "space"), folder(server_folder / "copy")
        server.execute(f"CREATE TABLESPACE fast LOCATION '{place}'")
        server.execute("CREATE TABLE kept_there (id int) TABLESPACE fast")
        target = folder(server_folder / "base") / "monday"
        command = [str(postgres_tool("pg_basebackup")), "-D", str(target), "-d", server.url(), "-X", "none"]
        run([*command, "-c", "fast", "-T", f"{place}={copy}"])
    found = list_backups(server_folder / "base")
    assert not found.usable
    assert [(one.name, "tablespaces" in one.why) for one in found.broken] == [("monday", True)]
