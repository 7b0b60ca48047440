"""An incremental backup joined by something that only looks like pg_combinebackup."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from archive.backups import BaseBackup, list_backups
from archive.lsn import format_lsn
from dbrestore.handler import Context
from dbrestore.postgres import combining
from dbrestore.postgres.combining import STAGING, place_backup, staged
from dbrestore.postgres.placement import Placement
from problem import Problem
from tests.unit.archive.made_up import SIZE, base_backup, tar_backup
from toolchain.postgres import Binaries

JOINS = """
for last; do :; done
echo "$@" > {folder}/arguments
cp -r "$last" "$OUTPUT"
touch "$OUTPUT/standby.signal"; mkdir -p "$OUTPUT/pg_replslot/theirs"
"""


@pytest.fixture
def backup(tmp_path: Path) -> BaseBackup:
    """full, in the plain form, and later, in the tar form with two tablespaces, which builds on it."""
    base_backup(tmp_path / "base/full", number=2)
    start = format_lsn(2 * SIZE + 0x28)
    more = f"INCREMENTAL FROM LSN: {start}\nINCREMENTAL FROM TLI: 1\n"
    tar_backup(tmp_path / "base/later", number=5, more=more)
    return list_backups(tmp_path / "base").usable[-1]


@pytest.fixture
def placement(tmp_path: Path) -> Placement:
    folder = tmp_path / "restores/again"
    folder.mkdir(parents=True)
    spaces = folder.with_name("again.tablespaces")
    return Placement(folder, None, {16384: spaces / "16384", 16385: spaces / "16385"})


def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = tmp_path / "bin/pg_combinebackup"
    program.parent.mkdir()
    output = 'while [ "$1" != -o ]; do shift; done; OUTPUT=$2; shift 2\n'
    program.write_text(f"#!/bin/sh\n{output}{body.format(folder=tmp_path)}")
    program.chmod(0o755)
    monkeypatch.setattr(combining, "find_binaries", lambda _major: Binaries(tmp_path / "bin", "17.2", "path"))


def test_everything_is_unpacked_joined_and_put_in_place(
    backup: BaseBackup, placement: Placement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, monkeypatch, JOINS)
    told: list[str] = []
    assert place_backup(backup, placement, Context("urn", told.append)) == sum(b.size for b in backup.chain)
    assert "combining 2 base backups into one" in told
    words = (tmp_path / "arguments").read_text()
    assert f"16384={placement.tablespaces[16384]}" in words
    assert words.split()[-2:] == [str(tmp_path / "base/full"), str(placement.directory / STAGING / "1")]
    assert (placement.directory / "base/1/1259").read_bytes() == b"table" * 1000
    names = {path.name for path in placement.directory.iterdir()}
    assert not names & {STAGING, "standby.signal", "backup_manifest", "tablespace_map"}
    assert not list((placement.directory / "pg_replslot").iterdir())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in placement.directory.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_only_what_pg_combinebackup_cannot_read_needs_room_besides(backup: BaseBackup) -> None:
    assert staged(backup) == backup.size
    assert staged(backup.parents[0]) == 0


def test_its_words_are_passed_on(
    backup: BaseBackup, placement: Placement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, monkeypatch, "echo 'error: backups do not match' >&2; exit 1")
    with pytest.raises(
        Problem, match="later cannot be combined with those it builds on: error: backups do"
    ) as caught:
        place_backup(backup, placement, Context("urn"))
    assert caught.value.name == "combining-failed"


def test_an_interrupt_ends_it(
    backup: BaseBackup, placement: Placement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, monkeypatch, "exec tail -f /dev/null")
    cancelled = threading.Event()
    context = Context("urn", lambda text: cancelled.set() if "combining" in text else None, cancelled)
    with pytest.raises(Problem) as caught:
        place_backup(backup, placement, context)
    assert caught.value.name == "interrupted"
