"""What pg_restore and psql complain of: each error by its object, and how bad it is."""

from __future__ import annotations

import pytest

from dbrestore.logical.complaints import Complaint, counted, grade, judge, of_pg_restore, of_psql
from dbrestore.logical.entries import Entry
from problem import Problem

_KEY = """\
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_user_fkey FOREIGN KEY ("user") REFERENCES public.users(id);
"""
ENTRIES = [
    Entry(7, "SCHEMA", "", "public", "postgres", "CREATE SCHEMA public;\n\n\n"),
    Entry(215, "TABLE", "public", "accounts", "app", "CREATE TABLE public.accounts (id integer);\n"),
    Entry(
        3440, "ACL", "public", "TABLE accounts", "app", "GRANT SELECT ON TABLE public.accounts TO reader;\n"
    ),
    Entry(3279, "FK CONSTRAINT", "public", "orders orders_user_fkey", "app", _KEY),
]
PG_RESTORE = """\
pg_restore: error: could not execute query: ERROR:  schema "public" already exists
Command was: CREATE SCHEMA public;


pg_restore: error: could not execute query: ERROR:  role "app" does not exist
Command was: ALTER TABLE public.accounts OWNER TO app;


pg_restore: error: could not execute query: ERROR:  role "reader" does not exist
Command was: GRANT SELECT ON TABLE public.accounts TO reader;


pg_restore: error: could not execute query: ERROR:  insert or update on table "orders" violates foreign key
DETAIL:  Key (user)=(7) is not present in table "users".
Command was: ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_user_fkey FOREIGN KEY ("user") REFERENCES public.users(id);


pg_restore: warning: errors ignored on restore: 4
"""
PSQL = """\
psql:<stdin>:5: invalid command \\restrict
psql:<stdin>:14: ERROR:  unrecognized configuration parameter "transaction_timeout"
psql:<stdin>:48: ERROR:  role "reader" does not exist
psql:<stdin>:61: ERROR:  could not create unique index "users_pkey"
DETAIL:  Key (id)=(6) is duplicated.
"""


@pytest.mark.parametrize(
    ("label", "said", "how"),
    [
        ("TABLE public.t", 'unrecognized configuration parameter "transaction_timeout"', "harmless"),
        ("TABLE public.t", 'unrecognized configuration parameter "app.tenants"', "fatal"),
        ("TABLE DATA public.t", 'unrecognized configuration parameter "transaction_timeout"', "fatal"),
        ("TABLE public.t", 'no such type\nCONTEXT:  schema "public" already exists', "fatal"),
        ("MATERIALIZED VIEW DATA public.m", "division by zero", "lossy"),
    ],
)
def test_harmless_is_what_pg_dump_asks_of_its_own_session_and_nothing_that_quotes_it(
    label: str, said: str, how: str
) -> None:
    assert grade(label, said) == how


def test_an_owner_that_cannot_be_set_is_told_with_its_object_though_pg_restore_names_none() -> None:
    said = (
        'pg_restore: error: could not execute query: ERROR:  must be member of role "keeper"\n'
        "Command was: ALTER {} OWNER TO keeper;\n\n"
    )
    known = [
        Entry(1, "TABLE", "shop", "Odd orders"),
        Entry(2, "FUNCTION", "shop", "double(integer)"),
        Entry(3, "FUNCTION", "shop", "half(integer)"),
        Entry(4, "FUNCTION", "shop", "half(bigint)"),
    ]
    for named, label in (
        ('TABLE shop."Odd orders"', "TABLE shop.Odd orders"),
        ("FUNCTION shop.double(i integer, OUT o integer)", "FUNCTION shop.double(integer)"),
        ("FUNCTION shop.half(i integer)", "FUNCTION shop.half(i integer)"),
        ("LARGE OBJECT 16401", "LARGE OBJECT 16401"),
    ):
        [found] = of_pg_restore(said.format(named), known)
        assert (found.grade, found.label) == ("lossy", label)


def test_each_error_of_pg_restore_has_its_object_and_its_grade() -> None:
    assert [(one.grade, one.label) for one in of_pg_restore(PG_RESTORE, ENTRIES)] == [
        ("harmless", "SCHEMA public"),
        ("lossy", "TABLE public.accounts"),
        ("lossy", "ACL public.TABLE accounts"),
        ("fatal", "FK CONSTRAINT public.orders orders_user_fkey"),
    ]


def test_a_command_of_no_object_stands_for_itself_and_can_be_accepted_by_that_alone() -> None:
    said = "pg_restore: error: could not execute query: ERROR:  no\nCommand was: GRANT a\nTO b;\n\n"
    [found] = of_pg_restore(said, ENTRIES)
    assert (found.grade, found.label) == ("lossy", "GRANT a TO b;")
    with pytest.raises(Problem):
        judge([found], ["the archive"])


def test_an_error_keeps_its_detail_in_one_line_and_loses_its_command() -> None:
    last = of_pg_restore(PG_RESTORE, ENTRIES)[-1]
    assert last.said == (
        'insert or update on table "orders" violates foreign key '
        'DETAIL: Key (user)=(7) is not present in table "users".'
    )


def test_what_is_no_error_of_a_statement_is_fatal() -> None:
    said = "pg_restore: error: could not read from input file: end of file\n"
    assert of_pg_restore(said, ENTRIES) == [
        Complaint("fatal", "the archive", "could not read from input file: end of file")
    ]
    assert of_pg_restore("", ENTRIES) == []


def test_each_error_of_psql_belongs_to_the_object_whose_statements_stand_there() -> None:
    labels = [
        (20, "TABLE public.users"),
        (40, "ACL public.TABLE users"),
        (60, "CONSTRAINT public.users users_pkey"),
    ]
    assert [(one.grade, one.label) for one in of_psql(PSQL, labels)] == [
        ("harmless", "the script's head"),
        ("harmless", "the script's head"),
        ("lossy", "ACL public.TABLE users"),
        ("fatal", "CONSTRAINT public.users users_pkey"),
    ]


@pytest.mark.parametrize(
    ("label", "said", "command", "expected"),
    [
        ("EXTENSION plpgsql", 'extension "plpgsql" already exists', "", "harmless"),
        ("COMMENT EXTENSION pg_trgm", "must be owner of extension pg_trgm", "", "harmless"),
        ("COMMENT public.TABLE t", "must be owner of table t", "", "lossy"),
        ("PUBLICATION feed", "permission denied", "", "lossy"),
        ("SECURITY LABEL public.t", "no provider", "", "lossy"),
        ("TABLE public.t", "must be member of role", "ALTER TABLE public.t OWNER TO app;", "lossy"),
        ("TABLE public.t", "syntax error", "CREATE TABLE public.t ();", "fatal"),
        ("POLICY public.t seen", 'role "reader" does not exist', "GRANT", "fatal"),
        ("TRIGGER public.t stamp", "function does not exist", "", "fatal"),
        ("ROW SECURITY public.t", "must be owner", "", "fatal"),
        ("EXTENSION postgis", 'extension "postgis" is not available', "", "fatal"),
        ("COMMENTARY public.t", "boom", "", "fatal"),
    ],
)
def test_the_grade_of_an_error(label: str, said: str, command: str, expected: str) -> None:
    assert grade(label, said, command) == expected


def test_harmless_errors_are_no_failure_and_are_counted() -> None:
    complaints = [Complaint("harmless", "SCHEMA public", "already exists")]
    judge(complaints, [])
    assert counted(complaints) == {"harmless": 1, "lossy": 0, "fatal": 0}


def test_a_loss_is_a_failure_unless_it_is_accepted_by_its_label() -> None:
    lost = Complaint("lossy", "ACL public.TABLE t", 'role "reader" does not exist')
    with pytest.raises(Problem) as caught:
        judge([lost], ["ACL public.TABLE other"])
    assert caught.value.name == "restore-incomplete"
    assert "by the same command with --accept 'ACL public.TABLE t'" in caught.value.cure
    judge([lost], ["ACL public.TABLE t"])


def test_what_is_fatal_cannot_be_accepted_and_is_told_first() -> None:
    bad = [Complaint("lossy", f"ACL public.t{i}", "no") for i in range(14)]
    bad.append(Complaint("fatal", "TABLE public.t", "no"))
    with pytest.raises(Problem) as caught:
        judge(bad, ["TABLE public.t"])
    lines = caught.value.what.splitlines()
    assert lines[1] == "fatal: TABLE public.t: no"
    assert lines[-1] == "and 3 more"
    assert "accept" not in caught.value.cure
