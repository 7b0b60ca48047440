"""ANALYZE of every table, several at a time, the largest first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from dbrestore.handler import Context
from dbrestore.logical.programs import interrupted
from dbrestore.logical.target import Target

_TABLES = """
    SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'm') AND nspname !~ '^(pg_|information_schema$)'
     ORDER BY pg_relation_size(c.oid) DESC
"""


def analyse(target: Target, jobs: int, context: Context) -> int:
    """Statistics for the planner; gives how many tables there are. ANALYZE's own rights apply."""
    tables = [str(row[0]) for row in target.rows(_TABLES)]
    queue: SimpleQueue[str] = SimpleQueue()
    for table in tables:
        queue.put(table)
    context.progress(f"analysing {len(tables)} tables")

    def work() -> None:
        with target.connect() as connection:
            while not context.cancelled.is_set():
                try:
                    table = queue.get_nowait()
                except Empty:
                    return
                connection.execute(f"ANALYZE {table}".encode())

    with ThreadPoolExecutor(jobs) as pool:
        for worker in [pool.submit(work) for _ in range(min(jobs, len(tables)))]:
            worker.result()
    if context.cancelled.is_set():
        raise interrupted()
    return len(tables)
