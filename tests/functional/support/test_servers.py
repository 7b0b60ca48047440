"""The servers that functional tests stand on do what the tests believe of them."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.support.servers import Pgbouncer, Postgres, Supervisord, wait_until


def _closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_postgres_archives_and_backs_up_and_pgbouncer_routes_to_it(server_folder: Path) -> None:
    archive = server_folder / "wal"
    with Postgres(server_folder / "pg", archive=archive) as server:
        server.execute("CREATE TABLE kept AS SELECT 7 AS n")
        backup = server.base_backup("first", server_folder / "base")
        assert (backup / "backup_manifest").exists()
        assert (archive / server.switch_wal()).stat().st_size == 16 * 1024 * 1024
        target = {"app": f"host=127.0.0.1 port={server.port} dbname=postgres"}
        with Pgbouncer(server_folder / "bouncer", target) as bouncer:
            assert [row["port"] for row in bouncer.show("DATABASES") if row["name"] == "app"] == [server.port]
        assert _closed(bouncer.port)
        server.stop()
        server.start()
        assert server.execute("SELECT n FROM kept") == [(7,)]
    assert _closed(server.port)


def test_supervisord_runs_the_processes_of_a_group_and_leaves_none(server_folder: Path) -> None:
    with Supervisord(server_folder, {"etl": {"worker": ("sleep 600", 2)}}) as supervisor:
        running = {"worker_00": "RUNNING", "worker_01": "RUNNING"}
        wait_until(lambda: supervisor.states("etl") == running)
        pids = [info["pid"] for info in supervisor.call("getAllProcessInfo")]
    assert len(pids) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
