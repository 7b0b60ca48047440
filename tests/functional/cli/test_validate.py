"""``reforge validate`` and ``fingerprint`` on a real PostgreSQL: by URL with no stack, and of a restore."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # a file that the test itself made

import pytest

from tests.functional.cli.conftest import Database
from tests.unit.cli.conftest import Reforge
from tests.unit.cli.doubles import Ended, PlayedEngine

GOOD = "name: good\nchecks:\n- connectivity\n- row-counts: {tables: {users: {exactly: 20}}}\n"
BAD = GOOD.replace("exactly: 20", "at-least: 1000").replace("name: good", "name: bad")


@pytest.fixture
def suites(project: Path) -> Path:
    (project / "good.yaml").write_text(GOOD)
    (project / "bad.yaml").write_text(BAD)
    return project


def test_any_database_is_validated_by_its_url_where_there_is_no_project(
    reforge: Reforge, suites: Path, source: Database
) -> None:
    (suites / "Pulumi.yaml").unlink()
    (suites / "Pulumi.local.yaml").unlink()
    words = ["validate", "--url", source.url, "--suite", "good.yaml", "--junit", "report.xml"]
    assert "row-counts" in reforge(*words).out
    document = reforge("--json", *words).document
    assert document["passed"] is True
    root = ElementTree.parse(suites / "report.xml").getroot()  # noqa: S314
    assert len(root.findall(".//testcase")) == 2
    assert reforge("--json", "validate", "--url", source.url).document["passed"] is True
    assert not (suites / ".reforge").exists()


def test_a_suite_that_fails_ends_in_1_with_its_report_as_the_one_document(
    reforge: Reforge, suites: Path, source: Database
) -> None:
    words = ["validate", "--url", source.url, "--suite", "bad.yaml", "--junit", "report.xml"]
    ended = reforge("--json", *words, expect=1)
    assert ended.document["passed"] is False
    assert "Error: " in ended.err
    root = ElementTree.parse(suites / "report.xml").getroot()  # noqa: S314
    assert len(root.findall(".//failure")) == 1


def test_a_report_that_cannot_be_written_is_told(reforge: Reforge, suites: Path, source: Database) -> None:
    words = ["validate", "--url", source.url, "--suite", "good.yaml", "--junit", "nowhere/report.xml"]
    ended = reforge(*words, expect=1)
    assert "cannot be written to nowhere/report.xml: No such file or directory." in ended.err


def test_a_suite_is_looked_for_where_we_are_and_the_configs_in_the_project(
    reforge: Reforge,
    suites: Path,
    source: Database,
    restored: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (suites / "below").mkdir()
    (suites / "below/mine.yaml").write_text(GOOD.replace("good", "mine"))
    monkeypatch.chdir(suites / "below")
    assert finding(reforge("--json", "validate", "before", "--suite", "mine.yaml"))["suite"]["name"] == "mine"
    file = suites / "Pulumi.local.yaml"
    file.write_text(file.read_text() + "  reforge:suite: good.yaml\n")
    assert finding(reforge("--json", "validate", "before"))["suite"]["name"] == "good"


def finding(ended: Ended) -> dict[str, Any]:
    """What the report that a command kept has found."""
    found: dict[str, Any] = json.loads(Path(ended.document["report"]).read_text())["finding"]
    return found


def test_a_restore_that_passes_is_recorded_with_the_digest_of_its_report(
    reforge: Reforge, suites: Path, source: Database, restored: Database, played: PlayedEngine
) -> None:
    ended = reforge("--json", "validate", "before", "--suite", "good.yaml", "--yes")
    document = ended.document
    assert (document["position"], document["next"]) == ("validated", "cutover before")
    text = (suites / "Pulumi.local.yaml").read_text()
    assert f"digest: {document['digest']}" in text
    assert text.index("validated:") < text.index("# Where the application points.")
    assert Path(document["report"]).is_file()
    assert "validate: check 1 of 2: connectivity" in ended.err


def test_a_restore_that_fails_stays_unvalidated_and_the_way_out_is_told(
    reforge: Reforge, suites: Path, source: Database, restored: Database, played: PlayedEngine
) -> None:
    before = (suites / "Pulumi.local.yaml").read_text()
    words = ["validate", "before", "--suite", "bad.yaml", "--junit", "report.xml", "--yes"]
    ended = reforge("--json", *words, expect=1)
    assert ended.document["passed"] is False
    assert ended.document["stage"] == "validate"
    assert "Nothing points to before." in ended.err
    assert "reforge teardown before --yes" in ended.err
    assert (suites / "Pulumi.local.yaml").read_text() == before
    assert "preview" not in played.calls
    assert (suites / "report.xml").exists()
    assert reforge("--json", "status").document["state"].endswith("failed")


def test_a_restore_that_cannot_be_reached_is_not_judged_by_that(
    reforge: Reforge, source: Database, restored: Database, played: PlayedEngine
) -> None:
    shut = restored.url.replace(restored.name, "nowhere")
    played.restores = {"before": {"url": shut}}
    ended = reforge("--json", "validate", "before", "--yes", expect=1)
    assert ended.document["error"]["name"] == "database-unreachable"
    status = reforge("--json", "status").document
    assert (status["state"], status["problem"]) == ("failed", "database-unreachable")
    assert status["next"] == "validate before --yes"


def test_a_fingerprint_is_the_same_for_the_same_rows(
    reforge: Reforge, source: Database, restored: Database
) -> None:
    prints = [reforge("--json", "fingerprint", "--url", one.url).document for one in (source, restored)]
    assert prints[0] == prints[1]
    restored.execute("UPDATE users SET namecode = 'other' WHERE id = 7")
    changed = reforge("fingerprint", "--url", restored.url, "--table", "users").out
    assert changed.endswith("20 rows\n")
    assert changed != reforge("fingerprint", "--url", source.url, "--table", "users").out


@pytest.mark.parametrize("command", ["validate", "fingerprint"])
def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    reforge: Reforge, command: str
) -> None:
    ended = reforge(command, "--url", "postgresql://app:hunter2@127.0.0.1:1/starforge", expect=1)
    assert "127.0.0.1" in ended.out + ended.err
    assert "hunter2" not in ended.out + ended.err
