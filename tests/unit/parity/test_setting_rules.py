"""What a difference of a setting means, whichever way it goes."""

from __future__ import annotations

import pytest

from validation.parity.aspects.settings import in_words
from validation.parity.setting_rules import is_ignored, judge

# name, a value, another one; whether the second instead of the first is a gate, and the reverse.
RULES = [
    ("max_connections", "100", "50", True, False),
    ("max_prepared_transactions", "10", "0", True, False),
    ("max_locks_per_transaction", "256", "64", True, False),
    ("max_wal_senders", "10", "2", True, False),
    ("work_mem", "65536", "4096", True, False),
    ("work_mem", "65536", "40000", False, False),
    ("shared_buffers", "1048576", "16384", True, False),
    ("statement_timeout", "0", "5000", True, False),
    ("temp_file_limit", "-1", "1024", True, False),
    ("lock_timeout", "60000", "1000", True, False),
    ("wal_level", "logical", "replica", True, False),
    ("synchronous_commit", "on", "off", True, False),
    ("synchronous_commit", "remote_apply", "on", True, False),
    ("ssl", "on", "off", True, False),
    ("fsync", "on", "off", True, False),
    ("zero_damaged_pages", "off", "on", True, False),
    ("track_commit_timestamp", "on", "off", True, False),
    ("search_path", '"$user", public', "public", True, True),
    ("TimeZone", "UTC", "Asia/Tokyo", True, True),
    ("default_transaction_isolation", "serializable", "read committed", True, True),
    ("shared_preload_libraries", "pg_stat_statements,auto_explain", "auto_explain", True, False),
    ("shared_preload_libraries", "pg_cron,auto_explain", "auto_explain", False, False),
    ("shared_preload_libraries", 'pg_cron, "$libdir/audit"', "", True, False),
    ("random_page_cost", "1.1", "4", False, False),
    ("archive_mode", "on", "off", False, False),
    ("log_min_duration_statement", "0", "-1", False, False),
]


@pytest.mark.parametrize(("name", "one", "other", "there", "back"), RULES)
def test_each_way_is_weighed_for_itself(name: str, one: str, other: str, there: bool, back: bool) -> None:
    assert (judge(name, one, other).severity == "gate") is there
    assert (judge(name, other, one).severity == "gate") is back


def test_what_is_missing_is_named() -> None:
    assert "audit" in judge("shared_preload_libraries", "audit,pg_cron", "").why
    held = judge("shared_preload_libraries", "pg_cron", "")
    assert held.why.startswith("Expected: pg_cron")
    assert held.cure == "Once it serves, load it again and restart."


@pytest.mark.parametrize(
    "name", ["port", "listen_addresses", "data_directory", "hba_file", "recovery_target_time", "ssl_key_file"]
)
def test_what_a_restore_must_change_is_no_difference(name: str) -> None:
    assert is_ignored(name)


@pytest.mark.parametrize(
    "name", ["max_connections", "ssl_min_protocol_version", "archive_mode", "search_path"]
)
def test_what_an_application_meets_is_one(name: str) -> None:
    assert not is_ignored(name)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        ("65536", "kB", "64MB"),
        ("16384", "8kB", "128MB"),
        ("100", "kB", "100kB"),
        ("60000", "ms", "1min"),
        ("1500", "ms", "1500ms"),
        ("0", "ms", "0"),
        ("-1", "kB", "-1"),
        ("1024", "MB", "1GB"),
        ("40", None, "40"),
        (None, None, ""),
        ("on", None, "on"),
    ],
)
def test_values_are_shown_in_the_largest_unit(value: str | None, unit: str | None, words: str) -> None:
    assert in_words(value, unit) == words
