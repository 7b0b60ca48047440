"""Out of a repository that only its tool reads, names are unpacked for, and WAL is fetched."""

from __future__ import annotations

from pathlib import Path

from archive.repositories.repository import look_into
from dbrestore.postgres.inputs import Source
from finding.hunt import Hunt
from finding.scene import Scene
from finding.stretches import Window
from tests.support.pgbackrest import STANZA, Repository, needs_pgbackrest
from tests.support.servers import Postgres, account, folder, scratch, wait_until


def hunt(place: Path, repository: Repository) -> Hunt:
    tool = {"stanza": STANZA, "config": str(repository.config)}
    found = look_into(Source.model_validate({"database": "postgres", "user": "postgres", "pgbackrest": tool}))
    return Hunt(Scene(found.backups, found.archive, "postgres", place / "restores", account()), Window())


@needs_pgbackrest
def test_a_truncate_is_found_in_a_pgbackrest_repository_by_table_and_by_probe() -> None:
    with scratch() as place:
        repository = Repository(place / "pgbackrest", place / "pg")
        server = Postgres(folder(place / "pg"), settings=repository.settings)
        repository.configure(server.port)
        with server:
            repository.call("stanza-create")
            server.execute("CREATE TABLE accounts AS SELECT generate_series(1, 100) AS id")
            repository.call("backup", "--type=full")
            server.execute("INSERT INTO accounts VALUES (101)")
            xid = server.execute(
                "SELECT pg_current_xact_id()::text; TRUNCATE accounts; SELECT pg_current_xact_id()::text"
            )
            server.execute("INSERT INTO accounts VALUES (1)")
            last = server.switch_wal()
            wait_until(lambda: repository.archived(last), what=f"{last} being archived")
        by_table = hunt(place, repository).table("accounts", "lost")
        assert by_table.commit.xid == int(xid[0][0])
        assert (by_table.evidence, by_table.effort.copies) == ("wal", 1), "unpacked once, for the names"
        by_probe = hunt(place, repository).probe("SELECT count(*) >= 100 FROM accounts")
        assert (by_probe.commit.xid, by_probe.evidence) == (int(xid[0][0]), "asked")
        assert not (place / "restores").exists()
