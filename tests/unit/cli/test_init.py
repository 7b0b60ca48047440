"""``reforge init``: a project and a stack from flags; secrets stay encrypted; it can be run again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from problem import Problem
from tests.unit.cli.conftest import STACK, Reforge
from tests.unit.cli.doubles import URL, PlayedEngine

ADMIN = "postgresql://pooler:s3cret@127.0.0.1:6432/pgbouncer"


@pytest.fixture
def words(project: Path) -> list[str]:
    """A whole ``init``; nothing listens at the original's address."""
    (project / "Pulumi.local.yaml").unlink()
    (project / "Pulumi.yaml").unlink()
    folders = {name: str(project / name) for name in ("backups", "archive", "directory")}
    return ["init", *(word for name, path in folders.items() for word in (f"--{name}", path))]


def test_a_stack_is_made_with_its_secrets_encrypted(
    reforge: Reforge, played: PlayedEngine, project: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFORGE_SOURCE_URL", URL)
    monkeypatch.setenv("REFORGE_PGBOUNCER_ADMIN", ADMIN)
    more = "--env-file /srv/.env:DATABASE_URL --supervisor unix:///run/s.sock#etl --flag /srv/f.env:ingest"
    reforge("--json", *words, *more.split(), "--suite", "suite.yaml", "--operator", "10.0.0.0/8", "--yes")
    text = (project / "Pulumi.local.yaml").read_text()
    config = yaml.safe_load(text)["config"]
    assert config["reforge:endpoints"] == [
        {"env-file": {"path": "/srv/.env", "key": "DATABASE_URL"}},
        {"pgbouncer": {"admin": {"secure": f"v1:{len(ADMIN)}"}, "database": "starforge"}},
    ]
    assert config["reforge:writers"] == [
        {"supervisor": {"server": "unix:///run/s.sock", "group": "etl"}},
        {"flag": {"file": "/srv/f.env", "key": "ingest"}},
    ]
    assert config["reforge:source-url"] == {"secure": f"v1:{len(URL)}"}
    assert config["reforge:suite"] == str(project / "suite.yaml")
    assert config["reforge:operators"] == ["10.0.0.0/8"]
    assert {"make_stack", "preview", "up"} <= set(played.calls)
    assert (project / ".gitignore").read_text() == ".reforge/\n"
    for file in project.rglob("*"):
        assert not file.is_file() or not any(s in file.read_text() for s in ("hunter2", "s3cret")), file


def test_paths_are_taken_from_where_the_command_is_typed(
    reforge: Reforge, project: Path, words: list[str]
) -> None:
    reforge(*words, "--url", URL, "--env-file", "app.env:DATABASE_URL", "--flag", "flags.env:ingest")
    config = yaml.safe_load((project / "Pulumi.local.yaml").read_text())["config"]
    assert config["reforge:endpoints"][0]["env-file"]["path"] == str(project / "app.env")
    assert config["reforge:writers"][0]["flag"]["file"] == str(project / "flags.env")


@pytest.mark.parametrize("option", ["url", "directory"])
def test_the_option_that_is_missing_is_named(reforge: Reforge, words: list[str], option: str) -> None:
    given = dict(zip(words[1::2], words[2::2], strict=True)) | {"--url": URL}
    del given[f"--{option}"]
    said = reforge("init", *(word for pair in given.items() for word in pair), expect=2)
    assert f"Add --{option}; what it takes: reforge init --help" in said.err


def test_a_url_on_the_command_line_is_masked_in_the_journal(
    reforge: Reforge, project: Path, words: list[str]
) -> None:
    reforge(*words, "--url", URL)
    journal = (project / ".reforge/journal/local.jsonl").read_text()
    assert "postgresql://app:***@127.0.0.1:5432/starforge" in journal
    assert "hunter2" not in journal


def test_a_database_whose_name_the_url_escapes_is_named_as_the_server_has_it(
    reforge: Reforge, project: Path, words: list[str]
) -> None:
    reforge(*words, "--url", "postgresql://app:hunter2@127.0.0.1:5432/my%20d%C3%A4ta", "--pgbouncer", ADMIN)
    config = yaml.safe_load((project / "Pulumi.local.yaml").read_text())["config"]
    assert config["reforge:source"]["database"] == "my däta"
    assert config["reforge:endpoints"][0]["pgbouncer"]["database"] == "my däta"


@pytest.mark.parametrize("more", [["--dry-run"], []])
def test_a_password_that_tears_the_url_apart_is_not_quoted(
    reforge: Reforge, project: Path, words: list[str], more: list[str]
) -> None:
    ended = reforge(*words, "--url", "postgresql://app:hunter2/x@127.0.0.1/shop", *more, expect=2)
    assert "/ @ : # ? are written %2F %40 %3A %23 %3F" in ended.err
    assert "hunter2" not in ended.out + ended.err
    assert list(project.iterdir()) == []


def test_what_is_missing_is_told_where_nobody_can_be_asked(
    reforge: Reforge, project: Path, words: list[str]
) -> None:
    ended = reforge(*words, expect=2)
    assert "Connection string of the original is not given, and there is no terminal" in ended.err
    ended = reforge("init", "--url", URL, expect=2)
    assert "Folder of base backups is not given" in ended.err
    assert list(project.iterdir()) == []


def test_a_config_that_is_there_is_never_overwritten(
    reforge: Reforge, project: Path, played: PlayedEngine
) -> None:
    ended = reforge("init", "--url", URL, expect=2)
    assert "has a config already" in ended.err
    assert "reforge --stack NAME init" in ended.err
    assert (project / "Pulumi.local.yaml").read_text() == STACK
    assert played.calls == []


@pytest.mark.parametrize(
    ("option", "value", "form"),
    [
        ("--env-file", "/srv/.env", "--env-file PATH:KEY"),
        ("--supervisor", "unix:///run/s.sock", "--supervisor SERVER#GROUP"),
        ("--flag", ":key", "--flag PATH:KEY"),
    ],
)
def test_a_pair_of_the_wrong_form_says_the_right_one(
    reforge: Reforge, project: Path, words: list[str], option: str, value: str, form: str
) -> None:
    ended = reforge(*words, "--url", URL, option, value, expect=2)
    assert f"is not of the form {form}" in ended.err
    assert list(project.iterdir()) == []


def test_wrong_values_are_told_together_before_anything_is_written(
    reforge: Reforge, project: Path, words: list[str]
) -> None:
    ended = reforge(*words, "--url", URL, "--operator", "everyone", "--provider", "locl", expect=2)
    assert "reforge:operators[0]" in ended.err
    assert "did you mean local?" in ended.err
    assert list(project.iterdir()) == []


@pytest.mark.parametrize("broken", ["make_stack", "keep source-url", "keep endpoints[0].pgbouncer.admin"])
def test_the_same_command_goes_on_where_the_engine_failed_it_midway(
    reforge: Reforge, played: PlayedEngine, project: Path, words: list[str], broken: str
) -> None:
    words = [*words, "--url", URL, "--pgbouncer", ADMIN]
    played.fails[broken] = Problem("engine-failed", "The disk is full.")
    assert "The disk is full." in reforge(*words, expect=1).err
    assert "hunter2" not in "".join(file.read_text() for file in project.glob("*.yaml"))
    played.fails.clear()
    reforge(*words)
    text = (project / "Pulumi.local.yaml").read_text()
    assert text.count("config:") == 1
    assert yaml.safe_load(text)["config"]["reforge:source-url"] == {"secure": f"v1:{len(URL)}"}


def test_another_stack_of_a_project_is_made_beside_the_first(
    reforge: Reforge, project: Path, words: list[str]
) -> None:
    (project / "Pulumi.yaml").write_text("name: reforge\n")
    (project / "Pulumi.local.yaml").write_text(STACK)
    ended = reforge("--stack", "staging", *words, "--url", URL)
    assert "Wrote" not in ended.out.replace("Wrote __main__.py", "").replace("Wrote .gitignore", "")
    assert (project / "Pulumi.staging.yaml").exists()
    assert (project / "Pulumi.local.yaml").read_text() == STACK
    assert "Next: reforge --stack staging apply" in ended.out
