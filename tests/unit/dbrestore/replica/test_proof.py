"""What is refused of a standby, and what is told of it, without servers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from archive.standing import Dependents, Standing
from dbrestore.replica import proof
from dbrestore.replica.inputs import Parties
from problem import Refusal

PRIMARY = Standing("7001", 15, False, 2, "0/3000100", None, None, None, False, 0, False, "731")
STANDBY = Standing(
    "7001",
    15,
    True,
    2,
    None,
    "0/3000100",
    "0/3000000",
    datetime(2025, 1, 1, tzinfo=UTC),
    False,
    0,
    True,
    "730",
)
NOTHING = Dependents([], [], [], [], [], "off", "", "", "")
PARTIES = Parties(name="r", replica="standby-1", url="u", source_url="s")


def told(hangs: Dependents, standby: Standing = STANDBY) -> str:
    return "\n".join(proof.on_standby("standby-1", standby, hangs))


def test_a_sound_standby_has_nothing_to_say_but_its_distance() -> None:
    proof.prove("standby-1", STANDBY, PRIMARY)
    proof.prove_replaying("standby-1", STANDBY)
    assert told(NOTHING) == ""
    assert "256 bytes behind the original, which is at 0/3000100" in proof.distance(
        "standby-1", STANDBY, PRIMARY
    )


@pytest.mark.parametrize(
    ("standby", "name"),
    [
        (replace(STANDBY, system_identifier="7002"), "another-cluster"),
        (replace(STANDBY, in_recovery=False), "not-a-standby"),
        (replace(STANDBY, timeline=3), "another-timeline"),
    ],
)
def test_what_is_no_standby_of_the_original_is_refused(standby: Standing, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        proof.prove("standby-1", standby, PRIMARY)
    assert refused.value.name == name
    assert "Nothing was changed." in refused.value.cure


def test_without_its_original_a_standby_is_held_against_what_it_received() -> None:
    proof.prove("standby-1", STANDBY, None)
    said = proof.distance("standby-1", STANDBY, None)
    assert "received WAL up to 0/3000100 and replayed 0/3000000" in said
    assert "(256 bytes to go)" in said
    with pytest.raises(Refusal):
        proof.accepted_silence(PARTIES, STANDBY)
    assert proof.accepted_silence(PARTIES.model_copy(update={"accept_loss": True}), STANDBY) == said


def test_what_would_begin_to_work_with_the_promotion_is_told() -> None:
    hangs = Dependents(
        standbys=["walreceiver from 10.0.0.3"],
        slots_in_use=["used"],
        slots_idle=["old"],
        logical_slots=[],
        subscriptions=["orders"],
        archive_mode="always",
        restore_command="fetch %f %p",
        preloaded="pg_stat_statements,pg_cron",
        awaited="walreceiver",
    )
    said = told(hangs, replace(STANDBY, receiving=False, delay_ms=1000))
    for words in (
        "is not streaming",
        "kept from replaying",
        "which go on with it: walreceiver from 10.0.0.3",
        "Idle replication slots on standby-1: old",
        "archives (archive_mode always): from its promotion on, on timeline 3",
        "has a restore_command",
        "pg_cron is loaded",
        "synchronous_standby_names is walreceiver",
        "from the very slots that the original uses: orders",
    ):
        assert words in said


def test_commits_that_would_wait_for_nobody_are_refused() -> None:
    alone = replace(NOTHING, awaited="ANY 1 (s1, s2)")
    with pytest.raises(Refusal, match="wait for a standby of synchronous_standby_names") as refused:
        proof.prove_committing(PARTIES, alone)
    assert refused.value.name == "replica-synchronous"
    with pytest.raises(Refusal):
        proof.prove_committing(PARTIES, replace(alone, standbys=["other from 10.0.0.3"]))
    proof.prove_committing(PARTIES, NOTHING)
    proof.prove_committing(PARTIES, replace(alone, standbys=["s2 from 10.0.0.3"]))
    proof.prove_committing(PARTIES, replace(alone, standbys=["unnamed from a socket"]))
    proof.prove_committing(PARTIES, replace(NOTHING, awaited="*", standbys=["any from 10.0.0.3"]))
    proof.prove_committing(PARTIES.model_copy(update={"others": {"s2": "u"}}), alone)


def test_what_stays_behind_with_the_original_is_told() -> None:
    hangs = replace(NOTHING, logical_slots=["cdc"], standbys=["a from h", "b from h"])
    said = "\n".join(proof.on_source("standby-1", hangs, ["sessions"]))
    assert "must be set up anew: cdc" in said
    assert "Unlogged tables are empty on standby-1: sessions." in said
    assert "one promotion leaves behind: a from h, b from h" in said


def test_one_that_was_promoted_earlier_serves_only_where_its_loss_is_accepted() -> None:
    promoted = replace(STANDBY, in_recovery=False)
    for source in (PRIMARY, None):
        with pytest.raises(Refusal) as refused:
            proof.refuse_parted(PARTIES, promoted, source)
        assert refused.value.name == "replica-parted"
    proof.refuse_parted(PARTIES.model_copy(update={"accept_loss": True}), promoted, PRIMARY)


def test_distance_and_age_are_unknown_where_nothing_was_replayed() -> None:
    fresh = replace(STANDBY, replayed=None, received=None, replayed_at=None)
    assert (fresh.last, fresh.behind("0/1"), fresh.seconds_behind("0/1")) == (None, None, None)
    assert STANDBY.seconds_behind("0/3000000") == 0.0
