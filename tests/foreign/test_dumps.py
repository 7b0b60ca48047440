"""A restore of a foreign database from a dump is what the database was when it was dumped."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbrestore.postgres.cluster import socket_directory
from tests.foreign.agreement import Place, difference, unlogged_rows
from tests.foreign.cluster import PASSWORD
from tests.foreign.ground import DUMP_FORMATS, Ground
from tests.foreign.specimens import SPECIMENS

_EXPLAINED = ("extension-owner", "default-tablespace")
QUICK = (("icu", "custom"), ("sixteen", "directory"))
_CASES = [
    pytest.param(name, form, marks=[] if (name, form) in QUICK else pytest.mark.slow)
    for name in SPECIMENS
    for form in DUMP_FORMATS
]


@pytest.fixture
def private_programs(foreign: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new server is of the same installation, so that the extension of the source's own is there."""
    monkeypatch.setenv("REFORGE_PG_BIN", str(foreign.server.binaries.directory))


@pytest.mark.parametrize(("foreign", "form"), _CASES, indirect=["foreign"])
@pytest.mark.usefixtures("private_programs")
def test_a_loaded_dump_is_the_source_of_its_time(foreign: Ground, form: str) -> None:
    made = foreign.server.made
    options = {"createRoles": True, "jobs": 2}
    dump = str(foreign.dump / form)
    with foreign.restored(f"from-{form}", "dump", dump, dump=options, password=PASSWORD) as state:
        sockets = socket_directory(Path(state["directory"]))  # no password came with the dump
        place = Place(state["boundPort"], "postgres", str(sockets))
        found = foreign.look(place).databases[made.database]
        assert difference(foreign.seen.databases[made.database], found, *_EXPLAINED) == ""
        rows = unlogged_rows(place, made.database)
        assert all(count > 0 for count in rows.values()), "a dump brings the rows of unlogged tables"
