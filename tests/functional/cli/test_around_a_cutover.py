"""What a pause, a cut-over and a rollback tell of the databases themselves, on a real PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.functional.cli.conftest import Database
from tests.unit.cli.conftest import STACK, Reforge
from tests.unit.cli.doubles import PlayedEngine

WAIVED = '{reason: a drill of march, by: sre, at: "2025-01-01T12:00:00Z"}'


@pytest.fixture
def accepted(restored: Database, project: Path) -> Database:
    """The restore, waived, so that it may serve."""
    file = project / "Pulumi.local.yaml"
    file.write_text(
        file.read_text().replace("{latest: true}\n", f"{{latest: true}}\n      waived: {WAIVED}\n")
    )
    return restored


def write(database: Database, rows: int) -> None:
    """Rows whose counts are published at once: a session's are, when it ends."""
    database.execute(f"INSERT INTO users SELECT n, 'new ' || n FROM generate_series(101, 100 + {rows}) n")


def test_a_pause_keeps_diagnostics_of_the_source(reforge: Reforge, project: Path, source: Database) -> None:
    with psycopg.connect(source.url, application_name="api") as connection:
        connection.execute("INSERT INTO users VALUES (99, 'in flight')")
        document = reforge("--json", "pause", "--yes").document
    kept = json.loads(Path(document["diagnostics"]).read_text())
    assert [one["application"] for one in kept["sessions"] if one["writing"]] == ["api"]
    assert document["position"] == "paused"


def test_a_rollback_says_what_was_written_since_the_cutover(
    reforge: Reforge, source: Database, accepted: Database, played: PlayedEngine
) -> None:
    write(accepted, 3)
    ended = reforge("cutover", "before", "--yes")
    assert "Nobody is connected to the source any more." in ended.out
    accepted.execute("UPDATE users SET namecode = 'changed ' || id WHERE id <= 5")
    accepted.execute("DELETE FROM users WHERE id = 20")
    played.serving = "before"
    document = reforge("--json", "rollback", "--yes").document
    assert document["written_since_cutover"] == {"public.users": {"inserted": 0, "updated": 5, "deleted": 1}}


def test_a_cutover_that_is_run_again_keeps_the_counters_of_the_first(
    reforge: Reforge, source: Database, accepted: Database, played: PlayedEngine
) -> None:
    reforge("cutover", "before", "--yes")
    played.serving = "before"
    write(accepted, 2)
    reforge("cutover", "before", "--yes")
    ended = reforge("rollback", "--dry-run")
    assert "public.users: 2 inserted, 0 updated, 0 deleted" in ended.out
    assert "it would stay there" in ended.out


def test_a_rollback_after_nothing_was_written_says_so(
    reforge: Reforge, source: Database, accepted: Database
) -> None:
    reforge("cutover", "before", "--yes")
    assert "Nothing was written to before since the cut-over." in reforge("rollback", "--yes").out


def test_a_rollback_of_which_nothing_is_known_says_so_and_goes_back(
    reforge: Reforge, source: Database, accepted: Database, project: Path
) -> None:
    file = project / "Pulumi.local.yaml"
    file.write_text(file.read_text().replace("serving: source", "serving: before"))
    out = reforge("rollback", "--yes").out
    assert "is not known: no counters were kept" in out
    assert "Applied in" in out


def test_who_is_left_behind_is_named(reforge: Reforge, source: Database, accepted: Database) -> None:
    with psycopg.connect(source.url, application_name="etl-worker"):
        document = reforge("--json", "cutover", "before", "--yes").document
    assert document["left_behind"] == {"etl-worker from 127.0.0.1": 1}


def test_a_restore_that_does_not_run_is_started_by_the_plan_and_counted_afterwards(
    reforge: Reforge,
    source: Database,
    accepted: Database,
    played: PlayedEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = played.restores
    played.restores = {"before": {"url": "postgresql://postgres@127.0.0.1:1/starforge"}}
    up = PlayedEngine.up

    def starts(self: PlayedEngine, *words: Any, **how: Any) -> Any:
        self.restores = there
        return up(self, *words, **how)

    monkeypatch.setattr(PlayedEngine, "up", starts)
    out = reforge("cutover", "before", "--yes").out
    assert "before does not run; it is started before anything points to it." in out
    write(accepted, 4)
    # The application may have written before the counters were kept: it is a lower bound.
    out = reforge("rollback", "--dry-run").out
    assert "since the cut-over, at least (it would stay there)" in out
    assert "public.users: 4 inserted" in out
    played.restores = {"before": {"url": "postgresql://postgres@127.0.0.1:1/starforge"}}
    assert "What was written to before cannot be read" in reforge("rollback", "--dry-run").out


def test_a_restore_that_refuses_the_application_is_not_cut_over_to(
    reforge: Reforge, source: Database, accepted: Database, played: PlayedEngine, project: Path
) -> None:
    before = (project / "Pulumi.local.yaml").read_text()
    played.restores = {"before": {"url": accepted.server.url("nowhere")}}
    ended = reforge("--json", "cutover", "before", "--yes", expect=3)
    assert ended.document["error"]["name"] == "target-refuses"
    assert "the application stays where it is" in ended.err
    assert (project / "Pulumi.local.yaml").read_text() == before
    assert "up" not in played.calls


def test_a_source_that_is_down_stops_neither_pause_nor_cutover(
    reforge: Reforge, accepted: Database, played: PlayedEngine
) -> None:
    played.source_url = "postgresql://app:hunter2@127.0.0.1:1/starforge"
    out = reforge("pause", "--yes").out
    assert "No diagnostics of the source" in out
    out += reforge("cutover", "before", "--yes").out
    assert "Who is still connected to the source is not known" in out
    assert "hunter2" not in out


def test_init_asks_the_server_where_its_files_are(
    reforge: Reforge, source: Database, project: Path, played: PlayedEngine
) -> None:
    (project / "Pulumi.local.yaml").unlink()
    folders = [f"--{name}={project / name}" for name in ("backups", "archive", "directory")]
    reforge("init", "--url", source.url, *folders)
    assert f"data-directory: {source.server.data}" in (project / "Pulumi.local.yaml").read_text()
    assert STACK.count("data-directory") == 0


def test_a_rollback_from_a_promoted_standby_says_that_the_two_have_parted(
    reforge: Reforge, source: Database, accepted: Database, played: PlayedEngine, project: Path
) -> None:
    file = project / "Pulumi.local.yaml"
    url = "postgresql://admin:s3cret@127.0.0.1:5544/postgres"
    text = file.read_text().replace("{latest: true}", "{replica: standby-1}")
    text = text.replace(
        "reforge:source:\n", f"reforge:source:\n    replicas: {{standby-1: {{url: '{url}'}}}}\n"
    )
    file.write_text(text.replace("reforge:serving: source", "reforge:serving: before"))
    played.serving = "before"
    ended = reforge("--json", "rollback", "--dry-run")
    assert ended.document["parted"] is True
    assert "standby-1 and the source have parted" in ended.err
    played.restores = {"before": {"url": "postgresql://postgres@127.0.0.1:1/none"}}
    ended = reforge("--json", "rollback", "--yes")
    assert "Whether standby-1 is promoted is not known" in ended.err
    assert "parted" not in ended.document


def test_a_cutover_without_endpoints_says_that_it_led_nobody_anywhere(
    reforge: Reforge, source: Database, accepted: Database, project: Path
) -> None:
    assert "endpoints" not in (project / "Pulumi.local.yaml").read_text()
    out = reforge("cutover", "before", "--yes").out
    assert "The config has no endpoint: nobody was led to before." in out
    assert "env before --show" in out
