"""Base backups of every form restored through ``postgres:Instance``; damaged ones are named."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.backups import list_backups
from dbrestore.postgres.instance import Instance
from problem import Problem
from tests.support.basebackups import Cluster, context
from tests.support.servers import Postgres, folder, scratch

FORMS = {
    "plain": ("-X", "none"),
    "plain-own-wal": ("-X", "stream", "--manifest-checksums=NONE"),
    "tar": ("-Ft", "-X", "stream"),
    "tar-gzip": ("-Ft", "-X", "stream", "--compress=client-gzip:1"),
    "tar-lz4": ("-Ft", "-X", "none", "--compress=server-lz4"),
    "tar-zstd": ("-Ft", "-X", "fetch", "--compress=server-zstd:1", "--manifest-checksums=SHA256"),
}
MORE_FORMS = {
    "tar-server-gzip": ("-Ft", "-X", "none", "--compress=server-gzip", "--manifest-checksums=SHA512"),
    "tar-client-lz4": ("-Ft", "-X", "stream", "--compress=client-lz4", "--manifest-checksums=SHA224"),
    "tar-client-zstd": ("-Ft", "-X", "stream", "--compress=client-zstd", "--manifest-checksums=SHA384"),
}
QUICK = {"plain", "tar", "tar-gzip", "tar-zstd"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with scratch() as place, Postgres(folder(place / "pg"), archive=place / "wal") as server:
        yield Cluster(server, place)


def made(cluster: Cluster, name: str) -> str:
    """The backup of that form, taken when it is first asked for; more is committed after it."""
    if not (cluster.base / name).exists():
        cluster.back_up(name, *(FORMS | MORE_FORMS)[name])
        cluster.add(len(list(cluster.base.iterdir())) + 1)
        cluster.server.switch_wal()
    return name


@pytest.fixture
def only(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The cluster with the backup that the test is about as the only one."""
    with cluster.only(made(cluster, request.param)):
        yield cluster


def restored(cluster: Cluster, name: str = "again", **more: object) -> dict[str, object]:
    _identity, state = Instance().create(context(name), cluster.inputs(name, **more))
    return state


def removed(cluster: Cluster, name: str = "again") -> None:
    directory = cluster.place / "restores" / name
    Instance().delete(context(name), str(directory), {})
    assert not (cluster.place / "restores").exists()


def check_restore(cluster: Cluster) -> None:
    before = cluster.dump()
    state = restored(cluster)
    try:
        assert cluster.dump(int(str(state["boundPort"]))) == before
        links = list((cluster.place / "restores/again/pg_tblspc").iterdir())
        homes = {Path(os.readlink(link)).parent for link in links}
        assert (len(links), homes) == (2, {cluster.place / "restores/again.tablespaces"})
    finally:
        removed(cluster)


@pytest.mark.parametrize("only", sorted(QUICK), indirect=True)
def test_a_restore_is_the_same_whatever_the_form(only: Cluster) -> None:
    check_restore(only)


@pytest.mark.slow
@pytest.mark.parametrize("only", sorted((FORMS | MORE_FORMS).keys() - QUICK), indirect=True)
def test_a_restore_is_the_same_whoever_compressed_it(only: Cluster) -> None:
    check_restore(only)


@pytest.mark.slow
def test_the_forms_are_listed_with_their_facts(cluster: Cluster) -> None:
    for name in FORMS | MORE_FORMS:
        made(cluster, name)
    found = list_backups(cluster.base)
    assert not found.broken
    assert {backup.name: backup.form for backup in found} == {
        "plain": "plain",
        "plain-own-wal": "plain",
        "tar": "tar",
        "tar-gzip": "tar, gz",
        "tar-lz4": "tar, lz4",
        "tar-zstd": "tar, zst",
        "tar-server-gzip": "tar, gz",
        "tar-client-lz4": "tar, lz4",
        "tar-client-zstd": "tar, zst",
    }
    assert len({(one.version_major, one.segment_size) for one in found}) == 1
    identifiers = {one.system_identifier for one in found}
    assert len(identifiers - {None}) == 1
    assert all(len(one.tablespaces) == 2 for one in found)
    of_tar = next(one for one in found if one.name == "tar")
    assert str(cluster.space) in of_tar.tablespaces.values()


# Damage


def refused(cluster: Cluster) -> Problem:
    before = cluster.dump()
    with pytest.raises(Problem) as caught:
        restored(cluster)
    assert not (cluster.place / "restores").exists(), "half a copy was left"
    assert cluster.dump() == before
    return caught.value


def flip(path: Path, where: int) -> None:
    content = bytearray(path.read_bytes())
    content[where] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("only", ["plain"], indirect=True)
def test_a_flipped_byte_in_a_file_is_named(only: Cluster) -> None:
    victim = max((only.base / "plain/base").rglob("[0-9]*"), key=lambda path: path.stat().st_size)
    flip(victim, victim.stat().st_size // 2)
    found = refused(only)
    assert found.name == "backup-damaged"
    assert str(victim.relative_to(only.base / "plain")) in found.what


@pytest.mark.parametrize("only", ["plain"], indirect=True)
def test_a_missing_and_a_foreign_file_are_both_named(only: Cluster) -> None:
    (only.base / "plain/global/pg_filenode.map").unlink()
    (only.base / "plain/base/surprise").touch()
    found = refused(only)
    assert found.name == "backup-damaged"
    assert "global/pg_filenode.map is missing; base/surprise is not in its manifest" in found.what


@pytest.mark.parametrize("only", ["plain"], indirect=True)
def test_a_tablespace_that_is_gone_is_named(only: Cluster) -> None:
    (link, *_) = (only.base / "plain/pg_tblspc").iterdir()
    link.unlink()
    link.symlink_to("/nowhere/at/all")
    found = refused(only)
    assert found.name == "no-backup"
    assert f"its tablespace {link.name} lay in /nowhere/at/all, which is not there" in found.what


@pytest.mark.parametrize("only", ["plain", "tar-gzip"], indirect=True)
def test_a_changed_manifest_is_named(only: Cluster) -> None:
    (path,) = only.base.glob("*/backup_manifest")
    path.write_text(path.read_text().replace("PG_VERSION", "PG_VISION"))
    found = refused(only)
    assert found.name == "no-backup"
    assert "does not agree with its own checksum" in found.what


ALL_TARS = [(form, how) for form in FORMS if "tar" in form for how in ("flipped", "truncated", "gone")]
QUICK_TARS = [("tar", "truncated"), ("tar", "gone"), ("tar-gzip", "flipped"), ("tar-zstd", "truncated")]


@pytest.mark.parametrize(
    ("only", "how"),
    [
        pytest.param(*one, marks=[] if one in QUICK_TARS else pytest.mark.slow, id="-".join(one))
        for one in ALL_TARS
    ],
    indirect=["only"],
)
def test_a_damaged_tar_file_is_named(only: Cluster, how: str) -> None:
    (base,) = only.base.glob("*/base.tar*")
    (space,) = (path for path in only.base.glob("*/[0-9]*.tar*") if path.stat().st_size > 5000)
    if how == "flipped":
        flip(base, base.stat().st_size // 2)
    elif how == "truncated":
        os.truncate(base, base.stat().st_size // 2)
    else:
        space.unlink()
    found = refused(only)
    assert found.name in ("backup-damaged", "no-backup")
    words = {
        "flipped": "damaged",
        "truncated": "cut short|is missing| bytes instead of ",
        "gone": "is missing",
    }
    assert re.search(words[how], found.what)


# Tablespaces


@pytest.mark.parametrize("only", ["tar"], indirect=True)
def test_tablespaces_go_where_a_rule_says(only: Cluster) -> None:
    elsewhere = folder(only.place / "elsewhere")
    state = restored(only, source={"tablespaces": {str(only.space): elsewhere}})
    try:
        assert only.dump(int(str(state["boundPort"]))) == only.dump()
        links = (only.place / "restores/again/pg_tblspc").iterdir()
        homes = {Path(os.readlink(link)).parent for link in links}
        assert homes == {elsewhere / "again.tablespaces", only.place / "restores/again.tablespaces"}
    finally:
        removed(only)
    assert not any(elsewhere.iterdir())


@pytest.mark.parametrize("only", ["tar"], indirect=True)
def test_tablespaces_never_go_where_the_original_has_them(only: Cluster) -> None:
    with pytest.raises(Problem) as caught:
        restored(only, source={"tablespaces": {str(only.space.parent): only.space}})
    assert caught.value.name == "tablespace-in-the-way"
    assert not (only.place / "restores").exists()


@pytest.mark.parametrize("only", ["tar"], indirect=True)
def test_a_folder_that_is_not_ours_is_not_filled_with_tablespaces(only: Cluster) -> None:
    taken = folder(only.place / "restores/again.tablespaces")
    (taken / "precious").touch()
    with pytest.raises(Problem) as caught:
        restored(only)
    assert caught.value.name == "not-ours"
    assert [path.name for path in taken.iterdir()] == ["precious"]
    shutil.rmtree(taken.parent)
