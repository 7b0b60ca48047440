"""Base backups in object stores: found, restored and verified without a copy of them on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.backups import list_backups
from dbrestore.postgres.instance import Instance
from problem import Problem
from tests.support.basebackups import Cluster, context
from tests.support.buckets import Bucket, gcs, s3
from tests.support.servers import Postgres, folder, scratch

FORMS = {
    "plain": ("-X", "none"),
    "tar": ("-Ft", "-X", "stream"),
    "tar-gzip": ("-Ft", "-X", "stream", "--compress=client-gzip:1"),
    "tar-zstd": ("-Ft", "-X", "none", "--compress=server-zstd:1"),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with scratch() as place, Postgres(folder(place / "pg"), archive=place / "wal") as server:
        made = Cluster(server, place)
        for name, options in FORMS.items():
            made.back_up(name, *options)
        made.add(2)
        server.switch_wal()
        yield made


@pytest.fixture(scope="module")
def store(cluster: Cluster) -> Iterator[Bucket]:
    with s3(folder(cluster.place / "s3")) as bucket:
        yield bucket


def put(cluster: Cluster, name: str, bucket: Bucket) -> dict[str, Any]:
    """Upload a backup as tools do, tablespaces behind links too; the source that finds it there."""
    whole = cluster.place / "whole"
    shutil.copytree(cluster.base / name, whole, symlinks=False)
    try:
        bucket.fill(whole, f"{name}/{name}")
    finally:
        shutil.rmtree(whole)
    options = bucket.options
    storage = {"endpointUrl": options["endpoint_url"], "anon": options.get("anon", False)}
    return {"backups": f"{bucket.url}/{name}", "storage": storage}


def check_restore(cluster: Cluster, source: dict[str, Any], name: str) -> None:
    before = cluster.dump()
    inputs = cluster.inputs("again", source=source | {"archive": cluster.place / "wal"})
    _identity, state = Instance().create(context("again"), inputs)
    directory = cluster.place / "restores/again"
    try:
        assert (state["backup"], cluster.dump(state["boundPort"])) == (name, before)
        links = [Path(os.readlink(link)) for link in (directory / "pg_tblspc").iterdir()]
        assert {link.parent for link in links} == {directory.with_name("again.tablespaces")}
        assert all(list(link.iterdir()) for link in links), "a tablespace lacks the folder of its version"
    finally:
        Instance().delete(context("again"), str(directory), {})
    assert not directory.parent.exists()


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("tar", "plain")]


@pytest.mark.parametrize("name", ["tar-gzip", *SLOW])
def test_a_backup_is_restored_out_of_s3(cluster: Cluster, store: Bucket, name: str) -> None:
    check_restore(cluster, put(cluster, name, store), name)


def test_a_backup_is_restored_out_of_gcs(cluster: Cluster) -> None:
    with gcs(folder(cluster.place / "gcs")) as bucket:
        check_restore(cluster, put(cluster, "tar-zstd", bucket), "tar-zstd")


def test_a_damaged_backup_in_a_bucket_is_named(cluster: Cluster, store: Bucket) -> None:
    source = put(cluster, "tar", store)
    content = bytearray((cluster.base / "tar/base.tar").read_bytes())
    content[len(content) // 2] ^= 0xFF
    store.put(f"{store.url}/tar/tar/base.tar", bytes(content))
    with pytest.raises(Problem, match="is damaged inside") as caught:
        Instance().create(context("bad"), cluster.inputs("bad", source=source))
    assert caught.value.name == "backup-damaged"
    assert not (cluster.place / "restores").exists()


def test_a_folder_that_is_not_in_the_bucket_is_named(store: Bucket) -> None:
    with pytest.raises(Problem, match="s3://bucket/nowhere cannot be read") as caught:
        list_backups(f"{store.url}/nowhere", store.options)
    assert caught.value.name == "backups-unreadable"


@pytest.mark.slow
def test_a_store_that_does_not_answer_is_named() -> None:
    with pytest.raises(Problem) as caught:
        list_backups("s3://bucket/base", {"endpoint_url": "http://127.0.0.1:9", "anon": True})
    assert caught.value.name == "storage-unreachable"
