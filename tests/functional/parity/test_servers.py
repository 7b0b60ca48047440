"""What differs between whole servers, what is read of one that is down, and of other major versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.functional.parity.conftest import Pair
from tests.support.servers import Postgres, postgres_tool, run
from toolchain.postgres import WHEELS, installations
from validation.connections import Unreachable
from validation.parity.comparison import compare
from validation.parity.reading import Reading, read

NOWHERE = "postgresql://app:hunter2@127.0.0.1:1/starforge"


@pytest.fixture
def odd(server_folder: Path) -> Iterator[Postgres]:
    """A server with checksums, fewer connections, archiving, a library."""
    server = Postgres(
        server_folder / "odd",
        archive=server_folder / "wal",
        settings={
            "max_connections": "20",
            "shared_preload_libraries": "auto_explain",
            "wal_level": "logical",
            **{f"lc_{kind}": "C.UTF-8" for kind in ("messages", "monetary", "numeric", "time")},
        },
    )
    made = ["-U", "postgres", "-k", "-N", "--locale=C", "-E", "LATIN1"]
    run([str(postgres_tool("initdb")), "-D", str(server.data), *made])
    conf = server.data / "postgresql.conf"
    lines = "".join(
        f"{name} = '{value}'\n" for name, value in server.settings.items() if name != "archive_command"
    )
    conf.write_text(conf.read_text() + lines + "archive_command = '/bin/true'\n")
    with server:
        yield server


def test_what_is_fixed_when_a_server_is_made_or_started_is_compared(pair: Pair, odd: Postgres) -> None:
    found = compare(pair.restored.url(), odd.url())
    gates = {one.name: one for one in found.gates}
    assert set(gates) == {
        "data-checksums",
        "encoding",
        "locale",
        "setting:shared_preload_libraries",
        "setting:wal_level",
    }
    assert (gates["encoding"].source, gates["encoding"].restored) == ("LATIN1", "UTF8")
    assert "pg_checksums --enable" in gates["data-checksums"].cure
    notes = {one.name: one for one in found.notes}
    assert set(notes) == {"setting:archive_mode", "setting:max_connections"}
    assert notes["setting:archive_mode"].why.startswith("Expected:")
    back = compare(odd.url(), pair.restored.url())
    assert "setting:max_connections" in {one.name for one in back.gates}
    assert "data-checksums" in {one.name for one in back.notes}


def test_a_source_that_is_down_is_compared_by_what_was_kept_of_it(pair: Pair) -> None:
    pair.in_source("CREATE ROLE reporting LOGIN PASSWORD 'hunter2'")
    pair.in_restored("CREATE ROLE reporting LOGIN")
    pair.in_source("CREATE PUBLICATION cdc FOR ALL TABLES")
    kept = json.dumps(read(pair.source_url).document())
    assert '"password":' not in kept
    found = compare(pair.url, NOWHERE, kept=Reading.of(json.loads(kept)))
    # The password is not kept, so it is not compared.
    assert [one.name for one in found.differences] == ["publication:cdc"]
    assert found.unread == {}
    assert "Connection refused" in str(found.document()["source"]["error"])
    assert found.document()["source"]["read"] != "now"
    assert "hunter2" not in json.dumps(found.document())


def test_a_source_of_which_nothing_is_known_leaves_what_the_restore_shows_by_itself(pair: Pair) -> None:
    pair.in_restored('CREATE TABLE names (name text COLLATE "de-x-icu" PRIMARY KEY)')
    pair.in_restored("UPDATE pg_collation SET collversion = '1.1' WHERE collname = 'de-x-icu'")
    pair.in_restored(
        "CREATE EXTENSION pg_trgm; UPDATE pg_extension SET extversion = '9.9' WHERE extname = 'pg_trgm'"
    )
    found = compare(pair.url, NOWHERE)
    assert {one.name for one in found.gates} == {"collation-version:de-x-icu", "extension-files:pg_trgm"}
    assert set(found.unread) == set(found.document()["aspects"]) ^ set(found.unread)
    assert all("Connection refused" in why for why in found.unread.values())


def test_a_restore_that_is_down_is_an_error(pair: Pair) -> None:
    with pytest.raises(Unreachable) as refused:
        compare(NOWHERE, pair.source_url)
    assert "hunter2" not in str(refused.value)


def test_an_extension_whose_files_this_machine_lacks_is_a_gate(pair: Pair) -> None:
    pair.in_both("CREATE EXTENSION pg_trgm")
    pair.in_both("UPDATE pg_extension SET extname = 'postgis' WHERE extname = 'pg_trgm'")
    assert pair.differences() == {"extension-files:postgis": "gate"}


def test_a_role_with_few_rights_reads_all_aspects_and_says_what_it_does_not_see(pair: Pair) -> None:
    pair.in_both("CREATE ROLE app LOGIN")
    pair.in_source("GRANT SELECT ON users TO PUBLIC")
    urls = [url.replace("postgres@", "app@") for url in (pair.url, pair.source_url)]
    found = compare(*urls)
    assert found.unread == {}
    assert [one.name for one in found.gates] == ["grant:PUBLIC:table"]
    assert found.limits == ("passwords and settings that only superusers see",)


def test_reading_changes_nothing_and_asks_only_once_an_aspect(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    execute = psycopg.Connection.execute

    def noted(self: Any, query: Any, *words: Any, **how: Any) -> Any:
        asked.append(str(query))
        return execute(self, query, *words, **how)

    monkeypatch.setattr(psycopg.Connection, "execute", noted)
    found = read(pair.url)
    assert len(asked) == len(found.facts) + 1  # and one that makes the session read-only
    assert "default_transaction_read_only" in asked[0]


def other_majors() -> list[Path]:
    import importlib.util

    spec = importlib.util.find_spec(WHEELS[0])
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    wheels = [place / name / "bin" for place in places for name in ("pginstall", "pginstall18")]
    default = installations()[0].directory
    return [folder for folder in wheels if (folder / "postgres").exists() and folder != default]


@pytest.mark.parametrize("binaries", other_majors(), ids=lambda folder: folder.parent.name)
def test_another_major_version_is_read_in_all_aspects(
    pair: Pair, server_folder: Path, binaries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFORGE_PG_BIN", str(binaries))
    with Postgres(server_folder / "newer") as newer:
        setup = "CREATE ROLE app; GRANT pg_monitor TO app; CREATE PUBLICATION cdc FOR TABLE users"
        newer.execute("CREATE TABLE users (id bigint PRIMARY KEY, name text);" + setup)
        pair.in_both(setup)
        upgraded = compare(newer.url(), pair.source_url)
        downgraded = compare(pair.url, newer.url())
    for found in (upgraded, downgraded):
        assert found.unread == {}
    assert "server-version" in {one.name for one in upgraded.notes}
    assert "server-version" in {one.name for one in downgraded.gates}
    same = {"membership:app:pg_monitor", "publication:cdc", "role:app:attributes"}
    assert not same & {one.name for one in (*upgraded.differences, *downgraded.differences)}
