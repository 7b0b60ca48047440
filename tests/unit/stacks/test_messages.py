"""How wrong configs are told: all at once, a line each, the place as the YAML spells it, and no secret."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from problem import Misuse
from stacks.messages import nearest
from stacks.model import parse
from tests.unit.stacks.examples import CONSOLE, SOURCE, TIME, VALIDATED, WAIVED, good, the_line, told

FULL = good(
    restores={
        "r": {
            "from": {"time": TIME, "inclusive": False},
            "port": 5544,
            "validated": VALIDATED,
            "waived": WAIVED,
        }
    }
)


def test_everything_that_is_wrong_is_told_at_once_a_line_each() -> None:
    raw = good(
        source=SOURCE | {"direktory": "/x", "backups": "base"},
        restores={
            "Bad Name": {"from": {"latest": True}},
            "one": {"from": {"time": "2025-12-03T14:23:00"}},
            "two": {"from": {"xid": "7", "lsn": "0/1"}},
            "three": {"from": {"dump": "x"}, "port": 1},
        },
        serving="four",
        writing="some",
        suit="suite.yaml",
    )
    raw["source-url"] = "mysql://root@db/x"
    del raw["operators"]
    places = [line.split(": ")[0] for line in told(raw)]
    assert places == [
        "reforge:source.backups",
        "reforge:source.direktory",
        "reforge:source-url",
        "reforge:operators",
        "reforge:restores.Bad Name",
        "reforge:restores.one.from.time",
        "reforge:restores.two.from",
        "reforge:restores.three.from.dump",
        "reforge:restores.three.port",
        "reforge:writing",
        "reforge:suit",
        "reforge:serving",
    ]


def places(raw: Any, path: str = "reforge:") -> list[tuple[list[Any], str]]:
    """Every mapping of a config: the steps to it, and its place in words."""
    found: list[tuple[list[Any], str]] = []
    items = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    if isinstance(raw, dict) and path != "reforge:restores":
        found.append(([], path))
    for key, value in items:
        joint = "" if path == "reforge:" else "."
        here = f"{path}[{key}]" if isinstance(key, int) else f"{path}{joint}{key}"
        found += [([key, *steps], place) for steps, place in places(value, here)]
    return found


@pytest.mark.parametrize(
    ("steps", "place"), places(FULL), ids=lambda value: value if isinstance(value, str) else ""
)
def test_an_unknown_key_is_told_at_every_level_with_what_is_allowed(steps: list[Any], place: str) -> None:
    raw = copy.deepcopy(FULL)
    inner: Any = raw
    for step in steps:
        inner = inner[step]
    known = next(iter(inner))
    inner[known + "x"] = 1
    joint = "" if place == "reforge:" else "."
    line = the_line(raw)
    assert line.startswith(f"{place}{joint}{known}x: is not known here; did you mean {known}? (allowed: ")
    allowed = line.partition("(allowed: ")[2].rstrip(")").split(", ")
    assert set(inner) - {known + "x"} <= set(allowed)


def test_the_python_spelling_of_a_name_is_not_a_second_way_to_write_it() -> None:
    raw = good()
    raw["source_url"] = raw.pop("source-url")
    assert told(raw) == [
        "reforge:source-url: is missing",
        "reforge:source_url: is not known here; did you mean source-url? (allowed: canary, endpoints, "
        "operators, restores, runner, serving, source, source-url, suite, writers, writing)",
    ]


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5) | some.dates(),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.text(max_size=5) | some.integers(), inner, max_size=3)
    ),
    max_leaves=5,
)


def verdict(raw: dict[str, Any]) -> str:
    """What the model says; empty where it takes the config."""
    try:
        parse(raw)
    except Misuse as refused:
        return str(refused)
    return ""


@given(some.sampled_from([*sorted(good()), "serving", "writing", "suite"]), ANYTHING)
def test_whatever_is_written_there_is_taken_or_told_and_never_a_traceback(name: str, value: Any) -> None:
    said = verdict({**good(), name: value})
    assert all(line.startswith("reforge:") for line in said.splitlines())


@given(ANYTHING)
def test_whatever_a_restore_is_it_is_told(value: Any) -> None:
    assert verdict(good(restores={"r": value}, serving="r")).startswith("reforge:restores.r")


SECRET = "hunter2"


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://app:{SECRET}@db/x",
        f"app:{SECRET}@db",
        f"postgresql://app:{SECRET}/5@db:5432/x",
        f"postgresql://app:{SECRET}#5@db:5432/x",
        f"postgresql://app:7/{SECRET}@db:5432/x",
        f"postgresql://app:7?{SECRET}@db:port/x",
        f"postgresql://app:{SECRET}@[db/x",
        f"postgresql://app:{SECRET}@db\u2100/x",
        f"postgresql://app:{SECRET}@db:99999/x",
        f"postgresql://app:{SECRET}@db:0/x",
        f"postgresql:///{SECRET}",
        [f"postgresql://app:{SECRET}@db/x"],
        {"secure": 5, "plain": SECRET},
        {SECRET: SECRET},
    ],
)
def test_a_wrong_secret_is_told_without_its_value(url: Any) -> None:
    assert SECRET not in the_line(good(source_url=url))
    entry = {"pgbouncer": {"admin": [url], "database": "d"}}
    line = the_line(good(endpoints=[entry]))
    assert line.startswith("reforge:endpoints[0].pgbouncer.admin[0]: is not ")
    assert SECRET not in line


def test_a_doubled_entry_is_told_without_its_secrets() -> None:
    entry = {"pgbouncer": {"admin": CONSOLE, "database": "d"}}
    assert SECRET not in the_line(good(endpoints=[entry, entry]))


def test_a_wrong_password_of_a_supervisor_is_told_without_its_value() -> None:
    entry = {"supervisor": {"server": "unix:///s", "group": "etl", "password": [SECRET]}}
    line = the_line(good(writers=[entry]))
    assert (
        line
        == "reforge:writers[0].supervisor.password: is not text; set it with `pulumi config set --secret`"
    )


def test_a_value_that_pulumi_has_encrypted_is_a_right_secret() -> None:
    config = parse(good(source_url={"secure": "v1:AAAB:CCCD"}))
    assert config.source_url.secure == "v1:AAAB:CCCD"


def test_nothing_is_called_near_that_does_not_look_like_it() -> None:
    assert nearest("zzz", ["writing", "serving"]) == ""
    assert nearest("servin", ["writing", "serving"]) == "; did you mean serving?"
