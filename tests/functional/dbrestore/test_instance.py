"""``postgres:Instance`` on real PostgreSQL: which rows survive each kind of target, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbrestore.handler import Context, PartlyMade
from dbrestore.postgres.instance import Instance
from dbrestore.postgres.mark import read_mark
from problem import Problem, Refusal
from tests.support.servers import Postgres, folder, free_port, scratch, wait_until

URN = "urn:pulumi:test::reforge::dbrestore:postgres:Instance::{}"


@dataclass
class Original:
    """A cluster with a base backup, and commits before and after an accident; every target on record."""

    server: Postgres
    folder: Path
    before_xid: str = ""
    accident_xid: str = ""
    time: str = ""
    lsn: str = ""
    point: str = "before-accident"
    backup: str = "monday"
    lines: list[str] = field(default_factory=list)

    def inputs(self, name: str, kind: str, value: str | None = None, **more: Any) -> Any:
        until = {"kind": kind, "value": value, "inclusive": more.pop("inclusive", True)}
        source = {
            "database": "postgres",
            "user": "postgres",
            "archive": self.folder / "wal",
            "backups": self.folder / "base",
        }
        declared = {
            "name": name,
            "directory": self.folder / "restores" / name,
            "source": source,
            "until": until,
        }
        return Instance.inputs.model_validate({"operators": ["127.0.0.1/32"]} | declared | more)

    def context(self, name: str) -> Context:
        return Context(URN.format(name), self.lines.append)


@pytest.fixture(scope="module")
def original() -> Iterator[Original]:
    """One row a step: 1 in the backup, 2 before the accident, 3 is the accident, 4 after it."""
    with scratch() as place, Postgres(folder(place / "pg"), archive=place / "wal") as server:
        made = Original(server, place)
        server.execute("CREATE TABLE steps (id int PRIMARY KEY)")
        server.execute("CREATE ROLE app LOGIN PASSWORD 'secret' IN ROLE pg_read_all_settings")
        server.execute("GRANT ALL ON steps TO app")
        server.execute(
            "CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p "
            "WITH (connect = false, slot_name = 'precious')"
        )
        server.execute("SELECT pg_create_physical_replication_slot('standby', true)")
        server.execute("INSERT INTO steps VALUES (1)")
        server.base_backup("monday", place / "base")
        returning = "RETURNING pg_current_xact_id()::text"
        made.before_xid = str(server.execute(f"INSERT INTO steps VALUES (2) {returning}")[0][0])
        made.lsn = str(server.execute("SELECT pg_current_wal_insert_lsn()::text")[0][0])
        made.time = datetime.now(UTC).isoformat()
        server.execute("SELECT pg_create_restore_point('before-accident')")
        made.accident_xid = str(server.execute(f"INSERT INTO steps VALUES (3) {returning}")[0][0])
        server.execute("INSERT INTO steps VALUES (4)")
        server.switch_wal()
        yield made


@pytest.fixture
def restored(original: Original) -> Iterator[Any]:
    """Restores and gives (state, rows); whatever it made is gone afterwards, by the handler's own delete."""
    made: list[tuple[str, str, dict[str, Any]]] = []

    def restore(
        name: str, kind: str, value: str | None = None, **more: Any
    ) -> tuple[dict[str, Any], list[int]]:
        identity, state = Instance().create(
            original.context(name), original.inputs(name, kind, value, **more)
        )
        made.append((name, identity, state))
        return state, rows(state)

    yield restore
    for name, identity, state in made:
        Instance().delete(original.context(name), identity, state)
        assert not Path(identity).exists()
    assert not (original.folder / "restores").exists()


def rows(state: dict[str, Any]) -> list[int]:
    with connect(state) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM steps ORDER BY id")]


def connect(state: dict[str, Any]) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1",
        port=state["boundPort"],
        user="app",
        password="secret",
        dbname="postgres",
        autocommit=True,
    )


@pytest.mark.parametrize(
    ("kind", "attribute", "more", "expected"),
    [
        ("time", "time", {}, [1, 2]),
        ("lsn", "lsn", {"inclusive": False}, [1, 2]),
        ("xid", "before_xid", {}, [1, 2]),
        ("xid", "accident_xid", {"inclusive": False}, [1, 2]),
        ("xid", "accident_xid", {}, [1, 2, 3]),
        ("name", "point", {}, [1, 2]),
        ("latest", "", {}, [1, 2, 3, 4]),
        ("snapshot", "backup", {}, [1]),
    ],
)
def test_exactly_the_rows_up_to_the_target_survive(
    original: Original, restored: Any, kind: str, attribute: str, more: dict[str, Any], expected: list[int]
) -> None:
    state, found = restored("target", kind, getattr(original, attribute) if attribute else None, **more)
    assert found == expected
    assert (state["status"], state["backup"]) == ("ready", "monday")


def test_a_restore_tells_its_phases(original: Original, restored: Any) -> None:
    restored("told", "latest")
    said = "\n".join(original.lines)
    for words in (
        "proving",
        "copying base backup",
        "replaying WAL",
        "promoted at",
    ):
        assert words in said


def test_a_restore_cannot_act_on_the_original(original: Original, restored: Any) -> None:
    state, _ = restored("quiet", "latest")
    assert state["quarantined"]["subscriptions"] == ["feed"]
    directory = Path(state["directory"])
    assert not any((directory / "pg_replslot").iterdir())
    assert (original.server.data / "pg_replslot" / "standby").exists()
    with connect(state) as connection:
        shown = {
            name: connection.execute(f"SELECT current_setting('{name}')").fetchone()
            for name in (
                "archive_mode",
                "max_logical_replication_workers",
                "restore_command",
            )
        }
        subscription = connection.execute("SELECT subenabled FROM pg_subscription").fetchall()
    assert shown["archive_mode"] == ("off",)
    assert shown["max_logical_replication_workers"] == ("0",)
    assert shown["restore_command"] == ("",)
    assert subscription == [(False,)]


def test_the_wal_lies_ready_as_links_and_the_archive_stays_as_it_is(
    original: Original, restored: Any
) -> None:
    archive = original.folder / "wal"
    before = {path.name: path.read_bytes() for path in archive.iterdir()}
    state, found = restored("linked", "lsn", original.lsn)
    assert found == [1, 2]
    directory = Path(state["directory"])
    assert "restored log file" not in (directory / "reforge-server.log").read_text()
    with connect(state) as connection:
        connection.execute("INSERT INTO steps VALUES (5)")
    assert {path.name: path.read_bytes() for path in archive.iterdir()} == before
    written = max(path for path in (directory / "pg_wal").iterdir() if len(path.name) == 24)
    assert not written.is_symlink(), "the new timeline's WAL is the instance's own"


def test_nobody_but_the_operators_gets_in_before_it_is_accepted(original: Original, restored: Any) -> None:
    inputs = {"operators": ["192.0.2.1/32"], "clients": ["127.0.0.1/32"]}
    identity, state = Instance().create(
        original.context("closed"), original.inputs("closed", "latest", **inputs)
    )
    try:
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba[.]conf entry"):
            connect(state)
        (Path(identity) / "pg_hba.conf").unlink()
        opened = original.inputs("closed", "latest", access="application", **inputs)
        state = Instance().update(original.context("closed"), identity, state, opened)
        assert state["access"] == "application"
        assert rows(state) == [1, 2, 3, 4]
    finally:
        Instance().delete(original.context("closed"), identity, state)


def test_a_serving_instance_is_not_deleted(original: Original, restored: Any) -> None:
    state, _ = restored("serving", "latest")
    identity, context = state["directory"], original.context("serving")
    serving = Instance().update(context, identity, state, original.inputs("serving", "latest", serving=True))
    for known in (serving, state, {}):
        with pytest.raises(Refusal, match="serves the application"):
            Instance().delete(context, identity, known)
    assert rows(state) == [1, 2, 3, 4]
    Instance().update(context, identity, serving, original.inputs("serving", "latest"))


def test_a_stopped_instance_is_seen_and_started_again(original: Original, restored: Any) -> None:
    state, _ = restored("stopped", "latest")
    context, identity = original.context("stopped"), state["directory"]
    pid = int((Path(identity) / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    wait_until(lambda: Instance().read(context, identity, state)["status"] == "stopped", what="the stop")  # type: ignore[index]
    assert Instance().drift({"status": "stopped"}, None) == {"status"}
    state = Instance().update(context, identity, state, original.inputs("stopped", "latest"))
    assert rows(state) == [1, 2, 3, 4]


def test_an_instance_that_is_gone_is_read_as_gone(original: Original) -> None:
    assert Instance().read(original.context("gone"), str(original.folder / "restores" / "gone"), {}) is None


def test_a_folder_of_somebody_else_is_never_touched(original: Original) -> None:
    place = folder(original.folder / "theirs")
    (place / "precious").write_text("data")
    inputs = original.inputs("theirs", "latest", directory=place)
    for call in (
        lambda: Instance().create(original.context("theirs"), inputs),
        lambda: Instance().delete(original.context("theirs"), str(place), {}),
    ):
        with pytest.raises(Refusal, match="was not made by Reforge"):
            call()
    assert (place / "precious").read_text() == "data"


def test_a_mark_copied_to_another_folder_gives_no_right_to_it(original: Original, restored: Any) -> None:
    state, _ = restored("marked", "latest")
    other = folder(original.folder / "copied")
    shutil.copy(Path(state["directory"]) / "reforge-instance.json", other)
    with pytest.raises(Refusal, match="carries the mark of"):
        Instance().delete(original.context("marked"), str(other), {})
    assert other.exists()
    shutil.rmtree(other)


def test_a_symbolic_link_is_refused(original: Original) -> None:
    link = original.folder / "link"
    link.symlink_to(original.server.data)
    with pytest.raises(Refusal, match="symbolic link"):
        Instance().create(original.context("link"), original.inputs("link", "latest", directory=link))
    link.unlink()


def test_a_damaged_backup_is_refused_before_anything_is_made(original: Original) -> None:
    victim = original.folder / "base" / "monday" / "PG_VERSION"
    whole = victim.read_bytes()
    victim.write_bytes(b"16\n")
    try:
        with pytest.raises(Problem) as caught:
            Instance().create(original.context("never"), original.inputs("never", "latest"))
    finally:
        victim.write_bytes(whole)
    assert caught.value.name == "no-backup"
    assert "its PG_VERSION is damaged inside" in caught.value.what
    assert not (original.folder / "restores").exists()


def test_a_taken_port_is_named_and_nothing_is_left(original: Original) -> None:
    with pytest.raises(Problem, match=f"Port {original.server.port} on 127.0.0.1 is taken"):
        Instance().create(
            original.context("port"), original.inputs("port", "latest", port=original.server.port)
        )
    assert not (original.folder / "restores").exists()


CONFIGURE, SYNC = (
    "dbrestore.postgres.configuring.configure",
    "dbrestore.postgres.durability.sync",
)


@pytest.mark.parametrize(
    ("where", "error", "known"),
    [
        (CONFIGURE, OSError(13, "Permission denied", "settings"), Problem),
        (SYNC, RuntimeError("Permission denied"), RuntimeError),
    ],
)
def test_what_nobody_foresaw_leaves_no_folder_and_no_server(
    original: Original,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    error: Exception,
    known: type[Exception],
) -> None:
    def failing(*_: Any) -> None:
        raise error

    monkeypatch.setattr(where, failing)
    inputs = original.inputs("unforeseen", "latest")
    with pytest.raises(known, match="Permission denied"):
        Instance().create(original.context("unforeseen"), inputs)
    assert not inputs.directory.exists()


def test_interrupted_while_copying_leaves_nothing(original: Original) -> None:
    context = original.context("interrupted")
    context.cancelled.set()
    with pytest.raises(Problem) as caught:
        Instance().create(context, original.inputs("interrupted", "latest"))
    assert caught.value.name == "interrupted"
    assert not (original.folder / "restores").exists()


def test_interrupted_while_replaying_is_kept_and_continued(original: Original, monkeypatch: Any) -> None:
    context = original.context("replay")
    inputs = original.inputs("replay", "latest")

    def stop_at_replay(text: str) -> None:
        original.lines.append(text)
        if "writing the settings" in text:
            context.cancelled.set()

    with pytest.raises(PartlyMade) as caught:
        Instance().create(Context(context.urn, stop_at_replay, context.cancelled), inputs)
    kept = caught.value
    assert kept.state["status"] == "interrupted"
    copied = (Path(kept.identity) / "base").stat().st_ino
    state = Instance().update(original.context("replay"), kept.identity, kept.state, inputs)
    assert rows(state) == [1, 2, 3, 4]
    assert (Path(kept.identity) / "base").stat().st_ino == copied, "the copy was made again"
    Instance().delete(original.context("replay"), kept.identity, state)


@pytest.mark.parametrize("moment", ["copying base backup", "writing the settings", "promoted at"])
def test_a_killed_create_is_finished_by_the_next_one(original: Original, moment: str) -> None:
    """The plugin is killed outright at a moment of its work; a new one is asked to create again."""
    inputs, context = original.inputs("killed", "latest"), original.context("killed")
    script = (
        "import json, os, signal, sys\n"
        "from dbrestore.handler import Context\n"
        "from dbrestore.postgres.instance import Instance\n"
        "def tell(text):\n"
        "    if sys.argv[1] in text: os.kill(os.getpid(), signal.SIGKILL)\n"
        "inputs = Instance.inputs.model_validate(json.loads(sys.argv[3]))\n"
        "Instance().create(Context(sys.argv[2], tell), inputs)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, moment, context.urn, json.dumps(inputs.wire())], cwd=Path.cwd()
    )
    assert ran.returncode == -signal.SIGKILL
    mark = read_mark(inputs.directory)
    assert mark is not None
    assert mark.phase != "ready"
    identity, state = Instance().create(context, inputs)
    assert rows(state) == [1, 2, 3, 4]
    again = Instance().create(context, inputs)[1]
    assert again["boundPort"] == state["boundPort"], "done already is no error"
    Instance().delete(context, identity, state)
    assert not inputs.directory.exists()


def test_a_run_that_ends_before_all_is_on_disk_is_finished_by_the_next_one(
    original: Original, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_given: object) -> None:
        raise Killed

    inputs, context = original.inputs("settling", "latest"), original.context("settling")
    with monkeypatch.context() as patched:
        patched.setattr("dbrestore.postgres.durability.sync", killed)
        with pytest.raises(Killed):
            Instance().create(context, inputs)
    mark = read_mark(inputs.directory)
    assert mark is not None
    assert mark.phase == "settling"
    identity, state = Instance().create(context, inputs)
    assert (state["reachedLsn"], state["reachedTime"]) == (mark.reached_lsn, mark.reached_time)
    assert rows(state) == [1, 2, 3, 4]
    Instance().delete(context, identity, state)


def test_half_made_work_of_another_boot_is_made_anew(
    original: Original, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine went down: what was never brought to disk may be gone, whatever the mark says."""
    context, inputs = original.context("boot"), original.inputs("boot", "latest")

    def stop_at_replay(text: str) -> None:
        if "writing the settings" in text:
            context.cancelled.set()

    with pytest.raises(PartlyMade):
        Instance().create(Context(context.urn, stop_at_replay, context.cancelled), inputs)
    (inputs.directory / "of-the-first-run").touch()
    monkeypatch.setattr("dbrestore.postgres.mark.this_boot", lambda: "another")
    identity, state = Instance().create(original.context("boot"), inputs)
    assert not (inputs.directory / "of-the-first-run").exists()
    assert rows(state) == [1, 2, 3, 4]
    Instance().delete(original.context("boot"), identity, state)


def test_a_finished_instance_runs_with_the_settings_of_the_original(
    original: Original, restored: Any
) -> None:
    state, _ = restored("settings", "latest")
    names = "('fsync', 'autovacuum', 'shared_buffers', 'recovery_prefetch')"
    asked = f"SELECT name, setting FROM pg_settings WHERE name IN {names}"
    with psycopg.connect(
        host=state["directory"], port=int(state["boundPort"]), dbname="postgres", user="postgres"
    ) as there:
        assert there.execute(asked).fetchall() == original.server.execute(asked)


def test_another_target_is_never_put_over_a_finished_restore(original: Original, restored: Any) -> None:
    restored("finished", "latest")
    with pytest.raises(Refusal, match="holds a finished restore to latest"):
        Instance().create(original.context("finished"), original.inputs("finished", "time", original.time))


def test_the_port_moves_when_the_config_says_so(original: Original, restored: Any) -> None:
    state, _ = restored("moving", "latest")
    port = free_port()
    inputs = original.inputs("moving", "latest", port=port)
    moved = Instance().update(original.context("moving"), state["directory"], state, inputs)
    assert moved["boundPort"] == port
    assert rows(moved) == [1, 2, 3, 4]
