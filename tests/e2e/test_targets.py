"""Whatever the recovery target is given by, exactly the rows of that moment come back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from archive.lsn import format_lsn
from rehearsal.ledger import Instant
from tests.support.incident import WRITERS, Incident, one
from validation.fingerprint import fingerprint

NAMED = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'name'"


@contextmanager
def restored(incident: Incident, name: str, *target: str) -> Iterator[str]:
    """A restore by the command line; torn down afterwards: nothing of it is left, the original untouched."""
    before = incident.fingerprint()
    answer = incident.run("restore", name, *target, "--yes")
    assert answer.document["state"] == "done"
    port = incident.port(name)
    yield incident.url(name)
    assert incident.run("teardown", name, "--yes").document["state"] == "done"
    assert incident.left_of(name, port) == []
    assert incident.fingerprint() == before


@pytest.mark.parametrize("kind", ["time", "lsn", "xid", "name"])
def test_every_write_acknowledged_before_the_accident_is_there_and_none_after_it(
    incident: Incident, kind: str
) -> None:
    accident = incident.accident
    target = {
        "time": ["--time", incident.target],
        "lsn": ["--lsn", accident.lsn],
        "xid": ["--xid", accident.xid, "--exclusive"],
        "name": ["--restore-point", accident.restore_point],
    }[kind]
    with restored(incident, f"by-{kind}", *target) as url:
        found = incident.reconciled(f"by-{kind}", incident.before_the_accident)
        assert (found.missing, found.intruding) == ((), ())
        assert found.acknowledged_before_target > 60
        assert found.undecided <= WRITERS
        assert one(url, NAMED) == 1, "the column that the accident dropped"
        assert one(url, "SELECT count(*) > 0 FROM user_troops") is True


def test_a_snapshot_holds_what_was_committed_before_its_end_and_nothing_else(incident: Incident) -> None:
    backup = incident.backup
    with restored(incident, "by-snapshot", "--snapshot", backup.name):
        found = incident.reconciled("by-snapshot", Instant(lsn=format_lsn(backup.stop_lsn)))
        assert (found.missing, found.intruding) == ((), ())
        assert found.acknowledged_before_target >= 30
        assert found.undecided <= WRITERS
        later = incident.reconciled("by-snapshot", incident.before_the_accident)
        assert len(later.missing) > 0, "writes between the backup and the accident are not in it"


def test_the_latest_state_has_the_rows_of_the_source_itself(incident: Incident) -> None:
    with restored(incident, "by-latest", "--latest") as url:
        source, copy = fingerprint(incident.site.record.source_url), fingerprint(url)
        assert copy.tables == source.tables
        assert source.tables["public.hero_snapshots"].rows > 0
        assert one(url, NAMED) == 0, "the accident is in it too"
