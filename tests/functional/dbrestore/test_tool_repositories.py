"""Restores out of what backup tools keep: pgBackRest by its program, Barman and WAL-G by their folders."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from archive.proof import prove
from archive.repositories.repository import look_into
from archive.targets import Target
from dbrestore.handler import Context
from dbrestore.postgres.instance import Instance
from problem import Problem
from stacks.providers.local.catalog import what_can_be_restored
from tests.support.barman import Barman, needs_barman
from tests.support.ground import run
from tests.support.pgbackrest import STANZA, Repository, needs_pgbackrest
from tests.support.postgres import postgres_tool
from tests.support.servers import Postgres, folder, give, scratch, wait_until
from toolchain.postgres import find_binaries

URN = "urn:pulumi:test::reforge::dbrestore:postgres:Instance::{}"


@dataclass
class Original:
    folder: Path
    tool: dict[str, Any]
    segments: dict[int, str]
    xids: dict[int, str]

    def inputs(self, until: dict[str, Any]) -> Any:
        source = {"database": "postgres", "user": "postgres", **self.tool}
        directory = self.folder / "restores" / "restored"
        declared = {"name": "restored", "directory": directory, "source": source, "until": until}
        return Instance.inputs.model_validate(declared | {"operators": ["127.0.0.1/32"]})

    def restore(
        self, kind: str, value: str | None = None, inclusive: bool = True, table: str = "steps"
    ) -> list[int]:
        """The rows of a restore, which is removed again."""
        inputs = self.inputs({"kind": kind, "value": value, "inclusive": inclusive})
        context = Context(URN.format("restored"))
        identity, state = Instance().create(context, inputs)
        try:
            with psycopg.connect(
                host=str(inputs.directory), port=state["boundPort"], user="postgres", dbname="postgres"
            ) as connection:
                return [row[0] for row in connection.execute(f"SELECT id FROM {table} ORDER BY id")]
        finally:
            Instance().delete(context, identity, state)
            assert not inputs.directory.exists()

    @property
    def newest_backup(self) -> str:
        return look_into(self.inputs({"kind": "latest"}).source).backups.usable[-1].name

    def restore_in_vain(self, kind: str, value: str | None = None) -> Problem:
        with pytest.raises(Problem) as caught:
            self.restore(kind, value)
        assert not (self.folder / "restores").exists()
        return caught.value


def steps(server: Postgres, archived: Any) -> tuple[dict[int, str], dict[int, str]]:
    """Rows 2 to 5, each in a segment of its own that is archived before the next."""
    segments, xids = {}, {}
    for step in range(2, 6):
        [(xids[step],)] = server.execute(
            f"INSERT INTO steps VALUES ({step}) RETURNING pg_current_xact_id()::text"
        )
        segments[step] = server.switch_wal()
        wait_until(lambda name=segments[step]: archived(name), what=f"{segments[step]} being archived")
    return segments, xids


@pytest.fixture(scope="module")
def pgbackrest() -> Iterator[tuple[Original, Repository]]:
    with scratch() as place:
        repository = Repository(place / "pgbackrest", place / "pg")
        server = Postgres(folder(place / "pg"), settings=repository.settings)
        repository.configure(server.port)
        with server:
            repository.call("stanza-create")
            server.execute("CREATE TABLE steps (id int PRIMARY KEY); INSERT INTO steps VALUES (1)")
            space = folder(place / "space")
            server.execute(f"CREATE TABLESPACE far LOCATION '{space}'")
            server.execute("CREATE TABLE elsewhere TABLESPACE far AS SELECT 7 AS id")
            kept = folder(place / "elsewhere") / "linked.conf"
            kept.write_text("# the original's\n")
            give(kept)
            (place / "pg/data/linked.conf").symlink_to(kept)
            repository.call("backup", "--type=full")
            repository.call("backup", "--type=incr")
            segments, xids = steps(server, repository.archived)
        tool = {"pgbackrest": {"stanza": STANZA, "config": str(repository.config)}}
        yield Original(place, tool, segments, xids), repository


@needs_pgbackrest
def test_pgbackrest_backups_and_their_windows_are_listed(pgbackrest: tuple[Original, Repository]) -> None:
    original, _repository = pgbackrest
    found = what_can_be_restored(original.inputs({"kind": "latest"}).source)
    assert [backup.problems for backup in found.backups] == [(), ()]
    assert [window.gaps for window in found.windows] == [(), ()]
    assert found.windows[0].start < found.windows[0].end


@needs_pgbackrest
def test_a_pgbackrest_repository_restores_to_its_end_and_to_a_transaction(
    pgbackrest: tuple[Original, Repository],
) -> None:
    original, repository = pgbackrest
    before = fingerprint(repository.place / "repo")
    assert original.restore("latest") == [1, 2, 3, 4, 5]
    assert original.restore("xid", original.xids[4], inclusive=False) == [1, 2, 3]
    assert original.restore("snapshot", original.newest_backup, table="elsewhere") == [7]
    assert fingerprint(repository.place / "repo") == before


@needs_pgbackrest
def test_a_gap_and_damage_in_a_pgbackrest_repository_are_named(
    pgbackrest: tuple[Original, Repository],
) -> None:
    original, repository = pgbackrest
    victim = next(repository.archive.glob(f"{original.segments[4]}-*"))
    whole = victim.read_bytes()
    try:
        victim.write_bytes(whole[:-100])
        damaged = original.restore_in_vain("latest")
        victim.unlink()
        missing = original.restore_in_vain("latest")
    finally:
        victim.write_bytes(whole)
        shutil.chown(victim, victim.parent.owner(), victim.parent.group())
    assert (damaged.name, original.segments[4] in damaged.what) == ("wal-damaged", True)
    assert (missing.name, original.segments[4] in missing.what) == ("wal-missing", True)
    assert original.restore("latest") == [1, 2, 3, 4, 5]


@needs_pgbackrest
def test_what_the_configuration_says_of_restores_does_not_reach_ours(
    pgbackrest: tuple[Original, Repository],
) -> None:
    """Its words are meant for the original's folders: with them pgbackrest would write there."""
    original, repository = pgbackrest
    (original.folder / "elsewhere/linked.conf").write_text("# edited since the backup\n")
    told, before = repository.config.read_text(), fingerprint(original.folder / "elsewhere")
    said = ["link-all=y", "delta=y", "db-include=other", "archive-mode=off"]
    said += [f"tablespace-map-all={original.folder}/mapped"]
    said += [f"link-map=postgresql.auto.conf={original.folder}/elsewhere/postgresql.auto.conf"]
    said += ["recovery-option=primary_conninfo=host=original", "pg1-host=elsewhere"]
    try:
        with repository.config.open("a") as config:
            config.write("\n".join(["[global:restore]", *said, ""]))
        assert original.restore("latest") == [1, 2, 3, 4, 5]
        assert original.restore("snapshot", original.newest_backup, table="elsewhere") == [7]
    finally:
        repository.config.write_text(told)
    assert fingerprint(original.folder / "elsewhere") == before
    assert not (original.folder / "mapped").exists()


@needs_pgbackrest
def test_pages_that_pgbackrest_found_damaged_are_told_and_an_older_backup_is_taken() -> None:
    with scratch() as place:
        repository = Repository(place / "pgbackrest", place / "pg")
        server = Postgres(folder(place / "pg"), settings=repository.settings)
        repository.configure(server.port)
        with server:
            server.stop()
            run([str(postgres_tool("pg_checksums", server.major)), "-e", "-D", str(server.data)])
            server.start()
            repository.call("stanza-create")
            server.execute("CREATE TABLE steps AS SELECT generate_series(1, 1000) AS id")
            [(table,)] = server.execute("SELECT pg_relation_filepath('steps')")
            repository.call("backup", "--type=full")
            server.stop()
            pages = bytearray((server.data / table).read_bytes())
            pages[8192 + 4000] ^= 0xFF
            (server.data / table).write_bytes(pages)
            server.start()
            repository.call("backup", "--type=full")
            last = server.switch_wal()
            wait_until(lambda: repository.archived(last))
        tool = {"pgbackrest": {"stanza": STANZA, "config": str(repository.config)}}
        source = Original(place, tool, {}, {}).inputs({"kind": "latest"}).source
        whole, flawed = what_can_be_restored(source).backups
        assert (whole.problems, flawed.problems) == (
            (),
            (f"pgbackrest found pages with wrong checksums in {table}",),
        )
        found = look_into(source)
        proof = prove(found.backups, found.archive, Target("latest"), find_binaries(), datetime.now(UTC))
        assert proof.backup.name == whole.name
        assert proof.notes == (f"The base backup {flawed.name} was passed over: {flawed.problems[0]}.",)


@needs_pgbackrest
def test_what_pgbackrest_says_no_to_is_told_in_its_words(pgbackrest: tuple[Original, Repository]) -> None:
    original, repository = pgbackrest
    for stanza, config in (("other", repository.config), (STANZA, repository.place / "none.conf")):
        wrong = Original(original.folder, {"pgbackrest": {"stanza": stanza, "config": str(config)}}, {}, {})
        problem = wrong.restore_in_vain("latest")
        assert problem.name == "pgbackrest-failed"
        assert "missing" in problem.what


def fingerprint(place: Path) -> dict[str, str]:
    """Every file of a folder by its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def barman() -> Iterator[tuple[Original, Barman]]:
    with scratch() as place:
        made = Barman(place / "barman", place / "pg")
        server = Postgres(folder(place / "pg"), settings=made.settings)
        made.configure(server.port)
        with server:
            server.execute("CREATE TABLE steps (id int PRIMARY KEY); INSERT INTO steps VALUES (1)")
            first = server.switch_wal()
            wait_until(lambda: made.archived(first), what="the first segment")
            made.call("check")
            made.call("backup")
            segments, xids = steps(server, made.archived)
        tool = {"barman": {"home": str(made.home), "server": "main"}}
        yield Original(place, tool, segments, xids), made


@needs_barman
def test_what_barman_keeps_restores_to_its_end_and_to_a_transaction(
    barman: tuple[Original, Barman],
) -> None:
    original, made = barman
    before = fingerprint(made.home)
    assert original.restore("latest") == [1, 2, 3, 4, 5]
    assert original.restore("xid", original.xids[3]) == [1, 2, 3]
    assert fingerprint(made.home) == before


@needs_barman
def test_a_backup_of_barman_without_a_manifest_is_held_against_its_own_facts(
    barman: tuple[Original, Barman],
) -> None:
    original, made = barman
    manifest = next(made.home.glob("main/base/*/data/backup_manifest"))
    aside = manifest.rename(made.place / "backup_manifest")
    try:
        assert original.restore("latest") == [1, 2, 3, 4, 5]
    finally:
        aside.rename(manifest)


@needs_barman
def test_damage_and_gaps_in_what_barman_keeps_are_named(barman: tuple[Original, Barman]) -> None:
    original, made = barman
    victim = made.wals / "0000000100000000" / original.segments[4]
    whole = victim.read_bytes()
    try:
        victim.write_bytes(whole[:-100])
        damaged = original.restore_in_vain("latest")
        victim.unlink()
        missing = original.restore_in_vain("latest")
    finally:
        victim.write_bytes(whole)
    assert (damaged.name, str(victim) in damaged.what) == ("wal-damaged", True)
    assert (missing.name, original.segments[4] in missing.what) == ("wal-missing", True)


@needs_barman
def test_backups_that_barman_has_not_finished_are_told_and_not_used(barman: tuple[Original, Barman]) -> None:
    original, made = barman
    info = next(made.home.glob("main/base/*/backup.info"))
    text = info.read_text()
    info.write_text(text.replace("status=DONE", "status=WAITING_FOR_WALS"))
    try:
        found = what_can_be_restored(original.inputs({"kind": "latest"}).source)
        assert "WAITING_FOR_WALS" in found.backups[0].problems[0]
        assert original.restore_in_vain("latest").name == "no-backup"
    finally:
        info.write_text(text)


def test_a_barman_home_without_the_server_is_told(tmp_path: Path) -> None:
    wrong = Original(tmp_path, {"barman": {"home": str(tmp_path), "server": "other"}}, {}, {})
    assert wrong.restore_in_vain("latest").name == "backups-unreadable"


@pytest.fixture
def wal_g(tmp_path: Path) -> tuple[Original, str]:
    """As wal-g 2 and 3 write it: a sentinel and a metadata file for each backup."""
    name = "base_000000010000000000000002"
    backups = tmp_path / "basebackups_005"
    (backups / name).mkdir(parents=True)
    (tmp_path / "wal_005").mkdir()
    sentinel = {
        "LSN": 0x2000028,
        "FinishLSN": 0x2000100,
        "PgVersion": 150004,
        "SystemIdentifier": 7,
        "UncompressedSize": 1000,
        "Spec": None,
    }
    (backups / f"{name}_backup_stop_sentinel.json").write_text(json.dumps(sentinel))
    (backups / name / "metadata.json").write_text(json.dumps({"start_time": "2025-12-03T14:00:00.5Z"}))
    (backups / "base_000000010000000000000009_backup_stop_sentinel.json").write_text("{}")
    return Original(tmp_path, {"walG": {"prefix": str(tmp_path)}}, {}, {}), name


def test_backups_of_wal_g_are_listed_by_their_sentinels(wal_g: tuple[Original, str]) -> None:
    original, name = wal_g
    found = look_into(original.inputs({"kind": "latest"}).source)
    [backup] = found.backups.usable
    assert (backup.name, backup.version_major, backup.timeline, backup.form) == (name, 15, 1, "WAL-G")
    assert (backup.start_lsn, backup.stop_lsn, backup.size) == (0x2000028, 0x2000100, 1000)
    assert backup.started_at.isoformat() == "2025-12-03T14:00:00.500000+00:00"
    assert [one.name for one in found.backups.broken] == ["base_000000010000000000000009"]
