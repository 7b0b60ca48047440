"""A standby is promoted while pgbouncer holds its clients, on real servers and under load."""

from __future__ import annotations

from tests.functional.dbrestore.cluster import cluster, keys, writing


def test_under_load_no_write_fails_and_every_acknowledged_one_is_there_once() -> None:
    with cluster() as site:
        with writing(site.pooler) as writers:
            state = site.cut_over()
        site.assert_serves(site.standby)
        site.assert_nothing_left()
        found = keys(site.standby)
        assert writers.failures == []
        assert len(found) == len(set(found))
        assert {key for key, _ in writers.acknowledged} <= set(found)
        assert {port for _, port in writers.acknowledged} == {site.primary.port, site.standby.port}
        assert state["promotedAt"]
        assert state["stallMs"] < 5000
        print(state["stallMs"], writers.longest, site.notes)
