"""The site serves, takes writes, processes them and pauses."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

import httpx
import psycopg
import pytest

from rehearsal import original
from rehearsal.site import Site
from rehearsal.starforge.seed import namecode
from tests.support.servers import Postgres, UnixTransport, scratch, wait_until


def rows(url: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        return connection.execute(query.encode(), values).fetchall()


def post(site: Site, key: str, heroes: int, user: int = 1) -> httpx.Response:
    body = {"namecode": namecode(user), "key": key, "payload": {"heroes": heroes, "power": 7}}
    return httpx.post(f"{site.record.api_url}/api/v1/snapshots", json=body)


def summary(site: Site, user: int) -> Any:
    return httpx.get(f"{site.record.api_url}/api/v1/profile/summary/{namecode(user)}").json()


def supervisor(site: Site, method: str, *arguments: Any) -> Any:
    transport = UnixTransport(site.record.app / "supervisor.sock")
    with ServerProxy("http://localhost", transport) as proxy:
        return getattr(proxy.supervisor, method)(*arguments)


def test_an_acknowledged_write_is_stored_and_processed(site: Site) -> None:
    answer = post(site, "stored", heroes=77, user=11)
    assert answer.status_code == 201
    (stored,) = rows(site.record.source_url, "SELECT id FROM hero_snapshots WHERE key = 'stored'")
    assert stored == (answer.json()["id"],)
    wait_until(lambda: summary(site, 11)["heroes"] == 77)
    (processed,) = rows(
        site.record.source_url, "SELECT processed_at FROM hero_snapshots WHERE id = %s", *stored
    )
    assert processed[0] is not None


def test_the_answer_holds_what_places_the_commit_in_the_wal(site: Site) -> None:
    answer = post(site, "placed", heroes=1).json()
    assert answer["server"] == site.record.postgres_port
    (order,) = rows(
        site.record.source_url,
        "SELECT %s::pg_lsn < %s::pg_lsn AND %s::pg_lsn <= pg_current_wal_insert_lsn(), "
        "(SELECT xmin::text FROM hero_snapshots WHERE key = 'placed' AND processed_at IS NULL) IN (%s)",
        *(answer["lsn_before"], answer["lsn_after"], answer["lsn_after"], answer["xid"]),
    )
    assert order[0] is True


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"namecode": "nobody", "key": "x", "payload": {}}, 404),
        ({"namecode": namecode(1), "key": "seed-1", "payload": {}}, 409),
        ({"namecode": namecode(1)}, 400),
        ([], 400),
    ],
)
def test_a_write_that_cannot_be_stored_is_told_so(site: Site, body: Any, status: int) -> None:
    assert httpx.post(f"{site.record.api_url}/api/v1/snapshots", json=body).status_code == status


def test_pages_that_are_not_there(site: Site) -> None:
    url = site.record.api_url
    assert httpx.get(f"{url}/api/v1/profile/summary/nobody").status_code == 404
    assert httpx.get(f"{url}/nowhere").status_code == httpx.post(f"{url}/nowhere").status_code == 404


def test_the_flag_pauses_writes_and_only_writes(site: Site) -> None:
    flags = site.record.app / "flags.env"
    flags.write_text("ingestion=false\n")
    refused = post(site, "paused", heroes=1)
    assert (refused.status_code, refused.json()) == (503, {"error": "ingestion paused"})
    assert summary(site, 1)["namecode"] == namecode(1)
    flags.write_text("ingestion=true\n")
    assert post(site, "resumed", heroes=1).status_code == 201
    assert rows(site.record.source_url, "SELECT count(*) FROM hero_snapshots WHERE key = 'paused'") == [(0,)]


def test_stopped_workers_leave_snapshots_waiting_until_they_are_back(site: Site) -> None:
    supervisor(site, "stopProcessGroup", "etl")
    assert post(site, "waiting", heroes=55, user=12).status_code == 201
    assert rows(site.record.source_url, "SELECT processed_at FROM hero_snapshots WHERE key = 'waiting'") == [
        (None,)
    ]
    supervisor(site, "startProcessGroup", "etl", False)
    wait_until(lambda: summary(site, 12)["heroes"] == 55)


def test_pgbouncer_moves_the_api_to_another_server_without_a_failed_request(site: Site) -> None:
    ini = site.record.pooler / "pgbouncer.ini"
    before = ini.read_text()
    with scratch() as folder, Postgres(folder / "other") as other:
        other.execute(f"CREATE ROLE starforge LOGIN PASSWORD '{site.record.password}'")
        other.execute("CREATE DATABASE starforge OWNER starforge")
        elsewhere = (
            f"CREATE TABLE user_profile_summary AS SELECT '{namecode(1)}' AS namecode, 'other' AS place"
        )
        other.execute(f"SET ROLE starforge; {elsewhere}", "starforge")
        with httpx.Client(base_url=site.record.api_url) as client:
            page = f"/api/v1/profile/summary/{namecode(1)}"
            assert "place" not in client.get(page).json()
            _route(site, before.replace(f"port={site.record.postgres_port}", f"port={other.port}"))
            assert client.get(page).json()["place"] == "other"
            _route(site, before)
            assert "place" not in client.get(page).json()


def _route(site: Site, ini: str) -> None:
    (site.record.pooler / "pgbouncer.ini").write_text(ini)
    with psycopg.connect(site.record.admin_url, autocommit=True, prepare_threshold=None) as connection:
        console = psycopg.ClientCursor(connection)
        for command in (b"PAUSE starforge", b"RELOAD", b"RESUME starforge"):
            console.execute(command)


def test_a_restarted_worker_finds_its_database_by_the_file_that_a_cut_over_changes(site: Site) -> None:
    config = site.config()
    file = next(Path(one["env-file"]["path"]) for one in config["endpoints"] if "env-file" in one)
    assert file.read_text() == f"DATABASE_URL={site.record.source_url}\n"


def test_the_fingerprint_is_the_same_over_reads_and_differs_after_any_write(site: Site) -> None:
    supervisor(site, "stopProcessGroup", "etl")
    url, data = site.record.superuser_url, site.record.data
    original.settle(url)
    before = original.fingerprint(url, data)
    summary(site, 2)
    rows(site.record.source_url, "SELECT count(*) FROM hero_snapshots WHERE payload IS NOT NULL")
    assert original.fingerprint(url, data) == before
    rows(url, "UPDATE users SET created_at = created_at + interval '1 us' WHERE id = 5 RETURNING 1")
    written = original.fingerprint(url, data)
    assert written.content != before.content
    assert written.files != before.files
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write("# touched\n")
    touched = original.fingerprint(url, data)
    assert (touched.content, touched.files == written.files) == (written.content, False)
    assert len({before.digest, written.digest, touched.digest}) == 3
    supervisor(site, "startProcessGroup", "etl", False)
