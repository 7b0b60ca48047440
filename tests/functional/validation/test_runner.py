"""A run goes on after a failure, ends at a database that is not there, and tells nobody a password."""

from __future__ import annotations

import json

from tests.functional.validation.conftest import StarForge
from tests.support.servers import Postgres, free_port, scratch, wait_until
from validation.report import digest_of
from validation.runner import Progress, Subject, run
from validation.suite import parse, standard


def test_the_standard_suite_passes_with_a_report(starforge: StarForge) -> None:
    seen: list[Progress] = []
    report = run(standard(), Subject(starforge.url), seen.append)
    assert report.passed
    assert report.failures == ()
    assert report.subject.database == starforge.name
    assert digest_of(json.loads(report.json())) == report.digest
    names = [(step.number, step.total, step.name, step.verdict is not None) for step in seen]
    assert names[:2] == [(1, 4, "connectivity", False), (1, 4, "connectivity", True)]
    assert names[-1] == (4, 4, "unique", True)


def test_a_failed_check_does_not_stop_the_others(starforge: StarForge) -> None:
    found = starforge.verdicts(
        "- connectivity\n"
        "- sql: {name: broken, query: SELECT 1/0, expect: 0}\n"
        "- row-counts: {tables: {users: {exactly: 1}}}\n"
        "- references\n"
    )
    assert [verdict.outcome for verdict in found] == ["passed", "failed", "failed", "passed"]
    assert found[1].complaints == ("division by zero",)


def test_a_database_that_is_not_there_skips_the_rest() -> None:
    suite = parse("name: x\nchecks: [schema, connectivity, references]")
    url = f"postgresql://app:hunter2@127.0.0.1:{free_port()}/x"
    report = run(suite, Subject(url))
    assert [verdict.outcome for verdict in report.verdicts] == ["failed", "skipped", "skipped"]
    assert "Connection refused" in report.verdicts[0].complaints[0]
    assert report.verdicts[1].summary == "not run, because schema failed"
    assert not report.passed
    assert "hunter2" not in report.json() + report.junit() + "\n".join(report.text)


def test_a_server_in_recovery_skips_the_rest_unless_it_is_allowed() -> None:
    with scratch() as folder, Postgres(folder / "pg") as primary:
        primary.execute("CREATE TABLE t (n int)")
        copy = Postgres(folder / "copy")
        primary.base_backup("data", copy.directory)
        (copy.data / "standby.signal").touch()
        with (copy.data / "postgresql.conf").open("a") as conf:
            conf.write(f"port = {copy.port}\nprimary_conninfo = '{primary.url()}'\n")
            conf.write(f"unix_socket_directories = '{copy.directory}'\n")
        with copy:
            found = run(parse("name: x\nchecks: [connectivity, schema]"), Subject(copy.url())).verdicts
            assert found[0].complaints == (
                "the server is still in recovery: it is read-only until it is promoted",
            )
            assert [verdict.outcome for verdict in found] == ["failed", "skipped"]
            wait_until(lambda: copy.execute("SELECT pg_last_wal_replay_lsn()")[0][0])
            suite = parse("name: x\nchecks:\n- connectivity: {allow-recovery: true}\n- schema")
            assert run(suite, Subject(copy.url())).passed


def test_a_server_that_dies_during_a_check_skips_the_rest(starforge: StarForge) -> None:
    found = starforge.verdicts(
        "- sql: {name: die, query: SELECT pg_terminate_backend(pg_backend_pid()), expect: 1}\n- schema\n"
    )
    assert found[0].outcome == "failed"
    assert "terminating connection" in found[0].complaints[0]
    assert found[1].outcome == "passed"  # a session that was ended is not a server that is gone


def test_a_statement_has_its_time(starforge: StarForge) -> None:
    suite = parse(
        "name: x\nstatement-timeout: 50ms\nchecks:\n- sql: {name: s, query: SELECT pg_sleep(60), expect: 1}"
    )
    (found,) = run(suite, Subject(starforge.url)).verdicts
    assert found.complaints == (
        "canceling statement due to statement timeout (statement-timeout of the suite)",
    )
    assert found.seconds < 10


def test_a_password_in_a_result_does_not_reach_the_report(starforge: StarForge) -> None:
    url = starforge.url.replace("postgres@", "postgres:hunter2@")
    suite = parse(
        "name: x\nchecks:\n"
        "- sql: {name: leak, query: \"SELECT 'hunter2', 1\", expect: []}\n"
        "- sql: {name: error, query: \"SELECT 'hunter2'::int\", expect: []}\n"
    )
    report = run(suite, Subject(url, source_url=url))
    assert "hunter2" not in report.json() + report.junit() + "\n".join(report.text)
    assert report.verdicts[0].facts["value"] == [["***", 1]]


def test_nothing_of_a_run_stays_connected(starforge: StarForge) -> None:
    starforge.passes("row-counts: {tables: {users: {within: 0%}}}", source_url=starforge.url)
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reforge-validate'"
    wait_until(lambda: starforge.execute(query) == [(0,)])
