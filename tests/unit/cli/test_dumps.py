"""``reforge restore --dump``: what its options say in the config, and a dump that comes in a stream."""

from __future__ import annotations

import io
import json
import shlex
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from cli import dumps
from cli.journal import Journal
from problem import Problem
from tests.unit.cli.conftest import Reforge
from tests.unit.cli.doubles import PlayedEngine


def declared(project: Path) -> Any:
    config = yaml.safe_load((project / "Pulumi.local.yaml").read_text())["config"]
    return config["reforge:restores"]


def test_a_path_is_written_from_the_root(reforge: Reforge, played: PlayedEngine, project: Path) -> None:
    reforge("restore", "r", "--dump", "app.dump", "--yes")
    assert declared(project) == {"r": {"from": {"dump": str(project / "app.dump")}}}


def test_a_url_is_written_as_it_is(reforge: Reforge, played: PlayedEngine, project: Path) -> None:
    reforge("restore", "r", "--dump", "s3://site/app.dump", "--yes")
    assert declared(project)["r"] == {"from": {"dump": "s3://site/app.dump"}}


def test_every_option_has_its_word_in_the_config(
    reforge: Reforge, played: PlayedEngine, project: Path
) -> None:
    words = ["--jobs", "8", "--role", "app", "--no-owner", "--schema", "public", "--table", "a.b"]
    words += ["--map-role", "old=new", "--map-role", "two=new", "--accept", "ACL public.t", "--locale", "C"]
    reforge("restore", "r", "--dump", "/d", *words, "--port", "5544", "--yes")
    said = {
        "dump": "/d",
        "jobs": 8,
        "role": "app",
        "no-owner": True,
        "schemas": ["public"],
        "tables": ["a.b"],
        "roles": {"old": "new", "two": "new"},
        "accept": ["ACL public.t"],
        "locale": "C",
    }
    assert declared(project)["r"] == {"from": said, "port": 5544}


def test_missing_roles_can_be_made(reforge: Reforge, played: PlayedEngine, project: Path) -> None:
    reforge("restore", "r", "--dump", "/d", "--create-roles", "--yes")
    assert declared(project)["r"]["from"] == {"dump": "/d", "roles": "create"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--jobs", "4"], "jobs: of which dump?"),
        (["--dump", "/d", "--map-role", "a=b", "--create-roles"], "exclude each other"),
        (["--dump", "/d", "--map-role", "a"], "--map-role takes OLD=NEW"),
        (["--dump", "/d", "--map-role", "a=b", "--map-role", "a=c"], "each OLD once"),
        (["--dump", "/d", "--latest"], "needs exactly one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    reforge: Reforge, played: PlayedEngine, project: Path, words: list[str], told: str
) -> None:
    before = (project / "Pulumi.local.yaml").read_text()
    assert told in reforge("restore", "r", *words, "--yes", expect=2).err
    assert (project / "Pulumi.local.yaml").read_text() == before


def test_a_stream_becomes_a_private_file_named_after_its_content(
    reforge: Reforge, played: PlayedEngine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _again in range(2):
        stream = SimpleNamespace(buffer=io.BytesIO(b"PGDMP" * 1000), isatty=lambda: False)
        monkeypatch.setattr(dumps.sys, "stdin", stream)
        reforge("restore", "r", "--dump", "-", "--yes")
    [kept] = (project / ".reforge/dumps").iterdir()
    assert kept.read_bytes() == b"PGDMP" * 1000
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert declared(project) == {"r": {"from": {"dump": str(kept)}}}


def test_a_stream_that_no_restore_is_made_of_any_more_is_named(
    reforge: Reforge, played: PlayedEngine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = SimpleNamespace(buffer=io.BytesIO(b"PGDMP"), isatty=lambda: False)
    monkeypatch.setattr(dumps.sys, "stdin", stream)
    reforge("restore", "r", "--dump", "-", "--yes")
    [kept] = (project / ".reforge/dumps").iterdir()
    assert reforge("--json", "status").document["unneeded"] == []
    reforge("teardown", "r", "--yes")
    assert f"rm {kept}" in reforge("status").out
    assert reforge("--json", "status").document["unneeded"] == [str(kept)]
    assert kept.exists()


def test_a_stream_that_a_restore_of_another_stack_may_go_on_with_is_not_named(
    reforge: Reforge, played: PlayedEngine, project: Path
) -> None:
    kept = project / ".reforge/dumps/0123456789abcdef.dump"
    kept.parent.mkdir(mode=0o700, parents=True)
    kept.write_bytes(b"PGDMP")
    assert reforge("--json", "status").document["unneeded"] == [str(kept)]
    Journal(project / ".reforge/journal/prod.jsonl").begin(
        "restore", "r", f"reforge restore r --dump {kept} --yes"
    )
    assert reforge("--json", "status").document["unneeded"] == []


@pytest.mark.parametrize("typed", [["--dump", "-"], ["--dump=-"]])
def test_an_interrupted_load_of_a_stream_goes_on_from_its_file(
    reforge: Reforge,
    played: PlayedEngine,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: list[str],
) -> None:
    stream = SimpleNamespace(buffer=io.BytesIO(b"PGDMP"), isatty=lambda: False)
    monkeypatch.setattr(dumps.sys, "stdin", stream)
    reforge("restore", "r", *typed)
    [kept] = (project / ".reforge/dumps").iterdir()
    [begun] = [line for line in (project / ".reforge/journal/local.jsonl").read_text().splitlines()
               if '"command"' in line]  # fmt: skip
    assert shlex.split(json.loads(begun)["command"])[-1].removeprefix("--dump=") == str(kept)


def test_nobody_is_asked_to_type_a_dump(tmp_path: Path) -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    with pytest.raises(Problem, match="Nothing came on stdin"):
        dumps.spooled(Terminal(b"PGDMP"), tmp_path / "dumps")


def test_a_stream_that_brings_nothing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="Nothing came on stdin"):
        dumps.spooled(io.BytesIO(), tmp_path / "dumps")
    assert list((tmp_path / "dumps").iterdir()) == []


def test_a_stream_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("broken pipe")

    with pytest.raises(OSError, match="broken pipe"):
        dumps.spooled(Broken(), tmp_path / "dumps")
    assert list((tmp_path / "dumps").iterdir()) == []
