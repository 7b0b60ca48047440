"""A point-in-time recovery as the PostgreSQL manual has it: copy the backup, write settings, start, wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.site import Site
from tests.support.ground import free_port, run

_WAIT_SECONDS = 3600


def copied(site: Site, name: str) -> Path:
    """``cp -a`` of the base backup, durable afterwards."""
    data = site.folder("by-hand") / name
    run(["cp", "-a", str(site.place / "base" / site.backup.name), str(data)])
    run(["sync", "-f", str(data)])
    data.chmod(0o700)
    return data


@contextmanager
def recovered(site: Site, data: Path, restore_command: str) -> Iterator[float]:
    """Replay to the target and promote; gives the seconds from the start to the first write."""
    port = free_port()
    settings = {
        "port": port,
        "unix_socket_directories": data,
        "restore_command": restore_command,
        "recovery_target_time": site.target,
        "recovery_target_action": "promote",
        "archive_mode": "off",
        "fsync": "on",
    }
    with (data / "postgresql.auto.conf").open("a") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    (data / "recovery.signal").touch()
    pg_ctl = [str(site.binaries.tool("pg_ctl")), "-D", str(data), "-w", "-t", str(_WAIT_SECONDS)]
    begun = time.perf_counter()
    run([*pg_ctl, "start", "-l", str(data / "log")])
    try:
        _wait_for_writes(port)
        yield time.perf_counter() - begun
    finally:
        run([*pg_ctl, "stop", "-m", "immediate"])
        site.remove(data)


def _wait_for_writes(port: int) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
            if time.monotonic() > deadline:
                raise TimeoutError("the recovery by hand does not end")
            time.sleep(0.05)
