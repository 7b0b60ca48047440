"""The standbys that ``reforge sources`` lists, asked on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from stacks.providers.local.standbys import what_can_be_promoted
from tests.support.servers import Postgres, folder, free_port, scratch, wait_until
from tests.support.standby import Standby


@dataclass
class Pair:
    """A primary and its standby."""

    primary: Postgres
    standby: Standby

    def listed(self, source: str = "") -> dict[str, Any]:
        [found] = what_can_be_promoted(source or self.primary.url(), {"standby-1": self.standby.url()})
        return found


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with scratch() as place, Postgres(folder(place / "primary")) as primary:
        with Standby(place / "standby", primary.url()) as standby:
            yield Pair(primary, standby)


def test_a_standby_says_how_far_it_is_and_what_hangs_on_it(pair: Pair) -> None:
    pair.standby.execute("SELECT pg_create_physical_replication_slot('cascade')")
    pair.primary.execute("SELECT pg_logical_emit_message(true, 'test', 'a commit')")
    pair.standby.catch_up()
    found = pair.listed()
    assert (found["name"], found["place"]) == ("standby-1", f"127.0.0.1:{pair.standby.port}")
    assert (found["inRecovery"], found["receiving"], found["problem"]) == (True, True, "")
    assert (found["behindBytes"], found["behindSeconds"]) == (0, 0.0)
    assert found["against"].startswith("the source at 0/")
    assert found["slots"] == ["cascade"]


def test_one_that_is_paused_says_so_and_counts_what_it_lacks(pair: Pair) -> None:
    pair.standby.execute("SELECT pg_wal_replay_pause()")
    wait_until(lambda: pair.standby.execute("SELECT pg_get_wal_replay_pause_state()") == [("paused",)])
    pair.primary.execute("SELECT pg_logical_emit_message(true, 'test', 'not replayed')")
    found = pair.listed()
    pair.standby.execute("SELECT pg_wal_replay_resume()")
    assert found["problem"] == "its replay is paused"
    assert found["behindBytes"] > 0
    assert found["behindSeconds"] > 0


def test_without_the_source_it_is_held_against_what_it_received(pair: Pair) -> None:
    pair.standby.catch_up()
    found = pair.listed(f"postgresql://postgres@127.0.0.1:{free_port()}/postgres")
    assert found["against"].startswith("what it received, 0/")
    assert found["behindBytes"] == 0


def test_what_is_no_standby_or_not_there_is_named(pair: Pair) -> None:
    gone = f"postgresql://postgres:hush-hush@127.0.0.1:{free_port()}/postgres"
    with (
        scratch() as place,
        Postgres(folder(place / "other")) as other,
        Standby(place / "its", other.url()) as foreign,
    ):
        urls = {"primary": pair.primary.url(), "gone": gone, "foreign": foreign.url()}
        found = {one["name"]: one for one in what_can_be_promoted(pair.primary.url(), urls)}
    assert found["primary"]["problem"] == "is a primary"
    assert found["foreign"]["problem"] == "is of another cluster"
    assert "does not answer" in found["gone"]["problem"]
    assert "hush-hush" not in str(found)
