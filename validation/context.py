"""What a check can reach: the database under validation, the source, the target time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from psycopg.pq import TransactionStatus

from problem import Misuse
from validation.connections import (
    STATEMENT_TIMEOUT,
    Address,
    Connection,
    address,
    connect,
    read_only_url,
    secrets,
)
from validation.samples import Samples


@dataclass(frozen=True, repr=False)
class Subject:
    """The database to validate. ``target_time`` is the moment that it was restored to, with its zone.

    A ``standby`` is promoted later: that it is in recovery is as it should be. ``samples`` is the file that
    committed rows are noted in until they are removed again; without one a killed run leaves them.
    """

    url: str
    source_url: str | None = None
    target_time: datetime | None = None
    standby: bool = False
    samples: Path | None = None

    def __post_init__(self) -> None:
        if self.target_time is not None and self.target_time.utcoffset() is None:
            raise Misuse(
                "time-without-zone",
                f"the target time {self.target_time.isoformat()} has no zone",
                "Add it, for example 2025-12-03T14:23:00Z.",
            )

    def __repr__(self) -> str:  # the URLs carry passwords
        return f"Subject({self.address})"

    @property
    def address(self) -> Address:
        return address(self.url)

    def scrubbed(self, text: str) -> str:
        """``text`` without the passwords of either URL."""
        for secret in (*secrets(self.url), *secrets(self.source_url)):
            text = text.replace(secret, "***")
        return text


class Context:
    """Connections for the checks of one run, opened when first needed and closed together."""

    def __init__(self, subject: Subject, statement_timeout: timedelta = STATEMENT_TIMEOUT) -> None:
        self.subject, self._timeout = subject, statement_timeout
        self._database: Connection | None = None
        self._source: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.renew()
        if self._source is not None:
            self._source.close()

    @property
    def database(self) -> Connection:
        """Read-only; all checks up to the next writing one see the same snapshot through it."""
        if self._database is None:
            self._database = self._open(self.subject.url)
        return self._database

    @property
    def samples(self) -> Samples:
        """What commits a sample, and removes it."""
        return Samples(self.subject.samples)

    @property
    def in_recovery(self) -> bool:
        """Whether the server is a standby: it takes no write from anybody."""
        row = self.database.execute("SELECT pg_is_in_recovery()").fetchone()
        return bool(row and row[0])

    @property
    def source(self) -> Connection:
        """Read-only, on the original database; raises Misuse when its URL is not known."""
        if self.subject.source_url is None:
            raise Misuse(
                "source-unknown",
                "this check compares with the source, and the source's URL was not given",
                "Give it with --source-url, or use at-least, at-most or exactly.",
            )
        if self._source is None:
            self._source = self._open(self.subject.source_url)
        return self._source

    @contextmanager
    def writable(self) -> Iterator[Connection]:
        """A connection that may write and commits at once: for checks that say ``write: true`` only."""
        with connect(self.subject.url, read_only=False, statement_timeout=self._timeout) as connection:
            yield connection

    def url_for_program(self, *, writing: bool) -> str:
        """The DATABASE_URL of a program that a check starts."""
        return self.subject.url if writing else read_only_url(self.subject.url)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One check's reading. What it SETs is undone; a connection that it leaves unusable is dropped.

        So one check can neither break the next one nor lift its read-only mode.
        """
        connection = self.database
        try:
            with connection.transaction(force_rollback=True):
                yield
        finally:
            if connection.closed or connection.info.transaction_status != TransactionStatus.INTRANS:
                self.renew()

    def renew(self) -> None:
        """Ends the snapshot: the next check opens a new one, and sees what a writing check left."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self, url: str) -> Connection:
        connection = connect(url, statement_timeout=self._timeout)
        connection.execute("SELECT 1")  # begins the transaction and with it the snapshot
        return connection
