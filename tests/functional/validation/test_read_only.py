"""A check that does not say that it writes cannot write, by whatever road."""

from __future__ import annotations

import pytest

from tests.functional.validation.conftest import StarForge
from tests.support.servers import Pgbouncer, Postgres, scratch
from validation.runner import Subject, run
from validation.suite import parse

INSERT = "INSERT INTO user_troops VALUES (1, 100)"


def troops(starforge: StarForge) -> int:
    return int(starforge.execute("SELECT count(*) FROM user_troops")[0][0])


@pytest.mark.parametrize(
    "query",
    [
        INSERT,
        "WITH new AS (INSERT INTO user_troops VALUES (1, 100) RETURNING 1) SELECT * FROM new",
        "SELECT nextval('hero_snapshots_id_seq')",
        "DROP TABLE user_troops",
    ],
)
def test_a_statement_that_writes_fails(starforge: StarForge, query: str) -> None:
    said = starforge.failure(f"sql: {{name: sly, query: {query!r}, expect: []}}")
    assert "it tried to write, and this check is read-only" in said
    assert troops(starforge) == 20


@pytest.mark.parametrize(
    "first", ["COMMIT", "SET default_transaction_read_only = off", "SET TRANSACTION READ WRITE"]
)
def test_leaving_the_read_only_mode_first_does_not_help(starforge: StarForge, first: str) -> None:
    together = starforge.failure(f'sql: {{name: two, query: "{first}; {INSERT}", expect: []}}')
    assert "cannot insert multiple commands into a prepared statement" in together
    apart = starforge.verdicts(
        f"- sql: {{name: one, query: '{first}', expect: []}}\n"
        "- sql: {name: unlock, query: SET default_transaction_read_only = off, expect: []}\n"
        "- sql: {name: commit, query: COMMIT, expect: []}\n"
        f"- sql: {{name: two, query: '{INSERT}', expect: []}}\n"
    )
    assert apart[-1].outcome == "failed"
    assert "it tried to write" in apart[-1].complaints[0]
    assert troops(starforge) == 20


def test_a_check_that_says_so_writes_and_those_after_it_see_what_it_wrote(starforge: StarForge) -> None:
    count = "sql: {name: count, query: SELECT count(*) FROM user_troops, expect: %d}\n"
    found = starforge.verdicts(
        f"- {count % 20}- sql: {{name: new, query: '{INSERT}', expect: [], write: true}}\n- {count % 21}"
    )
    assert [verdict.outcome for verdict in found] == ["passed"] * 3
    assert found[2].name == "count (2)"


def test_checks_see_one_snapshot_under_our_application_name(starforge: StarForge) -> None:
    starforge.passes(
        "sql: {name: me, query: \"SELECT current_setting('application_name')\", expect: reforge-validate}"
    )
    seen = starforge.verdicts(
        "- sql: {name: a, query: SELECT pg_current_snapshot()::text, expect: ''}\n"
        "- sql: {name: b, query: SELECT pg_current_snapshot()::text, expect: ''}\n"
        "- sql: {name: c, query: SELECT now(), expect: ''}\n"
        "- sql: {name: d, query: SELECT now(), expect: ''}\n"
    )
    values = [verdict.facts["value"] for verdict in seen]
    assert values[0] == values[1]
    assert values[2] == values[3]


def test_a_pooler_is_refused_because_it_drops_the_read_only_setting(
    server: Postgres, starforge: StarForge
) -> None:
    target = f"host=127.0.0.1 port={server.port} dbname={starforge.name}"
    with scratch() as folder, Pgbouncer(folder / "bouncer", {"app": target}) as bouncer:
        (found,) = run(parse("name: x\nchecks: [connectivity]"), Subject(bouncer.url("app"))).verdicts
    assert found.outcome == "failed"
    assert "unsupported startup parameter" in found.complaints[0]
    assert "Give the URL of PostgreSQL itself" in found.complaints[1]
