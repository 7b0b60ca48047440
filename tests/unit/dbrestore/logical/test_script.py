"""Plain SQL taken apart: statements by their object, rows by their table, nothing lost between."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dbrestore.handler import Context
from dbrestore.logical import script
from dbrestore.logical.entries import Entry
from dbrestore.logical.plain import plain_dump
from dbrestore.logical.script import parts
from dbrestore.logical.tabledata import freezable, table_of
from problem import Problem

CONTEXT = Context("urn")
SCRIPT = b"""\
--
-- PostgreSQL database dump
--

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 16.2

SET client_encoding = 'UTF8';

--
-- Name: f(integer); Type: FUNCTION; Schema: public; Owner: app
--

CREATE FUNCTION public.f(integer) RETURNS void LANGUAGE sql AS $$
COPY public.t FROM stdin;
$$;


--
-- Name: t; Type: TABLE; Schema: public; Owner: app
--

CREATE TABLE public.t (
    a text
);


--
-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: app
--

COPY public.t (a) FROM stdin;
1
-- Name: no; Type: TABLE; Schema: public; Owner: nobody
\\\\.
2
\\.


--
-- Data for Name: empty; Type: TABLE DATA; Schema: public; Owner: app
--

COPY public.empty (a) FROM stdin;
\\.


--
-- Name: TABLE t; Type: ACL; Schema: public; Owner: app
--

GRANT SELECT ON TABLE public.t TO reader;


--
-- PostgreSQL database dump complete
--
"""


def test_the_entries_are_those_of_the_headers(tmp_path: Path) -> None:
    (tmp_path / "d.sql").write_bytes(SCRIPT)
    dump = plain_dump(tmp_path / "d.sql", CONTEXT)
    assert [one.label for one in dump.entries] == [
        "FUNCTION public.f(integer)",
        "TABLE public.t",
        "TABLE DATA public.t",
        "TABLE DATA public.empty",
        "ACL public.TABLE t",
    ]
    assert dump.rows == {"TABLE DATA public.t": 4, "TABLE DATA public.empty": 0}
    assert (dump.header.server, dump.header.pg_dump, dump.header.major) == ("15.18", "16.2", 15)
    assert dump.clear == len(SCRIPT)
    assert "GRANT SELECT" in dump.entries[-1].sql


@given(some.integers(1, 200))
def test_no_byte_is_lost_and_rows_are_found_wherever_blocks_end(size: int) -> None:
    block, script.BLOCK = script.BLOCK, size
    try:
        found = list(parts(io.BytesIO(SCRIPT)))
    finally:
        script.BLOCK = block
    assert b"".join(part.data for part in found) == SCRIPT
    rows = b"".join(part.data for part in found if part.kind == "rows")
    assert rows == b"1\n-- Name: no; Type: TABLE; Schema: public; Owner: nobody\n\\\\.\n2\n"
    assert [part.kind for part in found if part.kind in ("copy", "end")] == ["copy", "end", "copy", "end"]


@pytest.mark.parametrize(
    "cut", [b"\\.\n\n\n--\n-- Data for", b"2\n", b"GRANT", b"-- PostgreSQL database dump complete"]
)
def test_a_script_without_its_end_is_not_whole(tmp_path: Path, cut: bytes) -> None:
    (tmp_path / "d.sql").write_bytes(SCRIPT[: SCRIPT.index(cut)])
    with pytest.raises(Problem) as caught:
        plain_dump(tmp_path / "d.sql", CONTEXT)
    assert caught.value.name == "dump-truncated"
    assert "it ends within" in caught.value.what


def test_a_script_of_another_hand_has_no_end_to_look_for(tmp_path: Path) -> None:
    (tmp_path / "d.sql").write_bytes(b"CREATE TABLE t (a int);\nCOPY t FROM stdin;\n1\n\\.\nSELECT 1;")
    dump = plain_dump(tmp_path / "d.sql", CONTEXT)
    assert list(dump.rows.values()) == [1]
    assert dump.entries == ()


def test_a_dump_of_a_whole_cluster_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.sql").write_bytes(b"--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE a;\n")
    with pytest.raises(Problem) as caught:
        plain_dump(tmp_path / "d.sql", CONTEXT)
    assert caught.value.name == "dump-of-cluster"


def test_an_interrupt_is_heard_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "d.sql").write_bytes(SCRIPT)
    context = Context("urn")
    context.cancelled.set()
    with pytest.raises(Problem, match="Interrupted"):
        plain_dump(tmp_path / "d.sql", context)


@pytest.mark.parametrize(
    ("copy", "table"),
    [
        ("COPY public.t (a) FROM stdin", "public.t"),
        ('COPY public."we ird" (a) FROM stdin', 'public."we ird"'),
        ('COPY "a.b"."c""d" (a) FROM stdin', '"a.b"."c""d"'),
        ("COPY t FROM stdin", "t"),
        ("INSERT INTO t", ""),
    ],
)
def test_the_table_of_a_copy(copy: str, table: str) -> None:
    assert table_of(copy) == table


def test_only_tables_that_the_dump_makes_may_be_emptied_before_their_rows_come() -> None:
    statements = {
        "TABLE": 'CREATE TABLE public."we ird" (\n    a int\n);\n',
        "TABLE 2": "CREATE UNLOGGED TABLE public.u (\n    a int\n);\n",
        "TABLE 3": "CREATE TABLE public.p (\n    a int\n)\nPARTITION BY RANGE (a);\n",
        "EXTENSION": "CREATE EXTENSION postgis;\n",
        "FUNCTION": "CREATE FUNCTION f() AS $$CREATE TABLE x (a int)$$;\n",
    }
    entries = [Entry(1, kind.split()[0], "public", "x", sql=sql) for kind, sql in statements.items()]
    assert freezable(entries) == {'public."we ird"', "public.u"}
