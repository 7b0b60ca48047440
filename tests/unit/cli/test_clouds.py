"""``init`` and ``sources`` on a cloud: the provider's catalog finds, the command line shows and writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from problem import Misuse
from stacks.providers.aws_rds import catalog
from tests.unit.cli.conftest import STACK, Reforge
from tests.unit.cli.doubles import URL, PlayedEngine
from tests.unit.cli.test_teardown_in_clouds import CLOUD, LOCAL

FOUND = {"provider": "aws-rds", "instance": "prod", "region": "eu-central-1", "database": "starforge"}
DOCUMENT: dict[str, Any] = {
    "backups": [],
    "windows": [
        {
            "backup": "automated backups",
            "start": None,
            "end": "2025-12-03T15:00:00Z",
            "timeline": None,
            "gaps": [],
        }
    ],
    "stillInSource": [],
    "readReplicas": [
        {"name": "prod-far", "status": "", "problem": "lies in another region"},
        {"name": "prod-near", "status": "available", "problem": ""},
    ],
    "quotas": {"DBInstances": {"used": 40, "allowed": 40}, "AllocatedStorage": {"used": 1, "allowed": 9}},
    "unseen": ["snapshots that other accounts share: denied"],
}
ADOPTABLE = {
    "windows": [],
    "readReplicas": [],
    "adoptable": [{"ref": "abcdefghijklmnopqrst", "name": "clone"}],
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the catalog was given to look around with."""
    given: list[dict[str, Any]] = []

    def look_around(what: dict[str, Any]) -> dict[str, Any]:
        given.append(what)
        return dict(FOUND)

    monkeypatch.setattr(catalog, "look_around", look_around)
    return given


@pytest.fixture
def bare(project: Path) -> Path:
    """A folder without a project."""
    for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
        (project / name).unlink()
    return project


WORDS = ("--stack", "prod", "init", "--url", URL, "--provider", "aws-rds", "--operator", "203.0.113.7/32")


def test_init_takes_what_the_catalog_finds_and_any_endpoint_and_writer(
    reforge: Reforge, played: PlayedEngine, bare: Path, asked: list[dict[str, Any]]
) -> None:
    secret, worker = "aws-secret: {id: starforge/url}", "deployment: {namespace: starforge, name: etl}"
    typed = ("--source", "region=eu-central-1", "--endpoint", secret, "--writer", worker)
    ended = reforge(*WORDS, *typed)
    assert "eu-central-1" in ended.out
    config = yaml.safe_load((bare / "Pulumi.prod.yaml").read_text())["config"]
    assert config["reforge:source"] == FOUND
    assert config["reforge:endpoints"] == [{"aws-secret": {"id": "starforge/url"}}]
    assert config["reforge:writers"] == [{"deployment": {"namespace": "starforge", "name": "etl"}}]
    assert asked[0] == {"url": URL, "instance": None, "region": "eu-central-1"}
    assert "hunter2" not in (bare / "Pulumi.prod.yaml").read_text() + ended.out + ended.err


def test_a_dry_run_shows_what_is_found_and_writes_nothing(
    reforge: Reforge, bare: Path, asked: list[dict[str, Any]]
) -> None:
    document = reforge("--json", *WORDS, "--dry-run").document
    assert document["discovery"] == {"source": FOUND}
    assert list(bare.iterdir()) == []


def test_an_original_that_is_not_found_is_told_and_nothing_is_written(
    reforge: Reforge, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unclear(_given: Any) -> Any:
        raise Misuse("rds-instance-unclear", "Which instance?", "Name it: --instance NAME")

    monkeypatch.setattr(catalog, "look_around", unclear)
    assert "--instance NAME" in reforge(*WORDS, expect=2).err
    assert list(bare.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--backups", "/srv"), "--backups is for --provider local"),
        (("--source", "region"), "--source NAME=VALUE"),
        (("--endpoint", "aws-secret"), "--endpoint 'KIND: {NAME: VALUE}'"),
        (("--writer", "deployment: {"), "--writer 'KIND: {NAME: VALUE}'"),
        (("--endpoint", "aws-secrt: {id: a}"), "did you mean aws-secret?"),
    ],
)
def test_a_wrong_option_says_the_right_one(
    reforge: Reforge, bare: Path, asked: list[dict[str, Any]], words: tuple[str, ...], said: str
) -> None:
    assert said in reforge(*WORDS, *words, expect=2).err
    assert list(bare.iterdir()) == []


def test_a_team_has_its_state_and_its_key_where_it_says(
    reforge: Reforge, played: PlayedEngine, bare: Path, asked: list[dict[str, Any]]
) -> None:
    place = ("--backend", "s3://starforge-state", "--secrets-provider", "awskms://alias/reforge")
    reforge(*WORDS, *place)
    project = yaml.safe_load((bare / "Pulumi.yaml").read_text())
    assert project["backend"] == {"url": "s3://starforge-state"}
    assert "make_stack awskms://alias/reforge" in played.calls


def test_a_project_has_one_backend(
    reforge: Reforge, project: Path, played: PlayedEngine, asked: list[dict[str, Any]]
) -> None:
    ended = reforge(*WORDS, "--backend", "s3://elsewhere", expect=2)
    assert "keeps its state in the default place, not in s3://elsewhere" in ended.err
    assert played.calls == []


def test_sources_of_a_cloud_are_told_with_what_may_not_be_seen(
    reforge: Reforge, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "Pulumi.local.yaml").write_text(STACK.replace(LOCAL, CLOUD))
    document = dict(DOCUMENT)

    class Seen:
        def document(self) -> dict[str, Any]:
            return document

    monkeypatch.setattr(catalog, "what_can_be_restored", lambda _source: Seen())
    out = reforge("sources").out
    assert "2025-12-03T15:00:00Z  automated backups" in out
    assert "prod-far              lies in another region" in out
    assert "The quota DBInstances is used up: 40 of 40." in out
    assert "AllocatedStorage" not in out
    assert "a dump of pg_dump is loaded by its path or URL: reforge restore NAME --dump DUMP" in out
    assert "Not seen: snapshots that other accounts share: denied" in out
    assert out.rstrip().endswith("Next: reforge restore NAME --time TIME")
    document["windows"] = []
    assert reforge("sources").out.rstrip().endswith("Next: reforge restore NAME --replica prod-near")
    document.update(ADOPTABLE)
    assert reforge("sources").out.rstrip().endswith("Next: reforge restore NAME --adopt REF")
