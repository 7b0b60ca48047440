"""A server that is loaded as one that can be made anew: nothing durable, no WAL, all memory for indexes.

The settings stand in postgresql.auto.conf while the mark says ``loading``. Whatever ends a load before
it is durable, the next run begins at initdb.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dbrestore.postgres.cluster import Cluster

FLUSH_SECONDS = 2.0
_MIB = 1 << 20


def settings(jobs: int) -> dict[str, str]:
    """For so many connections (PostgreSQL manual, "Populating a Database" and "Non-Durable Settings")."""
    processors = os.cpu_count() or 1
    return {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "64GB",
        "checkpoint_timeout": "1d",
        "autovacuum": "off",
        "maintenance_work_mem": f"{_index_memory(jobs)}MB",
        "max_parallel_maintenance_workers": str(processors),
        "max_worker_processes": str(max(8, jobs + processors)),
    }


def _index_memory(jobs: int) -> int:
    """MiB for each index that is built: all of them together take a quarter of the machine's memory."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB
    return max(64, min(2048, total // 4 // jobs))


@contextmanager
def flushing(cluster: Cluster) -> Iterator[None]:
    """Write out what the server has written, while it works: at the end little is left to wait for."""
    ended = threading.Event()

    def flush() -> None:
        while not ended.wait(FLUSH_SECONDS):
            sync(cluster)

    thread = threading.Thread(target=flush, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def sync(cluster: Cluster) -> None:
    """Have the file system of the data directory on disk (syncfs(2))."""
    subprocess.run(["sync", "-f", str(cluster.directory)], check=True)
