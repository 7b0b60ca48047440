"""How long clients wait for a promotion: figures for people, with bounds that only a defect breaks."""

from __future__ import annotations

from statistics import median

import pytest

from tests.functional.dbrestore.cluster import cluster, keys, writing

RUNS = 10


@pytest.mark.slow
def test_clients_hardly_notice_a_promotion(capsys: pytest.CaptureFixture[str]) -> None:
    held, felt = [], []
    for _run in range(RUNS):
        with cluster({"fsync": "on"}) as site:
            with writing(site.pooler) as writers:
                held.append(site.cut_over()["stallMs"])
            assert writers.failures == []
            assert {key for key, _ in writers.acknowledged} <= set(keys(site.standby))
        felt.append(writers.longest * 1000)
    with capsys.disabled():
        print(
            f"\npromotion: clients held {median(held):.0f} ms (worst of {RUNS}: {max(held):.0f}), "
            f"slowest transaction {median(felt):.0f} ms (worst {max(felt):.0f})"
        )
    assert median(held) < 2000
