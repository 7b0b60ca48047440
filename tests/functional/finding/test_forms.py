"""Base backups of any form and PostgreSQL of any major version are searched alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from finding.stretches import Window
from problem import Problem
from tests.support.finding import History, history
from tests.support.ground import folder, run
from toolchain.postgres import find_binaries


@pytest.fixture(scope="module")
def past() -> Iterator[History]:
    with history() as made:
        made.do("CREATE TABLE accounts (id int); INSERT INTO accounts SELECT generate_series(1, 100)")
        made.server.execute("VACUUM FULL pg_class")
        made.backup("plain")
        yield made


@pytest.mark.parametrize("options", [["-Ft"], ["-Ft", "-z"]], ids=["tar", "compressed"])
def test_names_are_read_out_of_tar_files(past: History, options: list[str]) -> None:
    command = [str(find_binaries().tool("pg_basebackup")), *options, "-X", "none", "-c", "fast", "--no-sync"]
    name = "-".join(options)
    run([*command, "-D", str(folder(past.folder / "tars") / name), "-d", past.server.url()])
    (past.folder / "tars" / name).rename(past.folder / "backups" / name)
    xid = past.do("DELETE FROM accounts")
    past.do("INSERT INTO accounts SELECT generate_series(1, 100)")
    by_table = past.hunt().table("accounts", "lost")
    assert (by_table.commit.xid, by_table.backup, by_table.effort.copied) == (xid, name, 0)
    by_probe = past.hunt().probe("SELECT count(*) = 100 FROM accounts")
    assert (by_probe.commit.xid, by_probe.backup, by_probe.effort.copies) == (xid, name, 1)
    assert past.left() == []


def test_a_tablespace_that_was_made_since_is_never_replayed(past: History) -> None:
    past.do("INSERT INTO accounts SELECT generate_series(1, 100)")
    begun = past.hunt().table("accounts", "changed").last.time
    xid = past.do("DELETE FROM accounts")
    place = folder(past.folder / "space")
    past.server.execute(f"CREATE TABLESPACE fast LOCATION '{place}'")
    before = sorted(place.rglob("*"))
    past.do("INSERT INTO accounts VALUES (1)")
    past.do("DELETE FROM accounts")
    answer = past.hunt(Window(after=begun)).probe("SELECT count(*) > 1 FROM accounts")
    assert answer.commit.xid == xid
    with pytest.raises(Problem, match="What follows makes a tablespace"):
        past.hunt(Window(after=begun)).probe("SELECT true")
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("major", [pytest.param(16, marks=pytest.mark.slow), 18])
def test_the_same_on_other_major_versions(major: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_binaries(major)
    monkeypatch.setenv("REFORGE_PG_BIN", str(found.directory))
    with history() as past:
        past.do("CREATE TABLE accounts (id int); INSERT INTO accounts SELECT generate_series(1, 100)")
        past.do("CREATE TABLE settings (value text); INSERT INTO settings VALUES ('on')")
        past.backup("monday")
        off = past.do("UPDATE settings SET value = 'off'")
        past.many(50, "UPDATE settings SET value = 'off'")
        xid = past.do("TRUNCATE accounts")
        past.do("INSERT INTO accounts VALUES (1)")
        past.server.switch_wal()
        assert past.hunt_as_is().table("accounts", "lost").commit.xid == xid
        asked = past.hunt_as_is().probe("SELECT value = 'on' FROM settings LIMIT 1")
        assert (asked.commit.xid, asked.evidence) == (off, "asked")
        assert Path(past.folder / "backups/monday/PG_VERSION").read_text().strip() == str(major)
        assert past.left() == []
