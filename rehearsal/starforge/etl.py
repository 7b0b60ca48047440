"""StarForge's ETL worker: takes unprocessed snapshots and brings the profile summaries up to date.

``python -m rehearsal.starforge.etl`` runs until SIGTERM, then finishes its batch. It survives a
restarted or exchanged database: it connects again, with DATABASE_URL read anew.
"""

from __future__ import annotations

import logging
import os
import signal
import threading

import psycopg

from rehearsal.starforge.settings import database_url

log = logging.getLogger("starforge.etl")

BATCH = 100
"""Snapshots of one transaction."""
IDLE = 0.2
"""Seconds between two looks at an empty queue."""
RETRY = 0.5
"""Seconds before connecting again."""

# Summaries are written in the order of user_id, so that two workers never wait for each other in a ring;
# and never over a newer one, which a worker with a later batch may have written meanwhile.
_PROCESS = """
WITH batch AS (
    SELECT id, user_id, payload, created_at FROM hero_snapshots WHERE processed_at IS NULL
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), done AS (
    UPDATE hero_snapshots AS h SET processed_at = clock_timestamp() FROM batch WHERE h.id = batch.id
    RETURNING h.id
), latest AS (
    SELECT DISTINCT ON (user_id) user_id, payload, created_at FROM batch
    ORDER BY user_id, created_at DESC, id DESC
), summary AS (
    INSERT INTO user_profile_summary AS s (user_id, namecode, heroes, power, updated_at)
    SELECT l.user_id, u.namecode, (l.payload->>'heroes')::int, (l.payload->>'power')::bigint, l.created_at
    FROM latest AS l JOIN users AS u ON u.id = l.user_id ORDER BY l.user_id
    ON CONFLICT (user_id) DO UPDATE
    SET heroes = excluded.heroes, power = excluded.power, updated_at = excluded.updated_at
    WHERE s.updated_at <= excluded.updated_at
)
SELECT count(*) FROM done
"""


def process_batch(connection: psycopg.Connection) -> int:
    """Process at most ``BATCH`` snapshots in one transaction; how many there were."""
    with connection.transaction():
        row = connection.execute(_PROCESS, [BATCH]).fetchone()
    return int(row[0]) if row else 0


def work(stopping: threading.Event) -> None:
    """Process batches, over as many connections as it takes, until ``stopping``."""
    while not stopping.is_set():
        try:
            with psycopg.connect(database_url(), autocommit=True, prepare_threshold=None) as connection:
                log.info("connected to port %s", connection.info.port)
                _drain(connection, stopping)
        except psycopg.OperationalError as error:
            log.warning("database lost, connecting again: %s", " ".join(str(error).split()))
            stopping.wait(RETRY)


def _drain(connection: psycopg.Connection, stopping: threading.Event) -> None:
    while not stopping.is_set():
        if count := process_batch(connection):
            log.info("processed %d snapshots", count)
        else:
            stopping.wait(IDLE)


def main() -> None:
    """Work until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(name)s[{os.getpid()}] %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    work(stopping)
    log.info("stopped")


if __name__ == "__main__":
    main()
