"""`reforge cutover NAME --canary`: what it writes, what it refuses, what it tells; and how a canary goes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import canary as trial
from cli import writes
from cli.journal import Journal
from problem import Problem
from tests.unit.cli.conftest import STACK, Reforge
from tests.unit.cli.doubles import PlayedEngine
from tests.unit.cli.test_stages import ACCEPTED

THERE = "postgresql://app:hunter2@127.0.0.1:5544/starforge"
COPY = "api-reforge-canary"
STANDING = "  # A small copy first.\n  reforge:canary:\n    deployment: {namespace: starforge, name: api}\n"
PAUSED = STACK.replace("writing: all", "writing: none").replace("reforge:restores: {}\n", ACCEPTED)
CANARY = ["cutover", "before", "--canary"]
SPLIT = ["--accept", "split-writes", "--reason", "the nightly import may run"]


@pytest.fixture
def file(project: Path, played: PlayedEngine) -> Path:
    """A stack with paused writers, an accepted restore, and a deployment to be copied."""
    path = project / "Pulumi.local.yaml"
    path.write_text(PAUSED + STANDING)
    played.restores = {"before": {"url": THERE}}
    return path


@pytest.fixture(autouse=True)
def servers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Counter[str]]:
    """Who is connected where: to the restore by its URL, else to the source."""
    found: dict[str, Counter[str]] = {"restore": Counter({f"{COPY} from 10.0.0.7": 2}), "source": Counter()}

    def connected(url: str) -> Counter[str]:
        if "gone" in found:
            raise Problem("database-unreachable", "it is away")
        return found["restore" if url == THERE else "source"]

    monkeypatch.setattr(trial, "connected", connected)
    monkeypatch.setattr(writes, "connected", connected)
    return found


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The gates and counters of a cut-over, played."""
    said: list[str] = []
    rollback = __import__("cli.commands.rollback", fromlist=["command"])
    cutover = __import__("cli.commands.cutover", fromlist=["command"])

    def before(_session: Any, name: str) -> Any:
        return lambda: said.append(f"baseline {name}")

    def written(_session: Any, _stage: Any, name: str, final: bool = False, since: str = "") -> None:
        said.append(f"written {name} since {since}{' in the end' if final else ''}")

    for module in (trial, cutover):
        monkeypatch.setattr(module, "before_cutover", before)
        monkeypatch.setattr(
            module, "hold", lambda _session, _stage, name, _given: said.append(f"hold {name}")
        )
    monkeypatch.setattr(cutover, "after_cutover", lambda _session, _stage, name: said.append(f"after {name}"))
    monkeypatch.setattr(rollback, "tell_written", written)
    monkeypatch.setattr(rollback, "tell_parted", lambda *_: None)
    return said


def canary(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text())["config"].get("reforge:canary", {})
    return found


def test_a_canary_is_a_line_in_the_config_and_who_is_connected_is_told(
    reforge: Reforge, file: Path, told: list[str]
) -> None:
    ended = reforge("--json", *CANARY, "--yes")
    assert "+    restore: before" in ended.document["config_diff"]
    assert ended.document["connected"] == {f"{COPY} from 10.0.0.7": 2}
    assert f"Connected to before: 2 x {COPY} from 10.0.0.7" in ended.err
    assert (ended.document["position"], ended.document["next"]) == (
        "canary-up",
        "cutover before --canary --traffic",
    )
    assert told == ["baseline before"], "its counters, and no gate while nobody meets it"
    assert "# A small copy first." in file.read_text()


def test_the_command_names_the_deployment_where_the_config_does_not(reforge: Reforge, file: Path) -> None:
    file.write_text(PAUSED)
    refused = reforge(*CANARY, "--yes", expect=2)
    assert "names one" in refused.err
    assert "reforge cutover before --canary --deployment NAMESPACE/NAME" in refused.err
    assert "option-wrong" in reforge("--json", *CANARY, "--deployment", "api", expect=2).out
    more = ["--deployment", "starforge/api", "--context", "east", "--variable", "PG_URL", "--pods", "2"]
    reforge(*CANARY, *more, "--yes")
    place = {"context": "east", "namespace": "starforge", "name": "api"}
    assert canary(file) == {"deployment": place, "variable": "PG_URL", "pods": 2, "restore": "before"}


def test_requests_hold_all_gates_of_a_cutover(reforge: Reforge, file: Path, told: list[str]) -> None:
    reforge(*CANARY, "--yes")
    document = reforge("--json", *CANARY, "--traffic", "--pods", "2", "--yes").document
    assert "hold before" in told
    assert canary(file)["traffic"] is True
    assert (document["position"], document["next"]) == ("canary-serving", "cutover before")
    reforge(*CANARY, "--yes")
    assert "traffic" not in canary(file), "the command says all that it is to have"
    assert canary(file)["pods"] == 2


def test_requests_while_writers_work_need_a_reason(reforge: Reforge, file: Path) -> None:
    file.write_text(file.read_text().replace("writing: none", "writing: all"))
    text = file.read_text()
    refused = reforge("--json", *CANARY, "--traffic", "--yes", expect=3).document["error"]
    assert (refused["name"], file.read_text()) == ("split-writes", text)
    assert "reforge pause" in refused["cure"]
    document = reforge("--json", *CANARY, "--yes").document
    assert document["next"] == "pause"
    assert "waiver-incomplete" in reforge("--json", *CANARY, "--traffic", *SPLIT[:2], expect=2).out
    reforge(*CANARY, "--traffic", *SPLIT, "--yes")
    assert canary(file)["split-writes"]["reason"] == "the nightly import may run"
    reforge(*CANARY, "--traffic", "--pods", "3", "--yes")  # it stays accepted for this restore


def test_writes_of_a_canary_need_a_reason(reforge: Reforge, file: Path) -> None:
    assert reforge("--json", *CANARY, "--writes", expect=3).document["error"]["name"] == "split-writes"
    reforge(*CANARY, "--writes", *SPLIT, "--yes")
    assert canary(file)["writes"] is True


def test_a_restore_that_is_not_validated_is_not_tried(reforge: Reforge, file: Path) -> None:
    file.write_text(file.read_text().replace("waived:", "port: 5544 #"))
    assert reforge("--json", *CANARY, expect=3).document["error"]["name"] == "not-validated"
    assert "no-such-restore" in reforge("--json", "cutover", "befor", "--canary", expect=2).out


def test_a_canary_that_uses_the_source_gets_no_requests(
    reforge: Reforge, file: Path, servers: dict[str, Counter[str]]
) -> None:
    servers["source"] = Counter({f"{COPY} from 10.0.0.7": 1, "api from 10.0.0.8": 4})
    assert f"The canary is connected to the source: 1 x {COPY}" in reforge(*CANARY, "--yes").out
    refused = reforge("--json", *CANARY, "--traffic", "--yes", expect=3).document["error"]
    assert refused["name"] == "canary-astray"
    assert "10.0.0.8" not in refused["what"]
    assert "traffic" not in canary(file)


def test_a_canary_of_which_no_session_is_seen_is_told(
    reforge: Reforge, file: Path, servers: dict[str, Counter[str]]
) -> None:
    servers["restore"] = Counter({"unnamed from 10.0.0.7": 1})
    assert f"No session of {COPY} on before yet" in reforge(*CANARY, "--yes").out
    servers["gone"] = Counter()
    assert "is not known: it is away" in reforge(*CANARY, "--pods", "2", "--yes").out


def test_the_cutover_takes_the_canary_away_in_the_same_diff(reforge: Reforge, file: Path) -> None:
    reforge(*CANARY, "--traffic", "--pods", "2", "--yes")
    diff = reforge("--json", "cutover", "before", "--yes").document["config_diff"]
    assert "+  reforge:serving: before" in diff
    assert "-    traffic: true" in diff
    assert canary(file) == {"deployment": {"namespace": "starforge", "name": "api"}}


def test_a_rollback_takes_it_away_and_says_what_it_wrote(
    reforge: Reforge, file: Path, told: list[str]
) -> None:
    reforge(*CANARY, "--yes")
    reforge("rollback", "--yes")
    since = "written before since the canary began"
    assert told[-2:] == [since, f"{since} in the end"]
    assert canary(file) == {"deployment": {"namespace": "starforge", "name": "api"}}
    assert "There is no canary." in reforge("rollback", "--canary", "--yes").out


def test_it_may_go_alone_while_another_restore_serves(
    reforge: Reforge, file: Path, played: PlayedEngine
) -> None:
    accepted = ACCEPTED.partition("\n")[2]
    both = ACCEPTED + accepted.replace("before", "earlier")
    file.write_text(file.read_text().replace(ACCEPTED, both).replace("serving: source", "serving: earlier"))
    reforge(*CANARY, "--yes")
    reforge("rollback", "--canary", "--yes")
    assert yaml.safe_load(file.read_text())["config"]["reforge:serving"] == "earlier"
    assert "restore" not in canary(file)


def test_a_restore_with_a_canary_is_not_torn_down(reforge: Reforge, file: Path) -> None:
    reforge(*CANARY, "--yes")
    refused = reforge("--json", "teardown", "before", "--yes", expect=3).document["error"]
    assert refused["name"] == "still-serving"
    assert refused["cure"].endswith("reforge rollback --canary")


def test_a_saved_plan_is_applied_with_the_same_gates(reforge: Reforge, file: Path, told: list[str]) -> None:
    reforge(*CANARY, "--traffic")
    told.clear()
    document = reforge("--json", "apply").document
    assert told == ["hold before", "baseline before"]
    assert document["connected"] == {f"{COPY} from 10.0.0.7": 2}


def test_status_names_it(reforge: Reforge, file: Path, project: Path) -> None:
    reforge(*CANARY, "--traffic", "--pods", "2", "--yes")
    assert "canary: 2 pods like starforge/api on before, taking requests, read-only" in reforge("status").out
    document = reforge("--json", "status").document
    assert document["canary"]["restore"] == "before"
    assert document["state"] == "canary-serving"
    assert Journal(project / ".reforge/journal/local.jsonl").runs()[-1].stage == "cutover-canary"


@pytest.mark.parametrize("more", [["--traffic"], ["--pods", "2"], ["--deployment", "starforge/api"]])
def test_what_is_of_a_canary_means_nothing_without_one(reforge: Reforge, file: Path, more: list[str]) -> None:
    refused = reforge("--json", "cutover", "before", *more, expect=2).document["error"]
    assert refused["name"] == "option-wrong"
    assert more[0] in refused["what"]
