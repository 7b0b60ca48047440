"""The settings of a restored instance, as text."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from archive.targets import Kind, Target
from dbrestore.postgres import settings
from tests.support.ground import wait_until

VALUES = some.text(some.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=30)
NAMES = some.from_regex(r"[a-z][a-z_]{0,12}", fullmatch=True)


@given(NAMES, VALUES)
def test_a_value_that_is_written_is_read_back(name: str, value: str) -> None:
    assert settings.value_of([settings.merged("", {name: value})], name) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [("it's", "'it''s'"), ("a\\b", "'a\\\\b'"), ("", "''"), ("5", "'5'"), ("#no comment", "'#no comment'")],
)
def test_a_value_is_quoted_as_the_server_reads_it(value: str, written: str) -> None:
    assert settings.quoted(value) == written


@given(some.dictionaries(NAMES, VALUES, max_size=5), some.dictionaries(NAMES, VALUES, max_size=5))
def test_overrides_win_once_and_everything_else_stays(old: dict[str, str], new: dict[str, str]) -> None:
    text = settings.merged(settings.merged("# kept\n", old), new)
    lines = text.removesuffix("\n").split("\n")
    assert lines[0] == "# kept"
    assert len(lines) == 1 + len(old | new)
    assert {line.split(" = ")[0] for line in lines[1:]} == set(old | new)
    for name, value in new.items():
        assert f"{name} = {settings.quoted(value)}" in lines


@pytest.mark.parametrize("line", ["PORT = 5", "port=5", "  port 5", "Port='5'"])
def test_a_setting_is_known_in_every_spelling(line: str) -> None:
    assert settings.merged(line + "\n", {"port": "6"}) == "port = '6'\n"


def test_a_name_that_only_begins_alike_is_another_setting() -> None:
    assert settings.merged("port_range = 5\n", {"port": "6"}) == "port_range = 5\nport = '6'\n"


def test_nothing_of_a_recovery_stays() -> None:
    text = (
        "# a comment\nport = '5'\nrecovery_target_time = 'x'\nRestore_Command = 'cp'\nrecovery_target = ''\n"
    )
    assert settings.without(text, ("recovery_target", "restore_command")) == "# a comment\nport = '5'\n"


@pytest.mark.parametrize(
    ("files", "value"),
    [
        ([], ""),
        (["#shared_preload_libraries = 'a'"], ""),
        (["shared_preload_libraries = 'a, b' # why"], "a, b"),
        (["shared_preload_libraries=a"], "a"),
        (["Shared_Preload_Libraries = 'a'\nshared_preload_libraries = 'b'"], "b"),
        (["shared_preload_libraries = 'b'", "shared_preload_libraries 'c'"], "c"),
        (["shared_preload_libraries = 'x''y'"], "x'y"),
        (["shared_preload_libraries = 'a'", "shared_preload_libraries = ''"], ""),
        (["shared_preload_libraries_x = 'a'"], ""),
    ],
)
def test_the_last_value_counts(files: list[str], value: str) -> None:
    assert settings.value_of(files, "shared_preload_libraries") == value


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (("snapshot", "monday"), {"recovery_target": "immediate"}),
        (("latest",), {}),
        (
            ("time", "2025-12-03T15:23:00.5+01:00"),
            {
                "recovery_target_time": "2025-12-03 14:23:00.500000+00",
                "recovery_target_inclusive": "on",
            },
        ),
        (
            ("lsn", "0/15000a8", False),
            {"recovery_target_lsn": "0/15000A8", "recovery_target_inclusive": "off"},
        ),
        (("xid", "731"), {"recovery_target_xid": "731", "recovery_target_inclusive": "on"}),
        (("name", "before"), {"recovery_target_name": "before", "recovery_target_inclusive": "on"}),
    ],
)
def test_each_target_has_its_settings_and_recovery_pauses_there(
    target: tuple[Kind, str, bool], expected: dict[str, str]
) -> None:
    always = {"recovery_target_timeline": "3", "recovery_target_action": "pause"}
    assert settings.recovery_target(Target(*target), 3) == always | expected


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("folder", ["wal", "with space", "it's", "100%"])
def test_the_restore_command_brings_a_segment_and_fails_where_there_is_none(
    tmp_path: Path, folder: str, writable: bool
) -> None:
    archive = tmp_path / folder
    archive.mkdir()
    (archive / "0001").write_text("segment")
    template = settings.restore_command(archive, writable)

    def asked(segment: str) -> int:
        # what the server does with the command: %f, %p and %% (manual, "Archive Recovery")
        parts = template.split("%%")
        command = "%".join(part.replace("%f", segment).replace("%p", "pg_wal/R") for part in parts)
        return subprocess.run(["sh", "-c", command], cwd=tmp_path, stderr=subprocess.DEVNULL).returncode

    (tmp_path / "pg_wal").mkdir()
    (tmp_path / settings.UNREAD).mkdir()
    assert asked("0002") != 0
    assert not (tmp_path / "pg_wal" / "R").is_symlink()
    assert asked("0001") == 0
    assert asked("0001") == 0, "the server may ask for a segment twice"
    brought = tmp_path / "pg_wal" / "R"
    assert brought.read_text() == "segment"
    assert brought.is_symlink() == writable


def test_what_is_linked_in_pg_wal_already_is_left_to_the_server(tmp_path: Path) -> None:
    """It looks there once the command has failed; a status over 125 would end recovery."""
    (tmp_path / "wal").mkdir()
    (tmp_path / "pg_wal").mkdir()
    (tmp_path / settings.UNREAD).mkdir()
    (tmp_path / "wal" / "0001").write_text("segment")
    (tmp_path / "pg_wal" / "0001").symlink_to(tmp_path / "wal" / "0001")
    command = settings.restore_command(tmp_path / "wal", writable=True)
    command = command.replace("%f", "0001").replace("%p", "pg_wal/R")
    assert subprocess.run(["sh", "-c", command], cwd=tmp_path).returncode == 1
    assert os.listdir(tmp_path / "pg_wal") == ["0001"]


@pytest.mark.parametrize("writable", [True, False])
def test_a_segment_that_was_not_read_yet_is_waited_for(tmp_path: Path, writable: bool) -> None:
    for name in ("wal", "pg_wal", settings.UNREAD):
        (tmp_path / name).mkdir()
    (tmp_path / "wal" / "0001").write_text("segment")
    (tmp_path / settings.UNREAD / "0001").touch()
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")
    command = settings.restore_command(tmp_path / "wal", writable)
    command = command.replace("%f", "0001").replace("%p", "pg_wal/R")
    with subprocess.Popen(["sh", "-c", command], cwd=tmp_path) as asking:
        time.sleep(0.2)
        assert asking.poll() is None
        assert not os.listdir(tmp_path / "pg_wal")
        (tmp_path / settings.UNREAD / "0001").unlink()
        assert asking.wait(10) == 0
    assert (tmp_path / "pg_wal" / "R").read_text() == "segment"


def test_nothing_is_brought_where_nobody_can_tell_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "0001").write_text("segment")
    command = settings.restore_command(tmp_path, writable=True).replace("%f", "0001").replace("%p", "R")
    assert subprocess.run(["sh", "-c", command], cwd=tmp_path).returncode == 200
    assert not (tmp_path / "R").exists()


def test_the_command_ends_with_the_server_that_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / settings.UNREAD).mkdir()
    (tmp_path / settings.UNREAD / "0001").touch()
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n")
    command = settings.restore_command(tmp_path, writable=True).replace("%f", "0001")
    server = (
        "import subprocess, sys, time\n"
        "asking = subprocess.Popen(['sh', '-c', sys.argv[1]], stdout=subprocess.DEVNULL)\n"
        "time.sleep(0.2)\n"
        "print(asking.pid)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", server, command], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    asking = Path(f"/proc/{int(ran.stdout)}")
    wait_until(
        lambda: not asking.exists() or ") Z " in (asking / "stat").read_text(), what="the command's end"
    )


def test_quarantine_cuts_every_tie_to_the_original(tmp_path: Path) -> None:
    found = settings.quarantine(tmp_path, "")
    assert found["archive_mode"] == "off"
    assert found["max_logical_replication_workers"] == "0"
    cut = ("archive_command", "primary_conninfo", "primary_slot_name", "synchronous_standby_names",
           "recovery_end_command", "archive_cleanup_command")  # fmt: skip
    assert {found[name] for name in cut} == {""}
    assert (found["data_directory"], found["hba_file"]) == (str(tmp_path), str(tmp_path / "reforge_hba.conf"))


@pytest.mark.parametrize(
    ("libraries", "kept"),
    [
        ("", ""),
        ("pg_cron", ""),
        ("pg_stat_statements, pg_cron", "pg_stat_statements"),
        ('auto_explain,"pg_cron", timescaledb', "auto_explain,timescaledb"),
    ],
)
def test_libraries_that_act_by_themselves_are_not_loaded(tmp_path: Path, libraries: str, kept: str) -> None:
    assert settings.quarantine(tmp_path, libraries)["shared_preload_libraries"] == kept


def test_operators_come_before_the_application_and_nobody_else_comes() -> None:
    text = settings.hba(["203.0.113.7/32"], settings.application_lines(None, ["10.0.0.0/8"]))
    rules = [line.split("#")[0].split() for line in text.splitlines() if not line.startswith("#")]
    assert rules == [
        ["local", "all", "all", "trust"],
        ["host", "all", "all", "203.0.113.7/32", "md5"],
        ["host", "all", "all", "10.0.0.0/8", "md5"],
    ]


def test_the_originals_own_rules_are_taken_but_for_replication_and_its_socket() -> None:
    original = """
    # TYPE DATABASE USER ADDRESS METHOD
    local   all all peer
    host    replication all 10.0.0.0/8 scram-sha-256
    hostssl starforge app 10.0.0.0/8 scram-sha-256
      host all all 127.0.0.1/32 trust
    hostile
    """
    assert settings.application_lines(original, ["0.0.0.0/0"]) == [
        "hostssl starforge app 10.0.0.0/8 scram-sha-256",
        "host all all 127.0.0.1/32 trust",
    ]
