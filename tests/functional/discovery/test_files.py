"""Data directory, archive and backups of a real cluster."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.discovery.conftest import Seen, archiving
from tests.support.servers import Postgres, folder, give, postgres_tool, run, scratch, wait_until

Look = Callable[..., Seen]


def test_a_cluster_is_found_whole_by_its_url_alone(cluster: Postgres, look: Look) -> None:
    seen = look()
    store = cluster.directory.parent / "store"
    assert seen.discovery.fills() == {
        "data-directory": str(cluster.data),
        "archive": str(store / "wal"),
        "backups": str(store / "base"),
    }
    assert seen.one("archive").evidence.startswith("archive_command; it holds 0000000100000000")
    assert seen.one("base backups").evidence.startswith("1 of this cluster, the newest monday of ")
    assert seen.one("data directory").evidence == "SHOW data_directory; same system identifier"
    assert seen.discovery.unseen == ()


def test_a_role_with_few_rights_finds_the_data_directory_by_the_running_server(
    cluster: Postgres, look: Look
) -> None:
    seen = look("app")
    assert seen.one("data directory").value == str(cluster.data)
    assert seen.one("data directory").evidence == "a running server's command line; same system identifier"
    assert seen.one("archive").fills


def test_another_server_of_this_machine_is_not_taken_for_it(
    cluster: Postgres, look: Look, server_folder: Path
) -> None:
    with Postgres(server_folder / "other") as other:
        other.execute("CREATE ROLE app LOGIN")
        seen = look(url=other.url().replace("postgres@", "app@"))
        assert seen.one("data directory").value == str(other.data)
        assert seen.why("archive") == "archive_mode is off: only the end of a backup can be restored"
        assert seen.found("base backups") == []


def test_a_server_that_does_not_answer_is_told_without_its_password(look: Look) -> None:
    seen = look(url="postgresql://app:hunter2@127.0.0.1:1/shop")
    assert "Connection refused" in seen.why("server")
    assert seen.why("archive") == "the server does not answer"
    assert seen.why("data directory") == "the server does not answer"
    assert "hunter2" not in str(seen.discovery.document())
    assert seen.discovery.fills() == {}


@pytest.mark.parametrize(
    ("command", "suffix"),
    [
        ("test ! -f {to}/%f && cp %p {to}/%f", ""),
        ("gzip -c %p > {to}/%f.gz", "gz"),
        ("lz4 -q -f %p {to}/%f.lz4", "lz4"),
        ("zstd -q -f %p -o {to}/%f.zst", "zst"),
        ("rsync -a %p {to}/%f", ""),
        ("{script} %p %f", "gz"),
    ],
)
def test_an_archive_is_found_where_the_last_segment_really_lies(
    cluster: Postgres, look: Look, server_folder: Path, command: str, suffix: str
) -> None:
    tool = command.split()[0]
    if tool in ("lz4", "zstd", "rsync") and not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")
    to, script = folder(server_folder / "wal"), server_folder / "archive.sh"
    script.write_text(f'#!/bin/sh\nDIR="{to}"\ngzip -c "$1" > "$DIR/$2.gz"\n')
    script.chmod(0o755)
    with archiving(cluster, command.format(to=to, script=script)):
        _switched(cluster)
        found = look().one("archive")
    assert (found.value, found.fills) == (str(to), {"archive": str(to)})
    assert "the last archived" in found.evidence
    assert found.evidence.endswith(f", {suffix} files") is bool(suffix)


def _switched(cluster: Postgres) -> None:
    """A segment that was archived since, by pg_stat_archiver."""
    before = cluster.execute("SELECT archived_count FROM pg_stat_archiver")
    cluster.execute("SELECT pg_logical_emit_message(false, 'test', 'switch')")
    cluster.execute("SELECT pg_switch_wal()")
    wait_until(
        lambda: cluster.execute("SELECT archived_count FROM pg_stat_archiver") != before, what="archiving"
    )


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("rsync -a %p store:/wal/%f", "archive_command takes it to another machine: store:/wal"),
        ("/bin/true", "archive_command archives nothing"),
        ("curl -u me:hunter2 -T %p https://store/", "archive_command is of no form that is known: curl"),
        ("/no/such/script %p %f", "archive_command calls /no/such/script, which does not show where"),
        ("cp %p /no/such/folder/%f", "archive_command names /no/such/folder, which cannot be read here"),
    ],
)
def test_an_archive_that_cannot_be_seen_says_why(
    cluster: Postgres, look: Look, command: str, why: str
) -> None:
    with archiving(cluster, command):
        seen = look()
    assert why in " ".join(one.why for one in seen.unseen("archive"))
    assert "archive" not in seen.discovery.fills()
    assert "hunter2" not in str(seen.discovery.document())


def test_an_archive_that_lacks_the_last_segment_is_a_mere_proposal(
    cluster: Postgres, look: Look, server_folder: Path
) -> None:
    with archiving(cluster, f"cp %p {folder(server_folder / 'new')}/%f"):
        found = look().one("archive")
    assert "but not the last archived" in found.evidence
    assert found.fills == {}
    assert found.add == f"--archive {server_folder / 'new'}"


def test_an_object_store_is_taken_by_its_url(cluster: Postgres, look: Look) -> None:
    with archiving(cluster, "aws s3 cp %p s3://bucket/wal/%f --only-show-errors"):
        assert look().one("archive").fills == {"archive": "s3://bucket/wal"}


def test_archiving_that_fails_is_told(server_folder: Path, look: Look) -> None:
    settings = {"archive_mode": "on", "archive_command": "false"}
    with Postgres(server_folder / "pg", settings=settings) as failing:
        failing.execute("SELECT pg_logical_emit_message(false, 'test', 'x')")
        failing.execute("SELECT pg_switch_wal()")
        query = "SELECT failed_count > 0 FROM pg_stat_archiver"
        wait_until(lambda: failing.execute(query) == [(True,)], what="a failure")
        assert "archiving fails: 00000001" in look(url=failing.url()).unseen("archive")[0].why


def test_backups_elsewhere_are_told_of_by_the_archive(
    cluster: Postgres, look: Look, server_folder: Path
) -> None:
    with archiving(cluster, f"cp %p {folder(server_folder / 'alone/wal')}/%f"):
        cluster.base_backup("tuesday", server_folder / "elsewhere")
        wait_until(lambda: list((server_folder / "alone/wal").glob("*.backup")), what="the backup's file")
        shutil.rmtree(server_folder / "elsewhere")
        assert "the archive tells of 1, the last 0000" in look().why("base backups")


def test_backups_in_a_usual_place_are_found_and_those_of_other_clusters_are_not(
    cluster: Postgres, look: Look, root: Path, server_folder: Path
) -> None:
    (root / "var/backups").mkdir(parents=True)
    shutil.copytree(cluster.directory.parent / "store/base/monday", root / "var/backups/old")
    with Postgres(server_folder / "other") as other:
        other.base_backup("foreign", server_folder / "base")
        shutil.copytree(server_folder / "base/foreign", root / "var/backups/foreign")
    found = {one.value: one.evidence for one in look().found("base backups")}
    assert found[str(root / "var/backups")].startswith("1 of this cluster, the newest old")
    # Two places: people have to say which.
    assert "backups" not in look().discovery.fills()


def test_a_standby_of_the_same_identifier_is_not_taken_for_the_primary(
    cluster: Postgres, look: Look, server_folder: Path
) -> None:
    standby = Postgres(server_folder / "standby", settings={})
    run_backup(cluster, standby)
    with standby:
        wait_until(lambda: cluster.execute("SELECT state FROM pg_stat_replication") == [("streaming",)])
        seen = look("app")
        assert seen.one("data directory").value == str(cluster.data)
        assert "follows, and app may not see from where" in seen.why("standby")
        assert look().one("standby").value == "reporting at 127.0.0.1"
        assert look().one("standby").add == "source: {replicas: {reporting: {url: ...}}} to promote it"
        assert "it is a standby itself" in look(url=standby.url()).why("server")


def run_backup(primary: Postgres, standby: Postgres) -> None:
    """A standby's data directory, which knows its port and its primary."""
    run(
        [
            str(postgres_tool("pg_basebackup")),
            "-D",
            str(standby.data),
            "-d",
            primary.url(),
            "-c",
            "fast",
            "-X",
            "none",
        ]
    )
    lines = {
        "port": str(standby.port),
        "unix_socket_directories": str(standby.directory),
        "primary_conninfo": f"host=127.0.0.1 port={primary.port} user=postgres application_name=reporting",
        "restore_command": f"cp {primary.archive}/%f %p",
        "archive_mode": "off",
    }
    with (standby.data / "postgresql.auto.conf").open("a") as auto:
        auto.write("".join(f"{name} = '{value}'\n" for name, value in lines.items()))
    (standby.data / "standby.signal").touch()
    give(standby.data / "standby.signal")


@pytest.mark.skipif(not shutil.which("pgbackrest"), reason="pgbackrest is not installed")
def test_a_stanza_of_pgbackrest_is_read_through_pgbackrest(look: Look) -> None:
    with scratch() as place:
        repository, log, lock = (folder(place / name) for name in ("repo", "log", "lock"))
        conf = place / "pgbackrest.conf"
        command = f"pgbackrest --config={conf} --stanza=main"
        settings = {"archive_mode": "on", "archive_command": f"{command} archive-push %p"}
        with Postgres(place / "pg", settings=settings) as server:
            conf.write_text(
                f"[global]\nrepo1-path={repository}\nlog-path={log}\nlock-path={lock}\n"
                f"spool-path={place}\nlog-level-file=off\nstart-fast=y\n"
                f"[main]\npg1-path={server.data}\npg1-port={server.port}\n"
                f"pg1-socket-path={server.directory}\npg1-user=postgres\n"
            )
            assert "pgBackRest's stanza main: missing stanza" in look(url=server.url()).why("base backups")
            run([*command.split(), "stanza-create"])
            run([*command.split(), "backup"])
            found = look(url=server.url()).one("base backups")
            assert found.evidence.startswith("pgbackrest info: 1 backups, the newest ")
            assert found.fills == {"pgbackrest": {"stanza": "main", "config": str(conf)}}
            assert found.add == f"source: {{pgbackrest: {{stanza: main, config: {conf}}}}}"


def test_a_tool_that_is_not_here_says_what_to_write(
    cluster: Postgres, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with archiving(cluster, "pgbackrest --stanza=main archive-push %p"):
        (unseen,) = look().unseen("base backups")
    assert unseen.why == "pgBackRest's stanza main: pgbackrest is not installed here"
    assert unseen.add == "source: {pgbackrest: {stanza: main, config: /etc/pgbackrest/pgbackrest.conf}}"


def test_a_stanza_is_found_by_its_configuration_where_nothing_archives_into_it(
    cluster: Postgres, look: Look, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    (root / "etc/pgbackrest").mkdir(parents=True)
    conf = root / "etc/pgbackrest/pgbackrest.conf"
    conf.write_text(f"[global]\nrepo1-path=/srv/repo\n\n[shop]\npg1-path = {cluster.data}\n")
    assert f"{{stanza: shop, config: {conf}}}" in look().unseen("base backups")[0].add


def test_barmans_folders_are_found_where_they_are_on_this_machine(
    cluster: Postgres, look: Look, root: Path, server_folder: Path
) -> None:
    home = folder(server_folder / "barman")
    with archiving(cluster, "barman-wal-archive backup shop %p"):
        (unseen,) = look().unseen("base backups")
        assert unseen.why.startswith("Barman on backup keeps them as shop; /var/lib/barman/shop/base: ")
        (root / "etc").mkdir(parents=True)
        (root / "etc/barman.conf").write_text(f"[barman]\nbarman_home = {home}\n")
        (home / "shop/base/20251203T020000").mkdir(parents=True)
        found = look().one("base backups")
    assert found.fills == {"barman": {"home": str(home), "server": "shop"}}
    assert found.add == f"source: {{barman: {{home: {home}, server: shop}}}}"
    (home / "shop/incoming").mkdir()
    with archiving(cluster, f"rsync -a %p {home}/shop/incoming/%f"):
        assert look().found("base backups")[0].fills == found.fills


def test_wal_gs_prefix_is_found_in_its_environment(cluster: Postgres, look: Look, root: Path) -> None:
    envdir = root / "etc/wal-g.d/env"
    with archiving(cluster, f"envdir {envdir} wal-g wal-push %p"):
        assert "no WALG_FILE_PREFIX" in look().why("base backups")
        envdir.mkdir(parents=True)
        (envdir / "WALG_S3_PREFIX").write_text("s3://bucket/shop\n")
        assert look().one("base backups").fills == {"wal-g": {"prefix": "s3://bucket/shop"}}
    with archiving(cluster, "WALG_FILE_PREFIX=/srv/walg wal-g wal-push %p"):
        assert look().one("base backups").evidence == "WALG_FILE_PREFIX of archive_command"
