"""A site leaves nothing: when it stops, when it fails to start, when its rehearsal is killed."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from problem import Problem
from rehearsal import servers
from rehearsal.processes import marked, postmasters
from rehearsal.record import Record
from rehearsal.site import Site
from tests.support.servers import Postgres, scratch, wait_until
from toolchain.accounts import server_account

KILLED = """
import sys, time
from pathlib import Path
from rehearsal.site import Site
site = Site.create(Path(sys.argv[1]))
site.start(print)
site.start_load()
print("up", flush=True)
time.sleep(600)
"""


def assert_nothing_is_left(record: Record) -> None:
    assert marked(record.folder) == []
    assert not record.folder.exists()
    assert Site.find(record.home) is None
    for port in (record.postgres_port, record.pgbouncer_port, record.api_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"port {port} is still open"


def test_a_stopped_site_leaves_no_process_port_or_folder(server_folder: Path) -> None:
    steps: list[str] = []
    site = Site.create(server_folder)
    site.start(steps.append)
    assert len(marked(site.record.folder)) > 6
    assert len(steps) == 3
    site.stop()
    assert_nothing_is_left(site.record)
    site.stop()  # a second time is no error


def test_after_a_killed_rehearsal_the_next_one_cleans_up_and_starts(server_folder: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(server_folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as rehearsal:
        assert rehearsal.stdout is not None
        wait_until(lambda: "up" in str(rehearsal.stdout and rehearsal.stdout.readline()), 30)
        rehearsal.send_signal(signal.SIGKILL)
    left = Site.find(server_folder)
    assert left is not None
    assert not left.record.owned
    assert len(marked(left.record.folder, ["load", "supervisord", "pgbouncer"])) == 3
    made = Site.create(server_folder)
    try:
        assert_ports_differ_or_free(left.record)
        assert marked(made.record.folder) == []
        assert made.record.owned
    finally:
        made.stop()
    assert_nothing_is_left(made.record)


def assert_ports_differ_or_free(record: Record) -> None:
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", record.postgres_port)) != 0


def test_an_instance_restored_into_the_site_ends_with_it(server_folder: Path) -> None:
    site = Site.create(server_folder)
    servers.make_folders(site.record, server_account())
    restored = Postgres(site.record.restores / "one")
    restored.start()
    process = restored.process
    assert process is not None
    assert postmasters(site.record.folder) == [process.pid]
    site.stop()
    assert process.wait(10) == 0
    assert_nothing_is_left(site.record)


def test_a_site_that_fails_to_start_leaves_nothing(
    server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(record: Record) -> None:
        raise Problem("pgbouncer-missing", "pgbouncer was not found.")

    monkeypatch.setattr(servers, "start_pgbouncer", fail)
    site = Site.create(server_folder)
    with pytest.raises(Problem, match="pgbouncer"), site:
        pytest.fail("it started")
    assert_nothing_is_left(site.record)


def test_a_tool_that_fails_is_a_problem_with_its_own_words() -> None:
    with pytest.raises(Problem, match="no such thing") as raised:
        servers.run(["sh", "-c", "echo no such thing >&2; exit 1"])
    assert raised.value.name == "postgres-tool-failed"


def test_an_archive_that_never_gets_its_segment_is_a_problem() -> None:
    stuck = Problem("archive-stuck", "WAL segment 1 is not in the archive.")
    with pytest.raises(Problem) as raised:
        servers.wait_for(lambda: False, 0.05, stuck)
    assert raised.value is stuck


def test_passwords_stay_out_of_arguments_and_logs(server_folder: Path) -> None:
    with Site.create(server_folder) as site:
        site.base_backup("one")
        secrets = [site.record.password, site.record.superuser_password, site.record.console_password]
        arguments = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in marked(site.record.folder))
        logs = b"".join(path.read_bytes() for path in site.record.folder.glob("*/*log*") if path.is_file())
        assert logs
        for secret in secrets:
            assert secret.encode() not in arguments + logs


def test_two_homes_do_not_disturb_each_other(server_folder: Path) -> None:
    with scratch() as elsewhere, Site.create(server_folder) as first:
        second = Site.create(elsewhere)
        second.stop()
        assert len(marked(first.record.folder)) > 4
