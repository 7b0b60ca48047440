"""Commands that only read: status, env, sources, doctor, schema, shellenv."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal import story
from stacks.providers.local import catalog, standbys
from tests.unit.cli.conftest import STACK, Reforge
from tests.unit.cli.doubles import URL, PlayedEngine
from toolchain import doctor

RESTORE = URL.replace("5432", "5433")


def test_status_says_where_the_incident_stands(reforge: Reforge, project: Path) -> None:
    restores = (
        "reforge:restores:\n"
        "    lunch:\n      from: {time: '2025-01-01T12:00:00Z'}\n      waived: {reason: because}\n"
        "    tea:\n      from: {latest: true}\n"
    )
    text = STACK.replace("reforge:restores: {}\n", restores).replace("serving: source", "serving: lunch")
    (project / "Pulumi.local.yaml").write_text(text)
    out = reforge("status").out
    assert "Serving: lunch   Writing: all" in out
    assert "  lunch: from time 2025-01-01T12:00:00Z; waived, serves" in out
    assert "  tea: from latest True; not validated" in out
    assert "Next: reforge preview" in out
    document = reforge("--json", "status").document
    assert (document["state"], document["next"], document["last"]) == ("not-applied", "preview", None)


@pytest.mark.parametrize("name", ["serving", "source", "lunch"])
def test_a_connection_string_is_masked_unless_asked(
    reforge: Reforge, played: PlayedEngine, name: str
) -> None:
    played.restores = {"lunch": {"url": RESTORE}}
    port = "5433" if name == "lunch" else "5432"
    ended = reforge("env", name)
    assert ended.out == f"DATABASE_URL=postgresql://app:***@127.0.0.1:{port}/starforge\n"
    shown = reforge("--json", "env", name, "--show", "--key", "PGURL").document
    assert shown["url"] == URL.replace("5432", port)
    assert shown["key"] == "PGURL"


def test_a_restore_that_is_not_there_has_no_connection_string(reforge: Reforge) -> None:
    ended = reforge("env", "lnch", expect=2)
    assert "no connection string of 'lnch' (known: serving, source)" in ended.err


def test_shellenv_exports_what_a_bare_pulumi_needs_and_nothing_else(reforge: Reforge) -> None:
    lines = reforge("shellenv").out.splitlines()
    assert shlex.split(lines[-1]) == ["export", "PULUMI_BACKEND_URL=file:///a b"]
    assert "hunter2" not in "".join(lines)
    assert reforge("--json", "shellenv").document["environment"] == lines


def test_the_schema_is_json_with_and_without_the_switch(reforge: Reforge) -> None:
    assert json.loads(reforge("schema").out) == reforge("--json", "schema").document
    assert "reforge:source" in reforge("schema").out


CATALOG: dict[str, Any] = {
    "backups": [
        {
            "name": "monday",
            "size": 32 * 2**20,
            "started": "2025-01-06T00:00:00Z",
            "version": 15,
            "form": "tar, gz, incremental",
            "tablespaces": {"16384": "/srv/fast"},
            "buildsOn": ["full", "sunday"],
            "problems": [],
        },
        {
            "name": "torn",
            "size": None,
            "started": None,
            "version": None,
            "form": None,
            "tablespaces": {},
            "buildsOn": [],
            "problems": ["no manifest"],
        },
    ],
    "windows": [
        {
            "start": "2025-01-06T00:01:00Z",
            "end": "2025-01-06T12:00:00Z",
            "backup": "monday",
            "timeline": 1,
            "gaps": [{"first": "000000010000000000000007", "last": "000000010000000000000008"}],
        }
    ],
    "stillInSource": ["000000010000000000000009"],
}


class Catalog:
    def __init__(self, found: dict[str, Any]) -> None:
        self.document = lambda: found


def test_sources_lists_backups_windows_and_gaps(reforge: Reforge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "what_can_be_restored", lambda _source: Catalog(CATALOG))
    out = reforge("sources").out
    form = "tar, gz, incremental; 1 tablespace; builds on sunday"
    assert f"monday  32 MiB  2025-01-06T00:00:00Z  15       {form}" in out
    assert "no manifest" in out
    assert "2025-01-06T00:01:00Z  2025-01-06T12:00:00Z  monday" in out
    assert "Gap after 2025-01-06T12:00:00Z: first 000000010000000000000007" in out
    assert "000000010000000000000009 is not archived" in out
    assert "Next: reforge restore NAME --time TIME" in out
    assert reforge("--json", "sources").document == CATALOG | {"replicas": []}


FAR: dict[str, Any] = {
    "name": "standby-1",
    "place": "127.0.0.1:5544",
    "problem": "",
    "against": "the source at 0/3000060",
    "behindBytes": 96,
    "behindSeconds": 1.7,
    "receiving": True,
    "replayed": "0/3000000",
    "replayedAt": "2025-01-06T12:00:00Z",
    "slots": ["archiver"],
    "standbys": ["walreceiver from 127.0.0.2"],
}
GONE: dict[str, Any] = {"name": "standby-2", "place": "127.0.0.1:5545", "problem": "does not answer"}


def test_sources_lists_standbys_with_their_distance_and_what_hangs_on_them(
    reforge: Reforge, played: PlayedEngine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project / "Pulumi.local.yaml"
    url = "postgresql://admin:s3cret@127.0.0.1:5544/postgres"
    both = f"{{standby-1: {{url: '{url}'}}, standby-2: {{url: '{url}'}}}}"
    replicas = f"reforge:source:\n    replicas: {both}\n"
    file.write_text(file.read_text().replace("reforge:source:\n", replicas))
    monkeypatch.setattr(catalog, "what_can_be_restored", lambda _source: Catalog(CATALOG))
    monkeypatch.setattr(standbys, "what_can_be_promoted", lambda _source, urls: [FAR, GONE] if urls else [])
    out = reforge("sources").out
    assert "standby-1  127.0.0.1:5544  96 bytes  2 s  0/3000000  2025-01-06T12:00:00Z  archiver" in out
    assert "Compared with the source at 0/3000060." in out
    assert "does not answer" in out
    assert "Next: reforge restore NAME --replica standby-1" in out
    assert "s3cret" not in out
    assert "secret source.replicas.standby-2.url" in played.calls
    assert reforge("--json", "sources").document["replicas"] == [FAR, GONE]


def test_sources_says_that_there_is_no_backup_and_that_a_dump_will_do(
    reforge: Reforge, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty: dict[str, Any] = {"backups": [], "windows": [], "stillInSource": []}
    monkeypatch.setattr(catalog, "what_can_be_restored", lambda _source: Catalog(empty))
    out = reforge("sources").out
    assert "There is no base backup." in out
    assert "restore NAME --dump DUMP" in out
    broken = CATALOG | {"windows": []}
    monkeypatch.setattr(catalog, "what_can_be_restored", lambda _source: Catalog(broken))
    assert "Next:" not in reforge("sources").out


def test_the_doctor_names_what_is_missing_and_how_to_get_it(
    reforge: Reforge, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = doctor.Finding("engine", True, "3.259.0", "")
    gone = doctor.Finding("pgbouncer", False, "not found", "make servers")
    monkeypatch.setattr(doctor, "examine", lambda: [here, gone])
    ended = reforge("doctor", expect=1)
    assert "MISS  pgbouncer    not found" in ended.out
    assert "get it: make servers" in ended.out
    assert "Missing on this machine: pgbouncer." in ended.err
    assert reforge("--json", "doctor", expect=1).document["ok"] is False
    monkeypatch.setattr(doctor, "examine", lambda: [here])
    assert reforge("--json", "doctor").document["ok"] is True


def test_a_rehearsal_is_told_as_it_is_played_and_summed_up(
    reforge: Reforge, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = {
        "cutover": {"failed_requests": 0, "longest_stall_ms": 42.4},
        "ledger": {"acknowledged_before_target": 700, "missing_after_restore": 0},
        "stages": [{"name": "restore", "state": "done", "seconds": 3.21}],
    }

    class Played:
        def __init__(self, home: Path, say: Callable[[str], None]) -> None:
            self.home, self.say = home, say

        def tell(self) -> dict[str, Any]:
            for line in ("\n== restore", "$ reforge restore", f"in {self.home}"):
                self.say(line)
            return summary

    monkeypatch.setattr(story, "Story", Played)
    out = reforge("rehearse", "--home", "here").out
    assert f"== restore\n$ reforge restore\nin {project / 'here'}" in out
    assert "700 acknowledged writes kept, 0 lost; 0 failed requests, longest stall 42 ms" in out
    assert "restore  done   3.2" in out
    assert reforge("--json", "rehearse").document == summary


def test_what_is_not_a_project_is_told_by_every_reading_command(reforge: Reforge, project: Path) -> None:
    (project / "Pulumi.yaml").unlink()
    for command in ("status", "sources", "env", "preview"):
        ended = reforge("--json", command, expect=2)
        assert ended.document["error"]["name"] == "no-project"


def test_status_names_a_config_that_cannot_be_read(project: Path, reforge: Reforge) -> None:
    config = project / "Pulumi.local.yaml"
    config.write_text("<<<<<<< HEAD\n" + config.read_text())
    now = reforge("--json", "status").document
    assert (now["state"], now["problem"], now["next"]) == ("config-unreadable", "config-not-yaml", "status")
    assert "is not YAML" in now["words"]


def test_status_of_a_stack_that_is_not_there_is_refused(project: Path, reforge: Reforge) -> None:
    ended = reforge("--json", "--stack", "prod", "status", expect=2)
    assert ended.document["error"]["name"] == "no-stack"
