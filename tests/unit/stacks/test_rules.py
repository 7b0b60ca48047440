"""The rules of the config, each with the one line that it is refused in."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from stacks.kinds import kinds
from stacks.model import data_types, parse
from stacks.restores import KINDS, Restore
from tests.unit.stacks.examples import (
    CONSOLE,
    SOURCE,
    VALIDATED,
    WAIVED,
    good,
    restored,
    the_line,
    told,
)

LATEST = {"from": {"latest": True}}


def source(**changes: Any) -> dict[str, Any]:
    changed = SOURCE | {name.replace("_", "-"): value for name, value in changes.items()}
    return good(source=changed, restores=None)


def test_a_right_config_is_taken_with_its_defaults() -> None:
    config = parse(good())
    assert (config.serving, config.writing, config.suite) == ("source", "all", None)
    restore = config.restores["before-accident"]
    assert str(restore.from_) == "time 2025-12-03T14:23:00Z"
    assert not restore.accepted
    assert config.source.clients == ["127.0.0.1/32", "::1/128"]


def test_a_key_with_nothing_under_it_is_as_good_as_none() -> None:
    config = parse({**good(), "restores": None, "endpoints": None, "writers": None, "serving": None})
    assert (config.restores, config.endpoints, config.serving) == ({}, [], "source")


# What serves


@pytest.mark.parametrize("acceptance", [{"validated": VALIDATED}, {"waived": WAIVED}])
def test_an_accepted_restore_may_serve(acceptance: dict[str, Any]) -> None:
    config = parse(good(restores={"r": LATEST | acceptance}, serving="r"))
    assert config.restores["r"].accepted


def test_a_restore_that_is_not_validated_never_serves() -> None:
    assert the_line(good(restores={"r": LATEST}, serving="r")) == (
        "reforge:serving: 'r' is not validated; run `reforge validate r`, "
        "or waive it with a written reason: `reforge validate r --waive REASON`"
    )


def test_what_serves_must_exist_so_a_serving_restore_cannot_be_removed() -> None:
    line = the_line(good(serving="before-acident"))
    assert line == (
        "reforge:serving: 'before-acident' is not a restore; did you mean before-accident? "
        "(allowed: source, before-accident)"
    )
    assert the_line(good(restores={}, serving="r")).endswith("is not a restore (allowed: source)")


@pytest.mark.parametrize("reason", ["", "   ", "ok", "          ", "short    "])
def test_a_waiver_needs_a_written_reason(reason: str) -> None:
    line = the_line(restored({"latest": True}, waived=WAIVED | {"reason": reason}))
    assert line.startswith("reforge:restores.r.waived.reason: string should have at least 10 characters")


@pytest.mark.parametrize(
    ("acceptance", "field"),
    [
        ({"waived": {"reason": "it is known good", "at": "2025-12-03T14:23:00Z"}}, "waived.by"),
        ({"waived": WAIVED | {"by": " "}}, "waived.by"),
        ({"validated": VALIDATED | {"digest": "sha256:0f"}}, "validated.digest"),
        ({"validated": {}}, "validated.at"),
        ({"waived": True}, "waived"),
    ],
)
def test_acceptance_says_who_when_and_of_what(acceptance: dict[str, Any], field: str) -> None:
    lines = told(restored({"latest": True}, **acceptance))
    assert lines[0].startswith(f"reforge:restores.r.{field}: ")


def test_an_empty_waiver_does_not_let_a_restore_serve() -> None:
    lines = told(good(restores={"r": LATEST | {"waived": {}}}, serving="r"))
    assert any(line.startswith("reforge:serving: 'r' is not validated") for line in lines)


# What is restored


@pytest.mark.parametrize(
    ("target", "kind", "value"),
    [
        ({"snapshot": "monday"}, "snapshot", "monday"),
        ({"time": "2025-12-03T15:23:00+01:00"}, "time", "2025-12-03T14:23:00Z"),
        ({"lsn": "0/15000a8", "inclusive": False}, "lsn", "0/15000A8"),
        ({"xid": "731"}, "xid", "731"),
        ({"xid": 731}, "xid", "731"),
        ({"name": "before accident"}, "name", "before accident"),
        ({"latest": True}, "latest", None),
    ],
)
def test_every_kind_of_target_is_kept(target: dict[str, Any], kind: str, value: str | None) -> None:
    found = parse(restored(target)).restores["r"].from_
    assert (found.kind, found.value) == (kind, value)


@pytest.mark.parametrize(
    ("target", "found"),
    [({}, "none"), ({"latest": True, "xid": "7"}, "xid and latest"), ({"inclusive": False}, "none")],
)
def test_a_restore_has_exactly_one_target(target: dict[str, Any], found: str) -> None:
    assert the_line(restored(target)) == (
        f"reforge:restores.r.from: needs exactly one of {', '.join(KINDS)}; found {found}"
    )


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"latest": False}, "from.latest: is written as `latest: true`"),
        ({"latest": True, "inclusive": False}, "from: `inclusive: false` has no meaning with latest"),
        ({"snapshot": "monday", "inclusive": False}, "from: `inclusive: false` has no meaning with snapshot"),
        ({"lsn": "15000A8"}, "from.lsn: '15000A8' is not an LSN like 0/1500028"),
        ({"xid": 0}, "from.xid: 0 is not a transaction id like 731"),
        ({"xid": "7a"}, "from.xid: '7a' is not a transaction id like 731"),
        ({"name": ""}, "from.name: '' is not a PostgreSQL name: 1 to 63 bytes"),
        ({"name": "a\0b"}, "from.name: 'a\\x00b' is not a PostgreSQL name: 1 to 63 bytes"),
        ({"dump": "app.dump"}, "from.dump: 'app.dump' is not absolute; write the path from /"),
        ({"latest": True, "jobs": 4}, "from: jobs is for a dump and has no meaning with latest"),
        (
            {"snapshot": "a", "no-owner": True},
            "from: no-owner is for a dump and has no meaning with snapshot",
        ),
        ({"snapshot": " "}, "from.snapshot: string should have at least 1 character (found text)"),
    ],
)
def test_a_wrong_target_is_refused(target: dict[str, Any], words: str) -> None:
    assert the_line(restored(target)) == f"reforge:restores.r.{words}"


def test_what_the_provider_cannot_restore_from_is_refused() -> None:
    class Cloud(Restore):
        SUPPORTED: ClassVar = ("snapshot", "time")

    with pytest.raises(ValidationError, match="this provider does not restore from a dump yet") as refused:
        Cloud.model_validate({"from": {"dump": "/srv/app.dump"}})
    assert "(allowed: snapshot, time)" in str(refused.value)
    assert Cloud.model_validate({"from": {"snapshot": "monday"}}).from_.value == "monday"


def test_two_restores_never_share_a_port() -> None:
    restores = {name: LATEST | {"port": 5544} for name in ("one", "two")} | {"three": LATEST}
    assert the_line(good(restores=restores)) == (
        "reforge:restores: one and two cannot all listen on port 5544"
    )
    parse(good(restores={"one": LATEST | {"port": 5544}, "two": LATEST | {"port": 5545}, "three": LATEST}))


@pytest.mark.parametrize("port", [0, 80, 65536, "http", True, 5432.5])
def test_a_port_is_one_that_a_server_of_ours_may_have(port: Any) -> None:
    assert the_line(restored({"latest": True}, port=port)).startswith("reforge:restores.r.port: ")


# The source


@pytest.mark.parametrize("place", ["data-directory", "archive", "backups"])
@pytest.mark.parametrize("directory", ["/srv/original", "/srv/original/restores", "/srv", "/srv/original/"])
def test_restores_never_lie_in_the_originals_folders_nor_around_them(place: str, directory: str) -> None:
    places = {"data-directory": "/a/pg", "archive": "/a/wal", "backups": "/a/base", place: "/srv/original"}
    raw = good(source=SOURCE | places | {"directory": directory}, restores=None)
    assert the_line(raw) == (
        f"reforge:source: directory ({directory.rstrip('/')}) overlaps {place} (/srv/original); "
        "restored instances need a folder apart"
    )


def test_backups_and_archive_may_lie_in_an_object_store() -> None:
    found = parse(source(archive="s3://site/wal/", backups="gs://site/base", storage={"anon": True})).source
    assert (found.archive, found.backups) == ("s3://site/wal", "gs://site/base")
    assert (found.storage.anon, found.storage.endpoint_url) == (True, None)


TOOLS: dict[str, dict[str, Any]] = {
    "pgbackrest": {"stanza": "main", "config": "/etc/pgbackrest/pgbackrest.conf"},
    "barman": {"home": "/srv/barman", "server": "main"},
    "wal-g": {"prefix": "s3://site/wal-g"},
}
WITHOUT = {name: place for name, place in SOURCE.items() if name not in ("backups", "archive")}


@pytest.mark.parametrize("tool", TOOLS)
def test_what_a_backup_tool_keeps_takes_the_place_of_two_folders(tool: str) -> None:
    parse(good(source=WITHOUT | {tool: TOOLS[tool]}))
    both = the_line(good(source=SOURCE | {tool: TOOLS[tool]}))
    assert both == f"reforge:source: has both {tool} and backups and archive; one says where the backups are"


def test_a_source_says_in_one_way_where_its_backups_are() -> None:
    two = the_line(good(source=WITHOUT | {"barman": TOOLS["barman"], "wal-g": TOOLS["wal-g"]}))
    assert "has both barman and wal-g" in two
    for given, missing in (({}, "backups and archive"), ({"archive": "/srv/wal"}, "backups")):
        line = the_line(good(source=WITHOUT | given))
        assert line == (
            f"reforge:source: lacks {missing}, or one of pgbackrest, barman, wal-g instead of both"
        )


def test_restores_never_lie_in_barmans_home() -> None:
    line = the_line(good(source=WITHOUT | {"barman": {"home": "/srv/restores/barman", "server": "main"}}))
    assert "overlaps barman (/srv/restores/barman)" in line


@pytest.mark.parametrize("url", ["s3://", "s3://key:secret@bucket/wal", "s3://bucket/wal?token=secret"])
def test_a_url_of_an_object_store_carries_no_credentials(url: str) -> None:
    line = the_line(source(archive=url))
    assert "is not a URL like s3://bucket/folder" in line
    assert "secret" not in line


def test_a_folder_of_this_machine_is_written_as_its_path() -> None:
    assert "write its path from / without file://" in the_line(source(backups="file:///srv/base"))


def test_tablespaces_of_restores_never_lie_where_the_original_has_them() -> None:
    line = the_line(source(tablespaces={"/mnt/fast": "/mnt/fast/more"}))
    words = "tablespaces: /mnt/fast/more overlaps /mnt/fast; restored ones need a folder apart"
    assert line == f"reforge:source: {words}"
    parse(source(tablespaces={"/mnt/fast": "/mnt/faster"}))


def test_a_folder_whose_name_only_begins_alike_is_apart() -> None:
    parse(source(archive="/srv/wal", directory="/srv/wal-restores"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"directory": "restores"}, "directory: 'restores' is not absolute; write the path from /"),
        ({"directory": "~/restores"}, "directory: '~/restores' is not absolute; write the path from /"),
        ({"archive": "/srv/x/../y"}, "archive: '/srv/x/../y' goes up by ..; write the path without"),
        ({"database": "x" * 64}, f"database: {'x' * 64!r} is not a PostgreSQL name: 1 to 63 bytes"),
        ({"instance": ""}, "instance: string should have at least 1 character (found text)"),
        ({"clients": ["10.0.0.0"], "listen": 5}, "listen: input should be a valid string (found 5)"),
    ],
)
def test_a_wrong_source_is_refused(changes: dict[str, Any], words: str) -> None:
    assert the_line(source(**changes)) == f"reforge:source.{words}"


def test_an_unknown_provider_is_told_beside_what_else_is_wrong() -> None:
    lines = told(source(provider="locale", database=""))
    allowed = ", ".join(kinds("stacks.providers"))
    told_of = f"reforge:source.provider: 'locale' is not a provider; did you mean local? (allowed: {allowed})"
    assert told_of in lines
    assert "reforge:source.database: '' is not a PostgreSQL name: 1 to 63 bytes" in lines


def test_instances_that_hold_data_are_known_to_the_gates() -> None:
    assert {"dbrestore:postgres:Instance", "dbrestore:replica:Promotion"} <= data_types()
    assert "aws:rds/instance:Instance" in data_types()
    place = parse(good()).source.place_of("before-accident")
    assert place == ("dbrestore:postgres:Instance", "/srv/restores/before-accident")


# Who may reach a restore


@pytest.mark.parametrize(
    ("network", "why"),
    [
        ("203.0.113.7/24", "did you mean 203.0.113.0/24?"),
        ("office", "'office' does not appear to be an IPv4 or IPv6 network"),
        ("203.0.113.7/33", "'203.0.113.7/33' does not appear to be an IPv4 or IPv6 network"),
    ],
)
def test_operators_are_networks(network: str, why: str) -> None:
    line = the_line(good(operators=["203.0.113.7/32", network]))
    assert line == f"reforge:operators[1]: {network!r} is not a network like 203.0.113.7/32: {why}"


def test_an_address_is_a_network_of_one() -> None:
    assert parse(good(operators=["203.0.113.7", "2001:db8::1"])).operators == [
        "203.0.113.7/32",
        "2001:db8::1/128",
    ]


def test_somebody_must_be_able_to_look_at_a_restore() -> None:
    assert the_line(good(operators=[])).startswith("reforge:operators: list should have at least 1 item")
    assert the_line(good(operators=None)) == "reforge:operators: is missing"


# Endpoints and writers


@pytest.mark.parametrize(
    ("what", "entry", "label"),
    [
        ("endpoints", {"env-file": {"path": "/srv/app/.env"}}, "env-file:/srv/app/.env#DATABASE_URL"),
        ("endpoints", {"pgbouncer": {"admin": CONSOLE, "database": "starforge"}}, "pgbouncer-starforge"),
        ("writers", {"supervisor": {"server": "unix:///s", "group": "etl"}}, "supervisor-etl"),
        (
            "writers",
            {"flag": {"file": "/srv/flags.env", "key": "ingestion"}},
            "flag:/srv/flags.env#ingestion",
        ),
    ],
)
def test_the_same_entry_twice_is_refused(what: str, entry: dict[str, Any], label: str) -> None:
    assert the_line(good(**{what: [entry, entry]})) == f"reforge:{what}: {label} stands there 2 times"


def test_files_of_the_same_name_in_two_folders_are_two_endpoints() -> None:
    entries = [{"env-file": {"path": f"/srv/{app}/.env"}} for app in ("api", "etl")]
    flags = [{"flag": {"file": f"/srv/{app}/flags.env", "key": "ingestion"}} for app in ("api", "etl")]
    config = parse(good(endpoints=entries, writers=flags))
    for listed in (config.endpoints, config.writers):
        assert len({entry.chosen.label for entry in listed}) == 2


ALL_KINDS = ", ".join(kinds("stacks.endpoints"))
KINDS_KNOWN = f"is not known here; did you mean env-file? (allowed: {ALL_KINDS})"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({}, f"[0]: needs exactly one of {ALL_KINDS}"),
        ({"env-file": None}, f"[0]: needs exactly one of {ALL_KINDS}"),
        ({"env-fil": {}}, f"[0].env-fil: {KINDS_KNOWN}"),
        ({"env_file": {"path": "/e"}}, f"[0].env_file: {KINDS_KNOWN}"),
        ({"env-file": {"path": "/e", "key": "A B"}}, "[0].env-file.key: string should match pattern"),
        ({"pgbouncer": {"admin": [], "database": "d"}}, "[0].pgbouncer.admin: list should have at least 1"),
        ({"pgbouncer": {"admin": CONSOLE}}, "[0].pgbouncer.database: is missing"),
        (
            {"pgbouncer": {"admin": CONSOLE, "database": "d", "pause-timeout": 0}},
            "[0].pgbouncer.pause-timeout: input should be greater than 0 (found 0)",
        ),
        ("env-file", "[0]: is not a mapping of names to values (found text)"),
    ],
)
def test_a_wrong_endpoint_is_refused(entry: Any, words: str) -> None:
    assert the_line(good(endpoints=[entry])).startswith(f"reforge:endpoints{words}")


def test_an_entry_of_two_kinds_is_refused() -> None:
    both = {"env-file": {"path": "/e"}, "pgbouncer": {"admin": CONSOLE, "database": "d"}}
    assert the_line(good(endpoints=[both])) == f"reforge:endpoints[0]: needs exactly one of {ALL_KINDS}"


def test_several_consoles_make_one_endpoint() -> None:
    entry = {"pgbouncer": {"admin": [CONSOLE, {"secure": "AAAB"}], "database": "d"}}
    assert len(parse(good(endpoints=[entry])).endpoints[0].chosen.admin) == 2


def test_writing_is_one_of_three_words() -> None:
    line = the_line(good(writing="canaries"))
    assert line == "reforge:writing: 'canaries' is not one of none, canary, all; did you mean canary?"


@pytest.mark.parametrize("provider", [["local"], 5, {"local": True}])
def test_a_provider_of_a_wrong_shape_is_told_like_a_wrong_name(provider: Any) -> None:
    line = the_line(source(provider=provider))
    assert line.startswith(f"reforge:source.provider: {provider!r} is not a provider")
    assert line.endswith(f"(allowed: {', '.join(kinds('stacks.providers'))})")


def test_a_provider_that_says_nothing_of_its_own_takes_every_target() -> None:
    for kind in KINDS:
        raw = {
            "from": {
                kind: {"latest": True, "lsn": "0/1", "time": VALIDATED["at"], "dump": "/d"}.get(kind, "7")
            }
        }
        restore = Restore.model_validate(raw)
        assert restore.from_.kind == kind
        assert Restore.conflicts({"one": restore, "two": restore}) == []
