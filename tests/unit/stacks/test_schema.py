"""The JSON Schema that editors complete and check by says the same as the model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from problem import Misuse
from stacks.model import parse, schema
from tests.unit.stacks.examples import CONSOLE, SOURCE, TIME, VALIDATED, WAIVED, good, restored
from tests.unit.stacks.json_schema import KNOWN, Schema, keywords

SCHEMA = Schema(schema())


def file(raw: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A whole Pulumi.<stack>.yaml, other packages' config beside ours."""
    ours = {f"reforge:{name}": value for name, value in raw.items()}
    return {"encryptionsalt": "v1:x", "config": {"aws:region": "eu-central-1", **ours, **more}}


def taken(raw: dict[str, Any]) -> bool:
    try:
        parse(raw)
    except Misuse:
        return False
    return True


def test_it_is_a_document_of_the_draft_that_it_names() -> None:
    document = json.loads(json.dumps(schema()))
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert keywords(document) <= KNOWN
    pointed = {word for word in json.dumps(document).split('"') if word.startswith("#/")}
    assert pointed == {f"#/$defs/{name}" for name in document["$defs"]}


def test_everything_a_person_chooses_is_described() -> None:
    document = schema()
    for one in document["properties"]["config"]["anyOf"]:
        config = document["$defs"][one["$ref"].removeprefix("#/$defs/")]["properties"]
        assert all(value.get("description") for value in config.values())


KEPT = {name: place for name, place in SOURCE.items() if name not in ("backups", "archive")}
"""A source that says nothing of its backups yet."""


@pytest.mark.parametrize(
    "raw",
    [
        good(),
        good(source_url={"secure": "v1:a:b"}),
        good(serving="r", restores={"r": {"from": {"xid": 7}, "waived": WAIVED}}),
        restored({"lsn": "0/1", "inclusive": False}, port=5544, validated=VALIDATED),
        restored({"time": "2025-12-03 15:23:00.5+01:00"}),
        restored({"latest": True}),
        restored({"snapshot": "monday"}),
        restored({"name": "before"}),
        restored({"dump": "s3://site/app.dump", "roles": "create"}),
        restored(
            {
                "dump": "/srv/app.dump",
                "jobs": 8,
                "role": "app",
                "no-owner": True,
                "schemas": ["public"],
                "tables": ["public.users", "orders"],
                "roles": {"old": "new"},
                "accept": ["ACL public.users"],
                "locale": "de_DE.UTF-8",
                "checksums": False,
            }
        ),
        good(endpoints=[{"pgbouncer": {"admin": [CONSOLE, {"secure": "x"}], "database": "d"}}], writers=[]),
        good(source=KEPT | {"pgbackrest": {"stanza": "main", "config": "/etc/pgbackrest.conf", "repo": 2}}),
        good(source=KEPT | {"barman": {"home": "/srv/barman", "server": "main"}}),
        good(source=KEPT | {"wal-g": {"prefix": "/srv/wal-g"}}),
        good(writing="canary", suite="suite.yaml"),
    ],
)
def test_a_right_config_is_right_to_the_editor_too(raw: dict[str, Any]) -> None:
    assert taken(raw)
    assert SCHEMA.accepts(file(raw))


@pytest.mark.parametrize(
    "raw",
    [
        good(operators=[]),
        good(operators=None),
        good(source=None),
        good(source=SOURCE | {"provider": "aws"}),
        good(source=SOURCE | {"archive": "wal"}),
        good(source=KEPT),
        good(source=SOURCE | {"wal-g": {"prefix": "/srv/wal-g"}}),
        good(source=KEPT | {"pgbackrest": {"stanza": "main", "config": "pgbackrest.conf"}}),
        good(source=KEPT | {"pgbackrest": {"stanza": "main", "config": "/etc/pgbackrest.conf", "repo": 0}}),
        good(source=SOURCE | {"data_directory": "/srv"}),
        good(source=SOURCE | {"database": ""}),
        good(source_url=5),
        good(writing="some"),
        good(suit="suite.yaml"),
        good(restores={"Bad Name": {"from": {"latest": True}}}),
        good(restores={"a" * 64: {"from": {"latest": True}}}),
        good(restores={"r": {}}),
        restored({}),
        restored({"latest": False}),
        restored({"latest": True, "xid": "7"}),
        restored({"inclusive": False}),
        restored({"replica": "standby"}, port=80),
        restored({"dump": "app.dump"}),
        restored({"dump": "/d", "jobs": 0}),
        restored({"dump": "/d", "roles": "make"}),
        restored({"dump": "/d", "tables": []}),
        restored({"dump": "/d", "tables": ["a.b.c"]}),
        restored({"latest": True, "jobs": 4}),
        restored({"time": "2025-12-03T14:23:00"}),
        restored({"time": "2025-12-03"}),
        restored({"lsn": "15000A8"}),
        restored({"xid": 0}),
        restored({"xid": "0"}),
        restored({"tim": TIME}),
        restored({"latest": True}, port=80),
        restored({"latest": True}, waived={**WAIVED, "reason": "because"}),
        restored({"latest": True}, waived={"reason": "it is known good"}),
        restored({"latest": True}, validated={**VALIDATED, "digest": "0f"}),
        good(endpoints=[{}]),
        good(endpoints=[{"env-fil": {"path": "/e"}}]),
        good(endpoints=[{"env-file": {"path": "/e"}, "pgbouncer": {"admin": CONSOLE, "database": "d"}}]),
        good(endpoints=[{"env-file": {"path": "e"}}]),
        good(endpoints=[{"pgbouncer": {"admin": [], "database": "d"}}]),
        good(endpoints=[{"pgbouncer": {"admin": CONSOLE, "database": "d", "pause-timeout": 0}}]),
        good(writers=[{"flag": {"file": "/f", "key": "A B"}}]),
        good(writers=[{"supervisor": {"group": "etl"}}]),
    ],
)
def test_a_wrong_value_is_wrong_to_the_editor_too(raw: dict[str, Any]) -> None:
    assert not taken(raw)
    assert not SCHEMA.accepts(file(raw))


def test_other_packages_config_is_none_of_our_business() -> None:
    assert SCHEMA.accepts(file(good(), **{"kubernetes:context": {"any": ["thing"]}}))
