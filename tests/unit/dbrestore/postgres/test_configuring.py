"""What is written into a restored data directory besides the copy."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dbrestore.postgres import configuring
from dbrestore.postgres.cluster import Cluster, Unanswered
from dbrestore.postgres.inputs import InstanceInputs
from problem import Problem, Refusal
from toolchain.accounts import Account, server_account
from toolchain.postgres import Binaries

SEGMENT = "000000010000000000000001"


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    directory = tmp_path / "restores" / "r"
    directory.mkdir(parents=True)
    (directory / configuring.AUTO).write_text(
        "work_mem = '8MB'\nport = '5432'\nrecovery_target = 'immediate'\n"
    )
    binaries = Binaries(tmp_path / "bin", "15.1", "path")
    return Cluster(directory, binaries, None, 5544, directory, "app")


def inputs(cluster: Cluster, **more: Any) -> InstanceInputs:
    source = {"database": "d", "user": "app", "archive": "/wal", "backups": "/base"}
    declared = {"name": "r", "directory": cluster.directory, "source": source, "until": {"kind": "latest"}}
    return InstanceInputs.model_validate(
        declared | {"operators": ["203.0.113.7/32"], "clients": ["10.0.0.0/8"]} | more
    )


def rules(cluster: Cluster) -> list[str]:
    text = (cluster.directory / "reforge_hba.conf").read_text()
    return [line.split(" #")[0] for line in text.splitlines() if line.startswith("host")]


def test_a_new_folder_is_closed_to_others_and_says_whether_its_parent_is_new(tmp_path: Path) -> None:
    assert configuring.make_folder(tmp_path / "restores" / "one", None)
    assert not configuring.make_folder(tmp_path / "restores" / "two", None)
    assert (tmp_path / "restores" / "two").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir(mode=0o750)
    assert not configuring.make_folder(tmp_path / "one", None)
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o750


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_new_folders_belong_to_the_servers_account(tmp_path: Path) -> None:
    owner = server_account()
    assert isinstance(owner, Account)
    configuring.make_folder(tmp_path / "restores" / "one", owner)
    assert {path.stat().st_uid for path in (tmp_path / "restores", tmp_path / "restores" / "one")} == {
        owner.uid
    }


def test_only_operators_get_in_until_the_application_may(cluster: Cluster) -> None:
    configuring.write_hba(cluster, inputs(cluster))
    assert rules(cluster) == ["host all all 203.0.113.7/32 md5"]
    configuring.write_hba(cluster, inputs(cluster, access="application"))
    assert rules(cluster) == ["host all all 203.0.113.7/32 md5", "host all all 10.0.0.0/8 md5"]
    configuring.write_hba(cluster, inputs(cluster))
    assert rules(cluster) == ["host all all 203.0.113.7/32 md5"]


def test_the_originals_own_rules_hold_where_the_backup_has_them(cluster: Cluster) -> None:
    (cluster.directory / "pg_hba.conf").write_text("hostssl d app 192.0.2.0/24 scram-sha-256\n")
    configuring.write_hba(cluster, inputs(cluster, access="application"))
    assert rules(cluster)[1:] == ["hostssl d app 192.0.2.0/24 scram-sha-256"]


def test_what_is_written_nobody_else_reads(cluster: Cluster) -> None:
    configuring.write_hba(cluster, inputs(cluster))
    assert (cluster.directory / "reforge_hba.conf").stat().st_mode & 0o777 == 0o600


def test_another_port_is_the_only_thing_that_changes(cluster: Cluster) -> None:
    configuring.write_port(cluster, 5599)
    text = (cluster.directory / configuring.AUTO).read_text()
    assert text == "work_mem = '8MB'\nrecovery_target = 'immediate'\nport = '5599'\n"


def test_what_others_wrote_in_another_encoding_stays_byte_for_byte(cluster: Cluster) -> None:
    auto = cluster.directory / configuring.AUTO
    auto.write_bytes("cluster_name = 'Größe'\n".encode("latin-1"))
    configuring.write_port(cluster, 5599)
    assert auto.read_bytes() == "cluster_name = 'Größe'\nport = '5599'\n".encode("latin-1")


def test_a_finished_instance_keeps_nothing_of_its_recovery(cluster: Cluster) -> None:
    (cluster.directory / "reforge-finished.conf").write_text("work_mem = '8MB'\nport = '5432'\n")
    for _run in ("the first", "one that was killed before it was finished"):
        configuring.leave_recovery_settings(cluster.directory)
        assert (cluster.directory / configuring.AUTO).read_text() == "work_mem = '8MB'\nport = '5432'\n"


@pytest.mark.parametrize(
    ("libraries", "left_out"),
    [("", []), ("pg_stat_statements", []), ("pg_cron", ["pg_cron"]), ("a, pg_cron", ["pg_cron"])],
)
def test_libraries_that_were_left_out_are_told(cluster: Cluster, libraries: str, left_out: list[str]) -> None:
    (cluster.directory / "postgresql.conf").write_text(f"shared_preload_libraries = '{libraries}'\n")
    assert configuring.left_out_libraries(cluster.directory) == left_out


def test_a_backup_without_a_configuration_of_its_own_left_nothing_out(cluster: Cluster) -> None:
    assert configuring.left_out_libraries(cluster.directory) == []


@pytest.mark.parametrize(
    ("mode", "owned", "writable"),
    [(0o600, True, True), (0o400, True, False), (0o644, False, False), (0o666, False, True)],
)
def test_links_are_for_an_archive_that_the_server_may_write_to(
    tmp_path: Path, mode: int, owned: bool, writable: bool
) -> None:
    (tmp_path / SEGMENT).touch(mode=0o600)
    (tmp_path / SEGMENT).chmod(mode)
    uid = os.getuid() if owned else os.getuid() + 1
    assert configuring._writable(tmp_path, Account("server", uid, uid)) is writable


def test_an_archive_without_a_segment_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "00000002.history").touch()
    assert not configuring._writable(tmp_path, None)
    (tmp_path / SEGMENT).touch()
    assert configuring._writable(tmp_path, None)


class Stopped(Cluster):
    """A server that takes no connection; it ends, or stays as it is."""

    lives = False

    def start(self) -> None:
        pass

    @contextlib.contextmanager
    def connect(self, database: str = "", user: str = "") -> Iterator[Any]:
        raise Unanswered("unanswered", "nobody is there")
        yield

    @property
    def running(self) -> bool:
        return self.lives

    def complaint(self) -> str:
        return "The server said:\nFATAL: out of luck"


@pytest.mark.parametrize("lives", [True, False])
def test_a_server_that_does_not_come_up_is_told_in_its_own_words(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, lives: bool
) -> None:
    monkeypatch.setattr(configuring, "START_SECONDS", 0.1)
    monkeypatch.setattr(Stopped, "lives", lives)
    with pytest.raises(Problem, match=r"does not come up[.]\nThe server said:\nFATAL: out of luck") as caught:
        configuring.start_and_wait(Stopped(**vars(cluster)))
    assert caught.value.name == "start-failed"


def test_settings_are_written_through_no_link(tmp_path: Path) -> None:
    """wal-g brings links along as they were: to where the original keeps its settings."""
    theirs, ours = tmp_path / "etc.conf", tmp_path / "postgresql.conf"
    theirs.write_text("theirs")
    theirs.chmod(0o644)
    ours.symlink_to(theirs)
    configuring.own(ours, "ours", None)
    assert (theirs.read_text(), theirs.stat().st_mode & 0o777) == ("theirs", 0o644)
    assert (ours.read_text(), ours.is_symlink()) == ("ours", False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_a_socket_folder_that_somebody_else_laid_out_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    theirs, link = tmp_path / "theirs", tmp_path / "reforge-1"
    theirs.mkdir()
    link.symlink_to(theirs)
    found = replace(cluster, account=server_account(), socket_directory=link)
    with pytest.raises(Refusal, match="was not made by Reforge"):
        found.start()
    assert theirs.stat().st_uid == 0


@pytest.mark.parametrize(
    ("last", "full"),
    [("PANIC:  could not write: No space left on device\n", True), ("FATAL:  else\n", False)],
)
def test_the_log_of_a_server_tells_a_full_file_system(cluster: Cluster, last: str, full: bool) -> None:
    assert not cluster.out_of_space
    cluster.log.write_text("LOG:  starting\n" + last)
    assert cluster.out_of_space is full
