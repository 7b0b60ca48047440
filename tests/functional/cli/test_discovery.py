"""``reforge init`` on a cluster that it has never seen: the connection string is enough to begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.servers import Postgres, scratch
from tests.unit.cli.conftest import Reforge


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    with scratch() as folder, Postgres(folder / "pg", archive=folder / "store/wal") as server:
        server.base_backup("monday", folder / "store/base")
        server.switch_wal()
        yield server


@pytest.fixture
def empty(project: Path, monkeypatch: pytest.MonkeyPatch, cluster: Postgres) -> Path:
    """A folder without a project, and the cluster's URL in the environment."""
    for file in ("Pulumi.yaml", "Pulumi.local.yaml"):
        (project / file).unlink()
    monkeypatch.setenv("REFORGE_SOURCE_URL", cluster.url())
    return project


def test_a_dry_run_says_what_was_found_and_what_is_needed_and_writes_nothing(
    reforge: Reforge, empty: Path, cluster: Postgres
) -> None:
    document = reforge("--json", "init", "--dry-run").document
    store = cluster.directory.parent / "store"
    assert document["discovery"]["fills"] == {
        "archive": str(store / "wal"),
        "backups": str(store / "base"),
        "data-directory": str(cluster.data),
    }
    assert [need.split()[0] for need in document["needs"]] == ["--directory"]
    out = reforge("init", "--dry-run", "--directory", "/srv/restores").out
    assert "Still needed" not in out
    assert "Dry run: nothing was written." in out
    assert list(empty.iterdir()) == []


def test_what_was_found_is_written_and_what_is_given_comes_first(
    reforge: Reforge, empty: Path, cluster: Postgres
) -> None:
    words = ["--directory", str(empty / "restores"), "--backups", "s3://bucket/base"]
    document = reforge("--json", "init", *words).document
    assert {one["what"] for one in document["discovery"]["found"]} >= {"archive", "base backups"}
    source = yaml.safe_load((empty / "Pulumi.local.yaml").read_text())["config"]["reforge:source"]
    store = cluster.directory.parent / "store"
    assert (source["archive"], source["backups"]) == (str(store / "wal"), "s3://bucket/base")
    assert source["data-directory"] == str(cluster.data)


def test_what_could_not_be_seen_is_told_with_what_to_add(
    reforge: Reforge, empty: Path, cluster: Postgres
) -> None:
    cluster.execute("ALTER SYSTEM SET archive_command = 'pgbackrest --stanza=no-such-stanza archive-push %p'")
    cluster.execute("SELECT pg_reload_conf()")
    try:
        ended = reforge("init", "--directory", str(empty / "restores"), expect=2)
        assert "Not seen:" in ended.out
        assert "source: {pgbackrest: {stanza: no-such-stanza" in ended.out
        assert "Folder of base backups is not given" in ended.err
        assert list(empty.iterdir()) == []
    finally:
        cluster.execute("ALTER SYSTEM RESET archive_command")
        cluster.execute("SELECT pg_reload_conf()")
