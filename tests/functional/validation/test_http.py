"""The API smoke test: a real server process on the restored database."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.functional.validation.conftest import StarForge
from tests.support.servers import free_port, wait_until
from validation.programs import Program, running

API = Path(__file__).with_name("api.py")
OURS = f"--of-test-process={os.getpid()}"
HEALTH = {"get": "/api/health", "json": {"status": "ok"}}
SUMMARY = {
    "get": "/api/v1/profile/summary/{namecode}",
    "with": "SELECT namecode FROM users ORDER BY id LIMIT 1",
    "json": {"name 1": 1},
}


def http(*requests: dict[str, Any], start: dict[str, Any] | None = None, **more: Any) -> str:
    """The check in JSON, which is YAML."""
    started = {"command": [sys.executable, str(API), OURS], "ready": "/api/health", **(start or {})}
    return json.dumps({"http": {"requests": requests, "start": started, **more}})


def processes() -> list[str]:
    """The API's processes that this process's tests have started and that are alive."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if OURS in (folder / "cmdline").read_text():
                found.append(folder.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def test_a_staging_api_answers_on_the_restored_database_and_is_gone_afterwards(starforge: StarForge) -> None:
    starforge.execute("INSERT INTO user_profile_summary VALUES (1, 1)")
    found = starforge.passes(http(HEALTH, SUMMARY))
    assert found.summary == "2 requests to a staging API"
    assert found.facts["requests"][1] == {"get": "/api/v1/profile/summary/name%201", "status": 200}
    assert processes() == []


def test_every_wrong_answer_is_named(starforge: StarForge) -> None:
    said = starforge.failure(
        http(
            {"get": "/api/health", "json": {"status": "fine", "load": 1, "version": [1, 3]}},
            {"get": "/api/v1/profile/summary/nobody"},
            {"get": "/text", "json": {}},
            {"get": "/summary/{namecode}", "with": "SELECT namecode FROM users WHERE false"},
        )
    )
    assert said.splitlines() == [
        "GET /api/health: answer.status is 'ok', expected 'fine'",
        "GET /api/health: answer.load is missing",
        "GET /api/health: answer.version[1] is 2, expected 3",
        'GET /api/v1/profile/summary/nobody: status 404, expected 200: {"error": "no such user"}',
        "GET /text: the answer is not JSON: hello",
        "GET /summary/{namecode}: no row from `SELECT namecode FROM users WHERE false`",
    ]
    assert processes() == []


def test_the_staging_api_cannot_write_unless_the_suite_says_so(starforge: StarForge) -> None:
    write = {"get": "/api/write"}
    assert "disconnected" in starforge.failure(http(write))
    assert starforge.execute("SELECT count(*) FROM user_troops WHERE troop_id = 100") == [(0,)]
    starforge.passes(http(write, write=True))
    assert starforge.execute("SELECT count(*) FROM user_troops WHERE troop_id = 100") == [(1,)]


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("crash", r"the staging API ended while it started: exit code 1; .*no such setting: LEVEL"),
        ("deaf", r"GET /api/health did not give 200 within 0.5s \(.*refused\)"),
    ],
)
def test_an_api_that_does_not_come_up_is_told_with_its_reason_and_ended(
    starforge: StarForge, mode: str, said: str
) -> None:
    start = {"environment": {"MODE": mode}, "timeout": "500ms" if mode == "deaf" else "30s"}
    assert re.search(said, starforge.failure(http(HEALTH, start=start)))
    assert processes() == []


def test_the_port_can_be_an_argument_and_a_missing_program_is_named(starforge: StarForge) -> None:
    shell = ["/bin/sh", "-c", f'PORT=$1 exec "$2" {API}', "sh", "{port}", sys.executable]
    starforge.passes(http(HEALTH, start={"command": shell, "port-variable": "UNUSED"}))
    said = starforge.failure(http(HEALTH, start={"command": ["/no/such/api"]}))
    assert said.startswith("/no/such/api could not be started")


def test_a_value_that_the_query_does_not_give_is_named(starforge: StarForge) -> None:
    said = starforge.failure(http({"get": "/{nmaecode}", "with": "SELECT 1 AS namecode"}))
    assert said == "the `with` query has no column nmaecode, only namecode"


def test_an_api_that_runs_already_is_asked_by_its_url(starforge: StarForge) -> None:
    port = free_port()
    check = json.dumps({"http": {"url": f"http://127.0.0.1:{port}", "requests": [HEALTH]}})
    assert starforge.failure(check) == "GET /api/health: [Errno 111] Connection refused"
    program = Program(command=[sys.executable, str(API)])
    with running(program, starforge.url, PORT=str(port)):
        wait_until(lambda: starforge.verdict(check).outcome == "passed")
