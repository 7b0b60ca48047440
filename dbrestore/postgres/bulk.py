"""A server that is loaded as one that can be made anew: nothing durable, no WAL that could be left out.

The settings stand in postgresql.auto.conf while the mark says ``loading``. Whatever ends a load before
it is durable, the next run begins at initdb.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dbrestore.postgres.cluster import Cluster

FLUSH_SECONDS = 2.0
_MIB = 1 << 20
_FLUSHED_FROM = 8 * _MIB
WAL_SIZE = 256 * _MIB
"""Bytes, about: tables that all connections fill together need WAL, and more of it than this is not kept.

Few segments that are written again and again are sooner written than many new ones.
"""


def settings(jobs: int) -> dict[str, str]:
    """For so many connections (PostgreSQL manual, "Populating a Database" and "Non-Durable Settings")."""
    processors = os.cpu_count() or 1
    return {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": f"{WAL_SIZE // _MIB}MB",
        "wal_buffers": "16MB",
        "wal_init_zero": "off",
        "checkpoint_timeout": "1d",
        "autovacuum": "off",
        "max_parallel_maintenance_workers": str(processors),
        "max_worker_processes": str(max(8, jobs + processors)),
    }


@contextmanager
def flushing(cluster: Cluster) -> Iterator[None]:
    """Write out what tables the server has filled, while it works: at the end little is left to wait for.

    Not its WAL, which is gone by then.
    """
    ended = threading.Event()

    def flush() -> None:
        while not ended.wait(FLUSH_SECONDS):
            for path in (cluster.directory / "base").glob("*/*"):
                with suppress(OSError):  # gone meanwhile; whether all is on disk shows at the end
                    _flush(path)

    thread = threading.Thread(target=flush, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _flush(path: Path) -> None:
    if path.stat().st_size >= _FLUSHED_FROM:
        with path.open("rb") as file:
            os.fdatasync(file.fileno())
