"""DNS records: the TTL is lowered and waited out before a move, and comes back with the original."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dbrestore.entries.place import Moved
from dbrestore.entries.records import RecordHandler, RecordInputs, RecordSet, Zone, record_set
from dbrestore.handler import Context, PartlyMade, State
from problem import Problem, Refusal


class Waits(threading.Event):
    """Time that passes at once; ``slept`` are the seconds. ``interrupted``: the operator has enough."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[int] = []
        self.interrupted = False

    def wait(self, timeout: float | None = None) -> bool:
        self.slept.append(round(timeout or 0))
        return self.interrupted


@dataclass
class World:
    """A zone with one record set, and what was changed in it."""

    now: RecordSet | None = field(default_factory=lambda: record_set(["Old.example."], 300))
    changes: list[RecordSet] = field(default_factory=list)
    settle: int = 0
    """How many questions a change takes to be everywhere."""
    asked: int = 0
    moved_once: bool = False
    waits: Waits = field(default_factory=Waits)

    @property
    def context(self) -> Context:
        return Context("urn", cancelled=self.waits)


class Made(Zone):
    world: World

    def look(self) -> RecordSet | None:
        return self.world.now

    def replace(self, old: RecordSet, new: RecordSet) -> str:
        if self.world.moved_once:
            self.world.moved_once, self.world.now = False, record_set(["theirs.example"], 300)
        if old != self.world.now:
            raise Moved
        self.world.now, self.world.asked = new, 0
        self.world.changes.append(new)
        return "change"

    def settled(self, change: str) -> bool:
        self.world.asked += 1
        return self.world.asked > self.world.settle

    def missing(self) -> Problem:
        return Problem("key-missing", "There is no record.")


@dataclass
class Records(RecordHandler):
    world: World = field(default_factory=World)

    resource_type = "dbrestore:test:Record"
    inputs = RecordInputs

    def place(self, context: Context, inputs: Any, state: State) -> Made:
        made = Made(context, inputs, state)
        made.world = self.world
        return made

    def identity(self, inputs: Any) -> str:
        return "db"

    def made(self, **more: Any) -> State:
        return self.create(self.world.context, want(**more))[1]

    def moved(self, state: State, **more: Any) -> State:
        return self.update(self.world.context, "db", state, want(**more))


def want(host: str | None = None, **more: Any) -> RecordInputs:
    return RecordInputs.model_validate({"name": "db.example", "host": host, "port": 5432} | more)


def test_recording_the_original_changes_nothing() -> None:
    zone = Records()
    state = zone.made()
    assert (state["original"], state["leadsTo"], state["originalTtl"]) == ("old.example", "old.example", 300)
    assert zone.world.changes == []


def test_a_move_lowers_the_ttl_waits_it_out_and_then_moves() -> None:
    zone = Records()
    state = zone.moved(zone.made(), host="new.example.")
    assert zone.world.changes == [RecordSet(("old.example",), 30), RecordSet(("new.example",), 30)]
    assert zone.world.waits.slept == [300]
    assert (state["leadsTo"], state["original"]) == ("new.example", "old.example")


def test_a_ttl_that_its_owner_raised_meanwhile_is_waited_out_and_comes_back() -> None:
    zone = Records()
    state = zone.made()
    zone.world.now = RecordSet(("old.example",), 600)
    state = zone.moved(state, host="new.example")
    assert zone.world.waits.slept == [600]
    zone.moved(state)
    assert zone.world.now == RecordSet(("old.example",), 600)


def test_a_rollback_brings_back_the_record_and_its_ttl_without_a_wait() -> None:
    zone = Records()
    state = zone.moved(zone.moved(zone.made(), host="new.example"))
    assert zone.world.now == RecordSet(("old.example",), 300)
    assert state["leadsTo"] == "old.example"
    assert "loweredAt" not in state


def test_a_ttl_that_was_lowered_long_ago_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = Records()
    state = zone.moved(zone.made(), lower=True)
    assert (zone.world.now, zone.world.waits.slept) == (RecordSet(("old.example",), 30), [])
    zone.moved(state | {"loweredAt": state["loweredAt"] - 290}, host="new.example", lower=True)
    assert zone.world.waits.slept == [10]
    assert zone.world.now == RecordSet(("new.example",), 30)


def test_lowering_it_no_longer_raises_it_again() -> None:
    zone = Records()
    state = zone.moved(zone.moved(zone.made(), lower=True))
    assert zone.world.now == RecordSet(("old.example",), 300)
    assert "loweredAt" not in state


def test_after_a_kill_in_the_wait_the_whole_ttl_is_waited_out() -> None:
    zone = Records()
    state = zone.made()
    zone.world.now = RecordSet(("old.example",), 30)
    zone.moved(state, host="new.example")
    assert zone.world.waits.slept == [300]


def test_a_ttl_too_long_to_wait_is_lowered_and_told_and_the_next_run_goes_on() -> None:
    zone = Records(World(record_set(["old.example"], 7200)))
    with pytest.raises(PartlyMade, match="old answers live until") as caught:
        zone.moved(zone.made(), host="new.example")
    assert caught.value.name == "ttl-not-over"
    assert zone.world.changes == [RecordSet(("old.example",), 30)]
    kept = caught.value.state
    assert kept["leadsTo"] == "old.example"
    zone.moved(kept | {"loweredAt": kept["loweredAt"] - 7201}, host="new.example")
    assert zone.world.waits.slept == []
    assert zone.world.now == RecordSet(("new.example",), 30)


def test_a_ttl_that_somebody_else_lowered_is_over_once_it_was_waited_for() -> None:
    zone = Records(World(record_set(["old.example"], 3600)))
    state = zone.made()
    zone.world.now = record_set(["old.example"], 30)
    with pytest.raises(PartlyMade) as caught:
        zone.moved(state, host="new.example")
    assert caught.value.name == "ttl-not-over"
    kept = caught.value.state
    zone.moved(kept | {"loweredAt": kept["loweredAt"] - 3601}, host="new.example")
    assert zone.world.now == RecordSet(("new.example",), 30)


def test_an_interrupted_wait_moves_nothing_and_keeps_when_it_began() -> None:
    zone = Records()
    zone.world.waits.interrupted = True
    with pytest.raises(PartlyMade) as caught:
        zone.moved(zone.made(), host="new.example")
    assert (caught.value.name, "loweredAt" in caught.value.state) == ("interrupted", True)
    assert zone.world.changes == [RecordSet(("old.example",), 30)]


def test_a_change_is_waited_for_until_it_is_everywhere_and_no_longer_than_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zone = Records(World(record_set(["old.example"], 30), settle=2))
    state = zone.moved(zone.made(), host="new.example")
    assert zone.world.waits.slept == [2, 2]
    monkeypatch.setattr(Zone, "longest_settling", 0.0)
    zone.world.settle = 10**6
    with pytest.raises(Problem) as caught:
        zone.moved(state)
    assert caught.value.name == "record-not-settled"


@pytest.mark.parametrize("between", [False, True])
def test_a_record_changed_by_someone_else_is_refused(between: bool) -> None:
    zone = Records()
    state = zone.made()
    zone.world.moved_once = between
    if not between:
        zone.world.now = record_set(["theirs.example"], 300)
    with pytest.raises(Refusal):
        zone.moved(state, host="new.example")
    assert zone.world.now == record_set(["theirs.example"], 300)
    assert zone.world.changes == []


def test_a_record_with_several_addresses_comes_back_whole() -> None:
    zone = Records(World(record_set(["192.0.2.2", "192.0.2.1"], 5)))
    state = zone.moved(zone.made(type="A"), host="192.0.2.9", type="A")
    zone.moved(state, type="A")
    assert zone.world.now == RecordSet(("192.0.2.1", "192.0.2.2"), 5)


def test_what_is_gone_is_told_and_drift_is_mended() -> None:
    zone = Records()
    state = zone.moved(zone.made(), host="new.example")
    zone.world.now = record_set(["theirs.example"], 30)
    seen = zone.read(zone.world.context, "db", state)
    assert seen is not None
    assert zone.drift(seen, None) == {"leadsTo"}
    zone.world.now = None
    assert zone.read(zone.world.context, "db", state) is None
    with pytest.raises(Problem, match="no record"):
        zone.made()


def test_where_a_killed_run_has_led_a_record_is_no_original() -> None:
    zone = Records()
    state = zone.made()
    zone.world.now = record_set(["new.example"], 30)
    seen = zone.read(replace(zone.world.context, unsure=True), "db", state)
    assert seen is not None
    assert (seen["leadsTo"], seen["original"]) == ("new.example", state["original"])
    assert zone.moved(seen)["leadsTo"] == state["original"]
    assert zone.world.now.values == (state["original"],)


def test_another_port_can_never_come_by_a_record() -> None:
    assert "never to another port" in RecordHandler.fixed["port"]
