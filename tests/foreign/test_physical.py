"""A restore of a foreign cluster from base backup and WAL is what the cluster was at the target."""

from __future__ import annotations

import pytest

from tests.foreign.agreement import Place, difference, unlogged_rows
from tests.foreign.ground import Ground
from tests.foreign.specimens import SPECIMENS

QUICK = ("icu", "sixteen")
_ALL = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in SPECIMENS]
_EXPLAINED = ("sequences-ahead", "tablespace-location")


def assert_same(foreign: Ground, place: Place) -> None:
    found = foreign.look(place)
    assert difference(foreign.seen.globals, found.globals, *_EXPLAINED) == ""
    assert found.databases.keys() == foreign.seen.databases.keys()
    for name, text in foreign.seen.databases.items():
        assert difference(text, found.databases[name], *_EXPLAINED) == "", f"database {name}"


@pytest.mark.parametrize("foreign", _ALL, indirect=True)
def test_a_restore_to_a_time_is_the_source_of_that_time(foreign: Ground) -> None:
    made = foreign.server.made
    with foreign.restored("to-a-time", "time", foreign.time) as state:
        place = Place(state["boundPort"], made.superuser)
        assert_same(foreign, place)
        assert all(count == 0 for count in unlogged_rows(place, made.database).values())


@pytest.mark.slow
@pytest.mark.parametrize("foreign", SPECIMENS, indirect=True)
def test_a_restore_from_a_compressed_tar_backup_is_the_same(foreign: Ground) -> None:
    with foreign.restored("from-tar", "time", foreign.time, backups=foreign.place / "tarred") as state:
        assert_same(foreign, Place(state["boundPort"], foreign.server.made.superuser))
