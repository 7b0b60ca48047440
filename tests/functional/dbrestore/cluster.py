"""A primary, its standby and a pgbouncer in front, with writers that know what was acknowledged to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from dbrestore.handler import Context
from dbrestore.pgbouncer.route import Route
from dbrestore.replica.promotion import Promotion
from tests.support.servers import Pgbouncer, Postgres, folder, scratch, wait_until
from tests.support.standby import Standby

NAME, REPLICA = "promoted", "standby-1"


@dataclass
class Cluster:
    """``primary`` and ``standby``, with the route ``app`` through ``pooler``."""

    place: Path
    primary: Postgres
    standby: Standby
    pooler: Pgbouncer
    notes: list[str] = field(default_factory=list)

    @property
    def context(self) -> Context:
        return Context(
            "urn:pulumi:test::reforge::dbrestore:replica:Promotion::promoted", note=self.notes.append
        )

    def parties(self, **more: Any) -> dict[str, Any]:
        known = {"name": NAME, "replica": REPLICA, "url": self.standby.url(), "sourceUrl": self.primary.url()}
        return known | more

    def promotion(self, **more: Any) -> Any:
        return Promotion.inputs.model_validate(self.parties(**more))

    def route(self, server: Postgres | None = None, **more: Any) -> Any:
        """The route to the standby, with the promotion; to another server without it."""
        to = server or self.standby
        values: dict[str, Any] = {
            "database": "app",
            "admins": [self.pooler.admin_url],
            "host": "127.0.0.1",
            "port": to.port,
            "url": to.url(),
        }
        if server is None:
            values["promotion"] = self.parties(**more)
        return Route.inputs.model_validate(values)

    def cut_over(self, **more: Any) -> dict[str, Any]:
        """Point the route to the standby; the route's state."""
        return Route().create(self.context, self.route(**more))[1]

    def served_port(self) -> int:
        with psycopg.connect(self.pooler.url("app"), autocommit=True, prepare_threshold=None) as client:
            row = client.execute("SELECT inet_server_port()").fetchone()
        assert row is not None
        return int(row[0])

    def line(self) -> dict[str, Any]:
        return next(row for row in self.pooler.show("DATABASES") if row["name"] == "app")

    def assert_serves(self, server: Postgres) -> None:
        """Nobody is paused, everything says ``server``, and it takes writes."""
        assert (self.line()["port"], self.line()["paused"]) == (server.port, 0)
        assert f"port={server.port} " in self.pooler.ini.read_text()
        assert self.served_port() == server.port
        with psycopg.connect(self.pooler.url("app"), autocommit=True, prepare_threshold=None) as client:
            client.execute("INSERT INTO written VALUES (gen_random_uuid())")

    def assert_nothing_left(self) -> None:
        assert sorted(path.name for path in self.pooler.directory.iterdir()) == [
            "log",
            "pgbouncer.ini",
            "userlist.txt",
        ]


@contextmanager
def cluster(settings: dict[str, str] | None = None) -> Iterator[Cluster]:
    """A cluster of its own, with an empty table ``written``."""
    with ExitStack() as stack:
        place = stack.enter_context(scratch())
        primary = stack.enter_context(Postgres(folder(place / "primary"), settings=settings))
        primary.execute("CREATE TABLE written (key uuid PRIMARY KEY)")
        standby = stack.enter_context(Standby(place / "standby", primary.url(), settings=settings))
        entry = {"app": f"host=127.0.0.1 port={primary.port} dbname=postgres"}
        pooler = stack.enter_context(Pgbouncer(folder(place / "pooler"), entry))
        yield Cluster(place, primary, standby, pooler)


_INSERT = "INSERT INTO written VALUES (gen_random_uuid()) RETURNING key::text, inet_server_port()"


@dataclass
class Writers:
    """Clients that insert one row a transaction through pgbouncer and keep every key acknowledged."""

    url: str
    acknowledged: list[tuple[str, int]] = field(default_factory=list)
    """Key, and the port of the server that took it."""
    failures: list[str] = field(default_factory=list)
    longest: float = 0.0
    """Seconds of the slowest transaction."""
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with psycopg.connect(self.url, prepare_threshold=None, autocommit=True) as client:
            while not self.ended.is_set():
                start = time.monotonic()
                try:
                    row = client.execute(_INSERT).fetchone()
                    assert row is not None
                    self.acknowledged.append((row[0], row[1]))
                except psycopg.Error as error:
                    self.failures.append(str(error))
                    self.ended.wait(0.02)
                self.longest = max(self.longest, time.monotonic() - start)
                self.ended.wait(0.002)

    def wait_for(self, count: int) -> None:
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal, what=f"{count} more writes")


@contextmanager
def writing(pooler: Pgbouncer, clients: int = 4) -> Iterator[Writers]:
    """Writers before, during and after the block."""
    made = Writers(pooler.url("app"))
    threads = [threading.Thread(target=made.run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        made.wait_for(20)
        yield made
        made.wait_for(20)
    finally:
        made.ended.set()
        for thread in threads:
            thread.join(15)


def keys(server: Postgres) -> list[str]:
    return [str(key) for (key,) in server.execute("SELECT key FROM written")]
