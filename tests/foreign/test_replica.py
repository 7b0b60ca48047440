"""A standby of a foreign cluster, promoted, is what the cluster is: it replayed all that was committed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbrestore.handler import Context
from dbrestore.replica.promotion import Promotion
from tests.foreign.agreement import Place, difference, seen, unlogged_rows
from tests.foreign.cluster import Foreign
from tests.foreign.ground import built
from tests.foreign.specimens import SPECIMENS
from tests.support.ground import folder, run, wait_until

_EXPLAINED = ("sequences-ahead",)
NAME = "promoted"


class ForeignStandby(Foreign):
    """Streams from another foreign server; what it is made of is that one's."""

    def __init__(self, directory: Path, primary: Foreign) -> None:
        super().__init__(directory, primary.binaries, primary.made)
        self.primary = primary

    def _initialise(self) -> None:
        rows = self.primary.execute(
            "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname !~ '^pg_'"
        )
        spaces = [
            f"--tablespace-mapping={old}={folder(self.place / 'disks') / Path(old).name}" for (old,) in rows
        ]
        words = ["-D", str(self.data), "-d", self.primary.url(), "-R", "-c", "fast", "--no-sync", *spaces]
        run([self.tool("pg_basebackup"), *words])
        self._configure()
        if self.made.config_elsewhere:  # a base backup does not bring it
            rules = self.primary.config.parent / "pg_hba.conf"
            (self.data / "pg_hba.conf").write_bytes(rules.read_bytes())
            (self.data / "pg_ident.conf").touch()
            self._move_config()

    def _prepare(self) -> None:
        """Nothing: it is read-only."""

    def catch_up(self) -> None:
        """Until it has replayed what the primary has by now."""
        lsn = self.primary.execute("SELECT pg_current_wal_flush_lsn()")[0][0]
        reached = f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'"
        wait_until(lambda: self.execute(reached)[0][0], 60, f"the standby replaying {lsn}")


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECIMENS)
def test_a_promoted_standby_is_the_source(name: str) -> None:
    with built(name) as server:
        features = SPECIMENS[name].features
        for feature in features:
            feature.before(server)
        with ForeignStandby(server.place / "standby", server) as standby:
            for feature in features:
                feature.after(server)
            source = seen(server.binaries, Place(server.port, server.made.superuser))
            standby.catch_up()
            promote(server, standby)
            place = Place(standby.port, server.made.superuser)
            found = seen(server.binaries, place)
            for database, text in source.databases.items():
                assert difference(text, found.databases[database], *_EXPLAINED) == "", f"database {database}"
            assert all(count == 0 for count in unlogged_rows(place, server.made.database).values())


def promote(server: Foreign, standby: Foreign) -> None:
    """As an update does it with all writers stopped."""
    handler, context = Promotion(), Context(f"urn:pulumi:test::reforge::{Promotion.resource_type}::{NAME}")
    database = server.made.database
    known: dict[str, Any] = {
        "name": NAME,
        "replica": "standby-1",
        "url": standby.plain_url(database),
        "sourceUrl": server.plain_url(database),
        "adminUrl": server.plain_url(database),
        "writing": "none",
        "by": "itself",
    }
    identity, state = handler.create(context, Promotion.inputs.model_validate(known))
    after = handler.update(
        context, identity, state, Promotion.inputs.model_validate(known | {"serving": NAME})
    )
    assert after["inRecovery"] is False
