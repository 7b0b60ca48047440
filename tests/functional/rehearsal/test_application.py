"""The API, the ETL worker and the load, in this process, against a database that comes and goes."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from rehearsal.ledger import Ledger, read_ledger
from rehearsal.starforge import api, etl, load
from rehearsal.starforge.samples import Recorder, read_samples
from rehearsal.starforge.seed import namecode, seed
from tests.support.servers import Postgres, free_port, scratch, wait_until


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with scratch() as folder, Postgres(folder / "pg") as server:
        seed(server.url())
        yield server


@contextmanager
def serving(url: str) -> Iterator[str]:
    server = api.Server(0, url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.stop()
        thread.join()


@contextmanager
def working() -> Iterator[None]:
    stopping = threading.Event()
    thread = threading.Thread(target=etl.work, args=[stopping])
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def write(url: str, key: str, heroes: int = 1, user: int = 1) -> httpx.Response:
    body = {"namecode": namecode(user), "key": key, "payload": {"heroes": heroes, "power": 1}}
    return httpx.post(f"{url}/api/v1/snapshots", json=body)


def test_a_database_that_is_gone_is_said_and_found_again_on_the_same_connection(
    database: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(database.url()) as url, httpx.Client(base_url=url) as client:
        assert client.get("/api/health").status_code == 200
        database.stop()
        gone = client.get("/api/health")
        assert (gone.status_code, gone.json()) == (503, {"error": "database unavailable"})
        assert "/api/health" in caplog.text
        database.start()
        assert client.get("/api/health").status_code == 200


@pytest.mark.parametrize("key", ["twice"])
def test_a_key_is_stored_once(database: Postgres, key: str) -> None:
    with serving(database.url()) as url:
        assert [write(url, key).status_code for _ in range(2)] == [201, 409]
        assert httpx.post(f"{url}/api/v1/snapshots", content=b"{").status_code == 400
        assert httpx.post(f"{url}/nowhere").status_code == httpx.get(f"{url}/nowhere").status_code == 404
        assert httpx.get(f"{url}/api/v1/profile/summary/nobody").status_code == 404
        nobody = {"namecode": "nobody", "key": "n", "payload": {}}
        assert httpx.post(f"{url}/api/v1/snapshots", json=nobody).status_code == 404
    assert database.execute(f"SELECT count(*) FROM hero_snapshots WHERE key = '{key}'") == [(1,)]


def test_stopping_the_api_waits_for_the_request_under_way(database: Postgres) -> None:
    statuses: list[int] = []
    with psycopg.connect(database.url()) as blocker:
        blocker.execute("LOCK TABLE hero_snapshots IN EXCLUSIVE MODE")
        with serving(database.url()) as url:
            client = threading.Thread(target=lambda: statuses.append(write(url, "late").status_code))
            client.start()
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            wait_until(lambda: database.execute(waiting) == [(1,)])
            threading.Timer(0.2, blocker.rollback).start()
        client.join()
    assert statuses == [201]


def test_two_workers_process_every_snapshot_once_and_the_newest_wins(
    database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute(
        "INSERT INTO hero_snapshots (user_id, key, payload) SELECT 1 + n % 50, 'many-' || n, "
        "jsonb_build_object('heroes', n, 'power', n) FROM generate_series(1, 1000) AS n"
    )
    monkeypatch.setenv("DATABASE_URL", database.url())
    with working(), working():
        left = "SELECT count(*) FROM hero_snapshots WHERE processed_at IS NULL"
        wait_until(lambda: database.execute(left) == [(0,)])
    order = "ORDER BY created_at DESC, id DESC LIMIT 1"
    newest = f"SELECT payload FROM hero_snapshots WHERE user_id = s.user_id {order}"
    wrong = (
        f"SELECT s.user_id FROM user_profile_summary AS s JOIN LATERAL ({newest}) AS h "
        "ON (payload->>'heroes')::int <> s.heroes"
    )
    assert database.execute(f"{wrong} WHERE s.user_id <= 50") == []


def test_a_worker_outlives_a_restarted_database(
    database: Postgres, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(etl, "RETRY", 0.05)
    monkeypatch.setenv("DATABASE_URL", database.url())
    with working():
        wait_until(lambda: "connected" in caplog.text)
        database.stop()
        wait_until(lambda: "database lost" in caplog.text)
        database.start()
        database.execute(
            """INSERT INTO hero_snapshots (user_id, key, payload)
               VALUES (60, 'after the restart', '{"heroes": 5, "power": 5}')"""
        )
        heroes = "SELECT heroes FROM user_profile_summary WHERE user_id = 60"
        wait_until(lambda: database.execute(heroes) == [(5,)])
    assert "processed 1 snapshots" in caplog.text


def test_the_load_counts_what_fails_and_acknowledges_only_what_was_stored(
    database: Postgres, tmp_path: Path
) -> None:
    ledger, samples, stopping = tmp_path / "ledger", tmp_path / "samples", threading.Event()
    port = free_port()
    shared = load.Load("127.0.0.1", port, 0.01, Ledger(ledger), Recorder(samples), stopping)
    thread = threading.Thread(target=load.run, args=[shared, 1, 1])
    thread.start()
    wait_until(
        lambda: any(one.outcome == "failed" for one in read_samples(samples)), what="a refused connection"
    )
    server = api.Server(port, database.url())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    wait_until(lambda: len(list(read_ledger(ledger))) >= 5)
    stopping.set()
    thread.join()
    server.stop()
    shared.ledger.close()
    shared.samples.close()
    keys = sorted(one.key for one in read_ledger(ledger))
    stored = database.execute("SELECT key FROM hero_snapshots WHERE length(key) = 32 ORDER BY 1")
    assert [key for (key,) in stored] == keys
    written = [one for one in read_samples(samples) if one.kind == "write" and one.outcome == "ok"]
    assert len(written) == len(keys)


@pytest.fixture
def _signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("program", ["api", "etl", "load"])
def test_each_program_ends_cleanly_on_sigterm(
    program: str, database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.url())
    monkeypatch.setenv("PORT", "0")
    files = [f"--{name}={tmp_path / name}" for name in ("ledger", "samples", "summary")]
    monkeypatch.setattr(sys, "argv", ["load", f"--url=http://127.0.0.1:{free_port()}", *files])
    main = {"api": api.main, "etl": etl.main, "load": load.main}[program]
    untouched = signal.getsignal(signal.SIGTERM)
    ender = threading.Thread(target=_end_once_handled, args=[untouched])
    ender.start()
    main()
    ender.join()
    assert (tmp_path / "summary").exists() == (program == "load")
    if program == "load":
        assert json.loads((tmp_path / "summary").read_text())["ok"] == 0


def _end_once_handled(untouched: object) -> None:
    """Before the program has its own handler, SIGTERM would end the tests. It goes to the main thread."""
    wait_until(lambda: signal.getsignal(signal.SIGTERM) is not untouched)
    os.kill(os.getpid(), signal.SIGTERM)
