"""A dump is looked at before an instance is made for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dbrestore.handler import Context
from dbrestore.loading.dump import Dump
from dbrestore.loading.inputs import GivenDump
from problem import Problem
from tests.support.buckets import Bucket, gcs, s3
from tests.support.dumps import Dumped
from tests.support.servers import Postgres, folder, scratch

GIB = 2**30


@pytest.fixture(scope="module")
def dumped() -> Iterator[Dumped]:
    with scratch() as place, Postgres(folder(place / "pg")) as server:
        yield Dumped.make(server, place / "dumps")


@pytest.fixture(scope="module", params=[s3, gcs], ids=["s3", "gcs"])
def bucket(request: pytest.FixtureRequest, dumped: Dumped) -> Iterator[Bucket]:
    with request.param(folder(dumped.place / request.param.__name__)) as made:
        made.put(f"{made.url}/app.dump", dumped.dump("app.dump", "-Fc").read_bytes())
        yield made


def given(place: Path | str, **changes: Any) -> GivenDump:
    found = {"name": "r", "place": str(place), "version": "18.1", "room": GIB, "platform": "rds"}
    return GivenDump.model_validate(found | {"known": ["app", "postgres"], "create_roles": True} | changes)


def told(dump: GivenDump) -> str:
    lines: list[str] = []
    Dump().examine(Context("urn", note=lines.append), dump)
    return "\n".join(lines)


def refused(dump: GivenDump) -> Problem:
    with pytest.raises(Problem) as caught:
        told(dump)
    with pytest.raises(Problem) as again:
        Dump().create(Context("urn"), dump)
    assert again.value.name == caught.value.name, "what a preview refuses, an up without one refuses too"
    return caught.value


def test_it_is_looked_at_where_it_lies_and_read_no_further(dumped: Dumped, bucket: Bucket) -> None:
    dump = given(f"{bucket.url}/app.dump", storage=dict(bucket.options))
    assert "loading data" in told(dump)
    identity, state = Dump().create(Context("urn"), dump)
    assert (identity, state["dumpFormat"]) == ("r", "custom")
    assert state["dumpOf"].startswith(str(dumped.server.execute("SHOW server_version")[0][0]).split(" ")[0])
    assert refused(given(f"{bucket.url}/other.dump", storage=dict(bucket.options))).name == "dump-missing"


def test_one_that_is_newer_than_the_instance_is_refused(dumped: Dumped) -> None:
    problem = refused(given(dumped.dump("app.dump", "-Fc"), version="12.9"))
    assert problem.name == "dump-newer-than-instance"
    assert "r will run 12.9" in problem.what


def test_one_that_the_storage_cannot_hold_is_refused_and_a_tight_one_is_told(dumped: Dumped) -> None:
    path = dumped.dump("app.dump", "-Fc")
    size = path.stat().st_size
    assert refused(given(path, room=size - 1)).name == "dump-larger-than-instance"
    assert "unpacked it may be more than the instance's" in told(given(path, room=size + 1))
    assert "unpacked" not in told(given(path))


def test_roles_that_will_not_be_there_are_refused_and_the_platforms_own_are(dumped: Dumped) -> None:
    path = dumped.dump("app.dump", "-Fc")
    problem = refused(given(path, create_roles=False))
    assert problem.name == "roles-missing"
    assert "reader" in problem.what
    assert "app " not in problem.what
    dumped.execute("CREATE ROLE rdsadmin; CREATE TABLE theirs (a int); ALTER TABLE theirs OWNER TO rdsadmin")
    try:
        owned = dumped.dump("theirs.dump", "-Fc", "-t", "theirs")
        assert told(given(owned, create_roles=False))
        assert refused(given(owned, create_roles=False, platform="cloudsql")).name == "roles-missing"
    finally:
        dumped.execute("DROP TABLE theirs; DROP ROLE rdsadmin")


def test_a_damaged_one_is_refused(dumped: Dumped, tmp_path: Path) -> None:
    torn = tmp_path / "torn.dump"
    torn.write_bytes(dumped.dump("app.dump", "-Fc").read_bytes()[:-2000])
    assert refused(given(torn)).name in ("dump-truncated", "dump-damaged")


def test_once_looked_at_it_may_go_and_another_place_is_looked_at(dumped: Dumped, tmp_path: Path) -> None:
    copy = dumped.copy(dumped.dump("app.dump", "-Fc"), "copy.dump")
    identity, state = Dump().create(Context("urn"), given(copy))
    copy.unlink()
    assert Dump().read(Context("urn"), identity, state) == state
    changed = Dump().update(Context("urn"), identity, state, given(copy, accept=["TABLE x"]))
    assert changed["accept"] == ["TABLE x"]
    with pytest.raises(Problem, match="There is no dump at"):
        Dump().update(Context("urn"), identity, state, given(tmp_path / "another.dump"))
