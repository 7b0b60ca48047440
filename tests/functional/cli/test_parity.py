"""``reforge parity``, and the gate of a cut-over, on two real databases behind a made-up engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.functional.cli.conftest import Database
from tests.unit.cli.conftest import Reforge
from tests.unit.cli.doubles import PlayedEngine

WAIVED = '{reason: a drill of march, by: sre, at: "2025-01-01T12:00:00Z"}'
NOWHERE = "postgresql://app:hunter2@127.0.0.1:1/starforge"


@pytest.fixture
def accepted(restored: Database, project: Path) -> Database:
    """The restore, accepted, so that it may serve."""
    file = project / "Pulumi.local.yaml"
    text = file.read_text()
    file.write_text(text.replace("{latest: true}\n", f"{{latest: true}}\n      waived: {WAIVED}\n"))
    return restored


@pytest.fixture
def differing(source: Database, accepted: Database) -> Database:
    """The original has an extension and a publication, the restore does not."""
    source.execute("CREATE EXTENSION pg_trgm; CREATE PUBLICATION cdc FOR ALL TABLES")
    return accepted


def test_the_waivers_that_are_told_are_quoted_for_the_shell(
    reforge: Reforge, accepted: Database, source: Database
) -> None:
    source.execute('CREATE PUBLICATION "c d" FOR ALL TABLES')
    assert "--waive 'publication:c d' --reason" in reforge("parity", "before", expect=1).err


def config(project: Path) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((project / "Pulumi.local.yaml").read_text())["config"]
    return found


def test_what_differs_is_shown_with_what_mends_it(reforge: Reforge, differing: Database) -> None:
    ended = reforge("parity", "before", expect=1)
    assert "GATE  extension:pg_trgm" in ended.out
    assert '  CREATE EXTENSION "pg_trgm"' in ended.out
    assert "2 differences can hurt: extension:pg_trgm, publication:cdc" in ended.err
    waive = "reforge cutover before --waive extension:pg_trgm --waive publication:cdc"
    assert f'{waive} --reason "..."' in ended.err
    document = reforge("--json", "parity", "before", expect=1).document
    assert {one["name"] for one in document["differences"]} == {"extension:pg_trgm", "publication:cdc"}


def test_what_does_not_differ_ends_well(reforge: Reforge, source: Database, restored: Database) -> None:
    assert "No difference." in reforge("parity", "before").out
    ended = reforge("parity", "before", "--all-indexes")
    assert "Indexes over text: 1 in order, 0 damaged, 0 not checked." in ended.out


def test_two_servers_are_compared_without_a_stack(
    reforge: Reforge,
    project: Path,
    source: Database,
    differing: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (project / "Pulumi.yaml").unlink()
    monkeypatch.setenv("REFORGE_PARITY_URL", differing.url)
    monkeypatch.setenv("REFORGE_PARITY_SOURCE_URL", source.url)
    assert "Mend them as told above." in reforge("parity", expect=1).err
    monkeypatch.setenv("REFORGE_PARITY_URL", source.url)
    assert reforge("--json", "parity").document["differences"] == []
    monkeypatch.delenv("REFORGE_PARITY_URL")
    assert "Give the name of a restore, or both --url and --source-url." in reforge("parity", expect=2).err


def test_a_cutover_to_what_can_hurt_is_refused_and_changes_nothing(
    reforge: Reforge, project: Path, differing: Database, played: PlayedEngine
) -> None:
    before = (project / "Pulumi.local.yaml").read_text()
    for words in (["--yes"], ["--dry-run"], []):
        ended = reforge("--json", "cutover", "before", *words, expect=3)
        assert ended.document["error"]["name"] == "source-differs"
        assert "extension:pg_trgm" in ended.err
    assert (project / "Pulumi.local.yaml").read_text() == before
    assert not {"preview", "up"} & set(played.calls)


def test_waivers_are_kept_in_the_config_and_the_journal(
    reforge: Reforge, project: Path, differing: Database
) -> None:
    reason = "the search is rebuilt tonight"
    first = ["--waive", "extension:pg_trgm", "--reason", reason]
    left = reforge("cutover", "before", *first, "--yes", expect=3)
    assert "is not what the source is: publication:cdc" in left.err
    both = [*first, "--waive", "publication:cdc", "--reason", "CDC is made anew"]
    document = reforge("--json", "cutover", "before", *both, "--yes").document
    assert document["state"] == "done"
    assert document["parity"]["waived"] == ["extension:pg_trgm", "publication:cdc"]
    kept = config(project)["reforge:restores"]["before"]["waived-differences"]  # type: ignore[index]
    assert kept["extension:pg_trgm"]["reason"] == reason
    assert kept["publication:cdc"]["reason"] == "CDC is made anew"
    assert set(kept["publication:cdc"]) == {"reason", "by", "at"}
    journal = (project / ".reforge/journal/local.jsonl").read_text()
    noted = [json.loads(line).get("facts", {}) for line in journal.splitlines()]
    assert {"extension:pg_trgm": reason, "publication:cdc": "CDC is made anew"} in [
        facts.get("waived_differences") for facts in noted
    ]
    # What is waived stays so: a rollback and another cut-over ask for nothing.
    reforge("rollback", "--yes")
    assert "waived  extension:pg_trgm" in reforge("cutover", "before", "--yes").out


def test_one_reason_may_stand_for_all(reforge: Reforge, project: Path, differing: Database) -> None:
    waive = ["--waive", "extension:pg_trgm", "--waive", "publication:cdc", "--reason", "a drill of march"]
    reforge("cutover", "before", *waive, "--yes")
    kept = config(project)["reforge:restores"]["before"]["waived-differences"]  # type: ignore[index]
    assert {one["reason"] for one in kept.values()} == {"a drill of march"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--waive", "extension:pg_trg", "--reason", "a drill of march"], "did you mean extension:pg_trgm?"),
        (["--waive", "nothing", "--reason", "a drill of march"], "There is no such difference: 'nothing'"),
        (["--waive", "extension:pg_trgm"], "1 to be accepted and 0 --reason do not go together."),
        (["--reason", "a drill of march"], "0 to be accepted and 1 --reason do not go together."),
        (["--waive", "extension:pg_trgm", "--reason", "because"], "'because' is too short a reason"),
    ],
)
def test_a_waiver_that_makes_no_sense_is_refused(
    reforge: Reforge, project: Path, differing: Database, words: list[str], said: str
) -> None:
    before = (project / "Pulumi.local.yaml").read_text()
    assert said in reforge("cutover", "before", *words, "--yes", expect=2).err
    assert (project / "Pulumi.local.yaml").read_text() == before


def test_a_plan_is_held_against_the_servers_once_more(
    reforge: Reforge, source: Database, accepted: Database, played: PlayedEngine
) -> None:
    reforge("cutover", "before")
    source.execute("CREATE EXTENSION pg_trgm")
    ended = reforge("--json", "apply", expect=3)
    assert ended.document["error"]["name"] == "source-differs"
    assert "up" not in played.calls
    accepted.execute("CREATE EXTENSION pg_trgm")
    reforge("apply")


def test_notes_are_shown_and_do_not_refuse(
    reforge: Reforge, source: Database, accepted: Database, project: Path
) -> None:
    accepted.execute("CREATE EXTENSION pg_trgm")
    out = reforge("cutover", "before", "--yes").out
    assert "note  extension:pg_trgm" in out
    assert "Applied in" in out


def test_what_the_pause_kept_stands_for_a_source_that_died(
    reforge: Reforge, differing: Database, played: PlayedEngine
) -> None:
    reforge("pause", "--yes")
    played.source_url = NOWHERE
    ended = reforge("cutover", "before", "--yes", expect=3)
    assert "The source does not answer" in ended.out
    assert "Compared with what was kept of it at" in ended.out
    assert "extension:pg_trgm" in ended.err
    assert "hunter2" not in ended.out + ended.err


def test_a_cutover_that_was_made_is_not_held_up_by_what_came_since(
    reforge: Reforge, source: Database, accepted: Database, played: PlayedEngine
) -> None:
    reforge("cutover", "before", "--yes")
    played.serving = "before"
    source.execute("CREATE EXTENSION pg_trgm")
    reforge("cutover", "before", "--yes")


def test_a_restore_that_is_not_there_is_told(
    reforge: Reforge, source: Database, restored: Database, played: PlayedEngine
) -> None:
    assert "did you mean before?" in reforge("parity", "befor", expect=2).err
    played.restores = {}
    assert "before is declared but not restored yet." in reforge("parity", "before", expect=2).err
