"""What a dump needs of its server, read from its entries."""

from __future__ import annotations

import pytest

from dbrestore.logical.database import require_locales
from dbrestore.logical.entries import Entry, Header
from dbrestore.logical.needs import database_options, extensions, require_extensions, roles
from dbrestore.logical.options import Options
from dbrestore.logical.people import require, wanted
from problem import Refusal
from toolchain.postgres import find_binaries


def entry(kind: str, sql: str = "", owner: str = "", name: str = "t") -> Entry:
    return Entry(1, kind, "public", name, owner, sql)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (entry("TABLE", "CREATE TABLE t ();", "app"), {"app"}),
        (entry("ACL", "GRANT SELECT ON TABLE public.t TO reader;\n", "app"), {"app", "reader"}),
        (entry("ACL", 'GRANT ALL ON TABLE t TO "Odd ""one""" WITH GRANT OPTION;\n'), {'Odd "one"'}),
        (entry("ACL", "REVOKE ALL ON SCHEMA public FROM PUBLIC;\nGRANT USAGE ON SCHEMA s TO a;\n"), {"a"}),
        (entry("ACL", 'GRANT SELECT("to x") ON TABLE t TO a GRANTED BY b;\n'), {"a", "b"}),
        (entry("ACL", "SET SESSION AUTHORIZATION a;\nGRANT SELECT ON t TO b;\nRESET SESSION AUTHORIZATION;"),
         {"a", "b"}),
        (entry("DEFAULT ACL", "ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT SELECT ON TABLES TO b;\n"),
         {"a", "b"}),
        (entry("POLICY", "CREATE POLICY p ON t FOR SELECT TO a, b USING ((id > 1));\n"), {"a", "b"}),
        (entry("POLICY", "CREATE POLICY p ON t USING (x = ' TO c USING ');\n"), set()),
        (entry("USER MAPPING", "CREATE USER MAPPING FOR a SERVER s;\n"), {"a"}),
        (entry("ACL", "GRANT pg_monitor TO a;\nGRANT SELECT ON t TO pg_monitor;\n"), {"a"}),
        (entry("DATABASE", "CREATE DATABASE d;", "dba"), set()),
    ],
)  # fmt: skip
def test_the_roles_that_an_entry_names(one: Entry, expected: set[str]) -> None:
    assert set(roles([one])) == expected


def test_owners_are_not_needed_where_ownership_is_left_out() -> None:
    found = [entry("TABLE", owner="app"), entry("ACL", "GRANT SELECT ON t TO reader;", "app")]
    assert set(roles(found, owners=False)) == {"reader"}
    assert set(wanted(found, Options(no_owner=True, role="team"))) == {"reader", "team"}
    assert set(wanted(found, Options(roles={"reader": "all"}))) == {"app", "reader", "all"}


def test_missing_roles_are_refused_with_what_names_them() -> None:
    needed = {f"role{i}": f"TABLE public.t{i}" for i in range(10)}
    with pytest.raises(Refusal) as caught:
        require(needed, Options(), ["role0"])
    assert "role1 (of TABLE public.t1)" in caught.value.what
    assert caught.value.what.endswith("and 1 more.")
    require(needed, Options(create_roles=True), [])
    require({"old": "TABLE t"}, Options(roles={"old": "new"}), ["new"])
    require({"new": "TABLE t"}, Options(roles={"old": "new"}), ["new", "old"])


def test_a_role_of_the_servers_own_is_not_replaced() -> None:
    with pytest.raises(Refusal) as caught:
        require({"old": "TABLE t"}, Options(roles={"old": "new"}), ["old", "new"])
    assert caught.value.name == "role-there"
    assert "TABLE t of the dump is of old" in caught.value.what
    require({"old": "TABLE t"}, Options(roles={"old": "old"}), ["old"])


def test_the_database_is_made_as_the_dumps_was() -> None:
    sql = (
        "CREATE DATABASE d WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu "
        "LOCALE = 'de_DE.UTF-8' ICU_LOCALE = 'de-DE';"
    )
    found = database_options(
        [entry("ENCODING", "SET client_encoding = 'UTF8';"), entry("DATABASE", sql, "dba")]
    )
    assert found.owner == "dba"
    assert found.settings == {
        "ENCODING": "UTF8", "LOCALE_PROVIDER": "icu", "LOCALE": "de_DE.UTF-8", "ICU_LOCALE": "de-DE",
    }  # fmt: skip


def test_a_script_that_makes_no_database_tells_its_encoding_at_least() -> None:
    found = database_options([entry("ENCODING", "SET client_encoding = 'LATIN1';")])
    assert (found.encoding, found.locales, found.owner) == ("LATIN1", set(), "")
    assert database_options([]).encoding == ""


def test_locales_of_libc_are_looked_for_on_this_machine() -> None:
    sql = "CREATE DATABASE d ENCODING = 'UTF8' LC_COLLATE = 'C' LC_CTYPE = 'xx_YY.UTF-8';"
    found = database_options([entry("DATABASE", sql)]).locales
    assert found == {"C", "xx_YY.UTF-8"}
    with pytest.raises(Refusal, match="xx_YY"):
        require_locales(found)
    require_locales({"C", "POSIX"})


def test_extensions_that_are_not_available_are_named() -> None:
    found = [
        entry("EXTENSION", "CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;"),
        entry("EXTENSION", 'CREATE EXTENSION "uuid-ossp";'),
        entry("COMMENT", "COMMENT ON EXTENSION x IS 'CREATE EXTENSION x';"),
    ]
    assert extensions(found) == ["postgis", "uuid-ossp"]
    with pytest.raises(Refusal, match=r"lacks: postgis[.]"):
        require_extensions(found, {"uuid-ossp"}, find_binaries())
    require_extensions(found, {"uuid-ossp", "postgis"}, find_binaries())


@pytest.mark.parametrize(
    ("header", "needed"),
    [(Header(server="15.18", reader=12), 15), (Header(server="14.1", reader=16), 16), (Header(), 0),
     (Header(server="17beta1", reader=16), 16)],
)  # fmt: skip
def test_the_version_that_a_dump_needs(header: Header, needed: int) -> None:
    assert header.needed == needed


def test_missing_roles_of_odd_names_are_told_as_the_config_takes_them() -> None:
    needed = wanted([entry("TABLE", owner="reader, odd"), entry("TABLE", owner="app")], Options())
    with pytest.raises(Refusal) as refused:
        require(needed, Options(), [])
    assert '"reader, odd" (of TABLE public.t), app (of TABLE public.t)' in refused.value.what
    assert '`roles: {"reader, odd": NEW, app: NEW}`' in refused.value.cure
