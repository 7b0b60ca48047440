"""The YAML suite: what is read, and what is said about everything that is wrong with it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from problem import Misuse
from validation.checks import kinds
from validation.checks.etl import Etl
from validation.checks.row_counts import RowCounts
from validation.suite import load, parse, standard

GOOD = """
name: starforge
statement-timeout: 2m
checks:
- connectivity
- row-counts:
    name: essential tables
    tables:
      users: {at-least: 1000}
      hero_snapshots: {within: 5%}
- etl:
    write: true
    worker: {command: [python, worker.py]}
    insert: INSERT INTO hero_snapshots DEFAULT VALUES RETURNING id
    expect: SELECT processed_at IS NOT NULL FROM hero_snapshots WHERE id = %(id)s
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(Misuse) as caught:
        parse(text)
    assert caught.value.name == "suite-wrong"
    return caught.value.what.splitlines()[1:]


def one(check: str) -> str:
    found = complaints(f"name: x\nchecks:\n- {check}\n")
    assert len(found) == 1, found
    return found[0]


def test_every_file_of_the_folder_is_a_kind() -> None:
    files = Path(__file__).parents[3].joinpath("validation", "checks").glob("[a-z]*.py")
    assert set(kinds()) == {file.stem.replace("_", "-") for file in files}
    assert {"connectivity", "row-counts", "references", "http", "etl"} <= set(kinds())


def test_a_suite_is_read_with_units_and_a_digest_of_its_text() -> None:
    suite = parse(GOOD)
    assert suite.name == "starforge"
    assert suite.statement_timeout == timedelta(minutes=2)
    assert [check.kind for check in suite.checks] == ["connectivity", "row-counts", "etl"]
    assert suite.digest == "sha256:" + hashlib.sha256(GOOD.encode()).hexdigest()
    counts, etl = suite.checks[1], suite.checks[2]
    assert isinstance(counts, RowCounts)
    assert counts.tables["hero_snapshots"].within == 0.05
    assert isinstance(etl, Etl)
    assert etl.writing
    assert not counts.writing


def test_every_wrong_value_is_reported_at_once() -> None:
    found = complaints("""
name: x
statment-timeout: 2m
checks:
- conectivity
- row-counts: {tables: {users: {at-last: 3}, troops: {within: 5}}}
- newest: {table: a.b.c, column: created_at, within: 10}
- [1]
""")
    assert [line.split(":")[0] for line in found] == [
        "statment-timeout",
        "checks[0]",
        "checks[1].row-counts.tables.users.at-last",
        "checks[1].row-counts.tables.troops.within",
        "checks[2].newest.table",
        "checks[2].newest.within",
        "checks[3]",
    ]
    assert found[0].endswith("did you mean statement-timeout?")
    assert found[1].endswith("did you mean connectivity?")
    assert "allowed: at-least, at-most, estimate, exactly, within" in found[2]
    assert found[2].endswith("did you mean at-least?")
    assert found[3].endswith("must be a percentage from 0% to 100%, such as 5%, not 5")
    assert "must be a name such as users or public.users" in found[4]
    assert found[5].endswith("must be a duration with its unit, such as 30s, 10m or 1h30m, not 10")


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (
            "write: {insert: i, read: r}",
            "write.write: missing; this check writes to the database, and the suite must say `write: true`",
        ),
        ("write: {write: false, insert: i, read: r}", "checks[0].write.write: must be true, not False"),
        ("sql: {query: SELECT 1, expect: 1}", "checks[0].sql.name: missing"),
        (
            "sql: {name: a, query: SELECT 1}",
            "checks[0].sql: needs either expect (a value) or bounds (of a number)",
        ),
        ("http: {requests: [{get: /}]}", "checks[0].http: needs either url"),
        ("http: {url: 'http://a', requests: [{get: /, statsu: 1}]}", "did you mean status?"),
        ("http: {start: {command: [a], redy: /}, requests: [{get: /}]}", "did you mean ready?"),
        ("schema: {number-of-tables: {at_least: 1}}", "did you mean at-least?"),
        ("row-counts: {tables: {users: {}}}", "users: expects nothing"),
        ("row-counts: {tables: {users: {at-least: 4, at-most: 2}}}", "has at-least above at-most"),
        ("row-counts: {tables: {users: {at-least: 4, exactly: 2}}}", "takes either exactly, or"),
        (
            "row-counts: {tables: {'a.b.c': {exactly: 2}}}",
            "checks[0].row-counts.tables.a.b.c: must be a name",
        ),
        ("references: {foreign-keys: [a.b]}", "references.foreign-keys[0]: must be a name such as user_id"),
        ("http: {url: 3, requests: [{get: /}]}", "http.url: must be text, not 3"),
        ("http: {url: 'http://a', requests: [{get: x}]}", "http.requests[0].get: must match ^/, not 'x'"),
        ("http: {url: 'http://a', requests: {a: 1}}", "http.requests: must be a list"),
        ("etl: 5", "checks[0].etl: must be a mapping, not 5"),
        ("row-counts: {tables: {users: {exactly: many}}}", "exactly: must be a whole number, not 'many'"),
        ("row-counts: {tables: {users: {exactly: -1}}}", "greater than or equal to 0, not -1"),
        ("row-counts: {tables: {users: {exactly: 1, estimate: 7}}}", "must be true or false, not 7"),
        ("references: {foreign-keys: some}", "must be all, none or a list of foreign keys' names"),
        ("references: {also: [{from: user_id, to: users.id}]}", "must name the table and its column"),
        ("newest: {table: a, column: b, within: 0s}", "must be longer than nothing"),
        ("etl: {write: true, worker: {command: []}, insert: i, expect: e}", "worker.command: "),
        ("etl: {write: true, worker: {command: [a]}, insert: i, expect: e, fatal: '('}", "fatal: "),
    ],
)
def test_a_wrong_value_is_named_with_its_path(check: str, said: str) -> None:
    assert said in one(check)


_WORDS = st.sampled_from(
    [*kinds(), "name", "checks", "tables", "write", "start", "worker", "5%", "10m", "a.b"]
)
_VALUES = st.recursive(
    st.one_of(
        _WORDS, st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.floats(allow_nan=True)
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=12,
)
_KEYS = sorted({field.alias or "" for kind in kinds().values() for field in kind.model_fields.values()})
_CHECKS = st.dictionaries(
    st.sampled_from(sorted(kinds())),
    st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=4),
    min_size=1,
    max_size=1,
)


@given(
    st.one_of(_VALUES, st.fixed_dictionaries({"name": st.just("x"), "checks": st.lists(_CHECKS, min_size=1)}))
)
@settings(deadline=None)
def test_any_document_is_a_suite_or_a_message(document: object) -> None:
    said = ""
    try:
        parse(yaml.safe_dump(document))
    except Misuse as misuse:
        said = misuse.what
    assert said == "" or "checks" in said or "name" in said


def test_a_file_without_its_class_is_named_to_the_one_who_adds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("validation.checks.row_counts.RowCounts")
    kinds.cache_clear()
    try:
        with pytest.raises(TypeError, match=r"checks/row_counts\.py must define a Check named RowCounts"):
            kinds()
    finally:
        kinds.cache_clear()


def test_a_key_that_is_no_word_is_refused() -> None:
    with pytest.raises(Misuse, match="line 1"):
        parse("{[1]: 2}")


def test_a_key_that_is_there_twice_is_no_silent_loss() -> None:
    with pytest.raises(Misuse, match="line 4: the key users is there twice"):
        parse("name: x\nchecks:\n- row-counts: {tables: {users: {exactly: 1},\n    users: {exactly: 2}}}\n")


@pytest.mark.parametrize(
    "text", ["- connectivity", "", "name: x", "name: x\nchecks: []", "name: x\nchecks: 3"]
)
def test_something_else_than_a_suite_is_refused(text: str) -> None:
    assert complaints(text)


def test_text_that_is_no_yaml_names_the_line() -> None:
    with pytest.raises(Misuse, match="line 2"):
        parse("name: x\nchecks: [")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"none\.yaml cannot be read: No such file"):
        load(tmp_path / "none.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(Misuse, match="not UTF-8"):
        load(binary)


def test_a_file_is_named_in_its_complaints(tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text("name: x\nchecks: [nothing]")
    with pytest.raises(Misuse, match=r"suite\.yaml is wrong"):
        load(file)


def test_the_standard_suite_reads_only() -> None:
    assert standard().checks[0].kind == "connectivity"
    assert not any(check.writing for check in standard().checks)
