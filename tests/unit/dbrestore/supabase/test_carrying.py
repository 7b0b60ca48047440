"""What of a dump goes into a new project, by what the project has already."""

from __future__ import annotations

import pytest

from dbrestore.logical.entries import Entry
from dbrestore.supabase.carrying import carried, lost

THERE = {
    ("SCHEMA", "", "auth"),
    ("TABLE", "auth", "users"),
    ("TRIGGER", "auth", "users touch"),
    ("PUBLICATION", "", "supabase_realtime"),
    ("EVENT TRIGGER", "", "pgrst_ddl_watch"),
}


def entry(kind: str, schema: str, name: str, owner: str = "postgres") -> Entry:
    return Entry(1, kind, schema, name, owner)


@pytest.mark.parametrize(
    ("one", "taken"),
    [
        (entry("TABLE", "public", "users"), True),
        (entry("TABLE DATA", "public", "users"), True),
        (entry("SCHEMA", "", "shop"), True),
        (entry("EXTENSION", "", "pg_trgm"), True),
        (entry("TABLE", "supabase_migrations", "schema_migrations"), True),
        (entry("PUBLICATION", "", "feed"), True),
        (entry("PUBLICATION TABLE", "public", "supabase_realtime users"), True),
        (entry("TABLE DATA", "auth", "users", "supabase_auth_admin"), True),
        (entry("TABLE DATA", "storage", "objects", "supabase_storage_admin"), True),
        (entry("SEQUENCE SET", "auth", "refresh_tokens_id_seq", "supabase_auth_admin"), True),
        (entry("TRIGGER", "auth", "users on_auth_user_created", "supabase_auth_admin"), True),
        (entry("POLICY", "storage", "objects Avatars", "supabase_storage_admin"), True),
        (entry("TRIGGER", "auth", "users touch", "supabase_auth_admin"), False),
        (entry("TABLE", "auth", "users", "supabase_auth_admin"), False),
        (entry("SCHEMA", "", "auth", "supabase_admin"), False),
        (entry("TABLE DATA", "auth", "schema_migrations", "supabase_auth_admin"), False),
        (entry("TABLE DATA", "storage", "migrations", "supabase_storage_admin"), False),
        (entry("TABLE DATA", "vault", "secrets", "supabase_admin"), False),
        (entry("TABLE DATA", "cron", "job", "supabase_admin"), False),
        (entry("PUBLICATION", "", "supabase_realtime"), False),
        (entry("EVENT TRIGGER", "", "pgrst_ddl_watch", "supabase_admin"), False),
        (entry("DEFAULT ACL", "public", "DEFAULT PRIVILEGES FOR TABLES", "supabase_admin"), False),
        (entry("DEFAULT ACL", "public", "DEFAULT PRIVILEGES FOR TABLES", "postgres"), True),
        (entry("ACL", "", "SCHEMA auth", "supabase_admin"), False),
        (entry("ACL", "", "SCHEMA shop", "postgres"), True),
        (entry("SUBSCRIPTION", "", "fed"), False),
        (entry("DATABASE PROPERTIES", "", "postgres"), False),
    ],
)
def test_each_kind_goes_where_it_belongs(one: Entry, taken: bool) -> None:
    assert (carried([one], THERE, lambda _entry: 0).entries == (one,)) is taken


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (entry("TABLE DATA", "vault", "secrets"), "3 rows: secrets are encrypted"),
        (entry("TABLE DATA", "cron", "job"), "3 rows: jobs would run in a copy"),
        (entry("SUBSCRIPTION", "", "fed"), "would take changes in a copy"),
        (entry("EVENT TRIGGER", "", "audit"), "needs a superuser"),
        (entry("TABLE", "auth", "mine"), "a schema that Supabase manages"),
        (entry("FUNCTION", "storage", "mine()"), "a schema that Supabase manages"),
    ],
)
def test_what_is_left_out_is_named(one: Entry, words: str) -> None:
    [line] = carried([one], THERE, lambda _entry: 3).left
    assert line.startswith(one.label)
    assert words in line


@pytest.mark.parametrize(
    "one",
    [
        entry("TABLE", "auth", "users", "supabase_auth_admin"),
        entry("EVENT TRIGGER", "", "pgrst_ddl_watch", "supabase_admin"),
        entry("TABLE DATA", "auth", "schema_migrations"),
        entry("ACL", "auth", "TABLE users", "supabase_auth_admin"),
    ],
)
def test_what_the_platform_has_anyway_is_not_worth_a_word(one: Entry) -> None:
    assert carried([one], THERE, lambda _entry: 3).left == ()


def test_an_empty_vault_is_not_worth_a_word() -> None:
    assert carried([entry("TABLE DATA", "vault", "secrets")], THERE, lambda _entry: 0).left == ()


def test_only_event_triggers_of_the_application_have_to_be_accepted() -> None:
    ours, theirs = entry("EVENT TRIGGER", "", "audit"), entry("EVENT TRIGGER", "", "x", "supabase_admin")
    assert [one.label for one in lost([ours, theirs])] == ["EVENT TRIGGER audit"]
