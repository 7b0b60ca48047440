"""Does the application answer on the restored database?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
from psycopg.rows import dict_row
from pydantic import Field, model_validator

from problem import Problem
from toolchain.ports import free_port
from validation.check import Check, Result, judged
from validation.context import Context
from validation.programs import Program, Running, running, wait_for
from validation.values import Duration, Part, in_units

_SHOWN = 200  # characters of an answer that a complaint quotes


class Start(Program):
    """A staging instance of the API for the time of the check, on a free port that ``port-variable`` names.

    ``{port}`` in the command becomes the port as well. It must listen on 127.0.0.1 and answer ``ready`` with
    200 within ``timeout``.
    """

    port_variable: str = "PORT"
    ready: str = Field("/", pattern="^/")
    timeout: Duration = timedelta(seconds=30)


class Request(Part):
    """One GET and its expected answer. ``json`` is the part of the answer that matters.

    ``with`` is a query whose first row fills the names in braces:
    ``{get: "/summary/{namecode}", with: SELECT namecode FROM users LIMIT 1}``.
    """

    get: str = Field(pattern="^/")
    status: int = Field(200, ge=100, le=599)
    json_: Any = None
    with_: str | None = None
    timeout: Duration = timedelta(seconds=10)


class Http(Check):
    """``- http: {start: {...}, requests: [...]}``, or ``url:`` of an API that runs already.

    The started API gets the restored database with read-only sessions, unless the suite says ``write: true``.
    """

    requests: list[Request] = Field(min_length=1)
    url: str | None = Field(None, pattern="^https?://")
    start: Start | None = None
    write: bool = False

    @model_validator(mode="after")
    def _one_api(self) -> Http:
        if (self.url is None) == (self.start is None):
            raise ValueError("needs either url (an API that runs) or start (how to start one)")
        return self

    def run(self, context: Context) -> Result:
        paths = [_filled(request, context) for request in self.requests]
        with self._api(context) as base, httpx.Client(base_url=base, trust_env=self.start is None) as client:
            answers = [_answer(client, *pair) for pair in zip(self.requests, paths, strict=True)]
        return judged(
            f"{len(answers)} requests to {'a staging API' if self.start else self.url}",
            [complaint for _, complaints in answers for complaint in complaints],
            {"requests": [seen for seen, _ in answers]},
        )

    @contextmanager
    def _api(self, context: Context) -> Iterator[str]:
        if self.start is None:
            yield self.url or ""
            return
        port = free_port()
        command = [argument.replace("{port}", str(port)) for argument in self.start.command]
        program = self.start.model_copy(update={"command": command})
        url = context.url_for_program(writing=self.write)
        with running(program, url, **{self.start.port_variable: str(port)}) as api:
            base = f"http://127.0.0.1:{port}"
            _await_ready(api, self.start, base)
            yield base


def _await_ready(api: Running, start: Start, base: str) -> None:
    last = "no answer"

    def ready() -> bool:
        nonlocal last
        try:
            last = f"status {httpx.get(base + start.ready, timeout=2, trust_env=False).status_code}"
        except httpx.HTTPError as error:
            last = str(error) or type(error).__name__
        return last == "status 200" or api.exit_code is not None

    in_time = wait_for(ready, start.timeout.total_seconds())
    if api.exit_code is not None:
        raise Problem("api-ended", f"the staging API ended while it started: {api.ended()}")
    if not in_time:
        waited = f"GET {start.ready} did not give 200 within {in_units(start.timeout)}"
        raise Problem("api-not-ready", f"{waited} ({last}); the API's last lines: {' | '.join(api.log[-5:])}")


def _filled(request: Request, context: Context) -> str | None:
    """The path with values from the ``with`` query; None when the query has no row."""
    if request.with_ is None:
        return request.get
    with context.database.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(request.with_.encode(), prepare=True).fetchone()
    if row is None:
        return None
    return re.sub(r"\{(\w+)\}", lambda found: _value(row, found[1]), request.get)


def _value(row: dict[str, Any], name: str) -> str:
    if name not in row:
        raise Problem("value-missing", f"the `with` query has no column {name}, only {', '.join(row)}")
    return quote(str(row[name]), safe="")


def _answer(client: httpx.Client, request: Request, path: str | None) -> tuple[dict[str, Any], list[str]]:
    """What was seen, and what is wrong with it."""
    if path is None:
        return {"get": request.get, "status": None}, [f"GET {request.get}: no row from `{request.with_}`"]
    try:
        answer = client.get(path, timeout=request.timeout.total_seconds())
    except httpx.HTTPError as error:
        return {"get": path, "status": None}, [f"GET {path}: {error or type(error).__name__}"]
    seen = {"get": path, "status": answer.status_code}
    return seen, [f"GET {path}: {wrong}" for wrong in _wrong(answer, request)]


def _wrong(answer: httpx.Response, request: Request) -> list[str]:
    if answer.status_code != request.status:
        return [f"status {answer.status_code}, expected {request.status}: {answer.text[:_SHOWN]}"]
    if "json_" not in request.model_fields_set:
        return []
    try:
        return list(_differences(request.json_, answer.json(), "answer"))
    except ValueError:
        return [f"the answer is not JSON: {answer.text[:_SHOWN]}"]


def _differences(expected: Any, actual: Any, path: str) -> Iterator[str]:
    """Where ``actual`` lacks or contradicts ``expected``; keys that were not asked for do not matter."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if key in actual:
                yield from _differences(value, actual[key], f"{path}.{key}")
            else:
                yield f"{path}.{key} is missing"
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for number, (value, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _differences(value, other, f"{path}[{number}]")
    elif expected != actual or isinstance(expected, bool) != isinstance(actual, bool):
        yield f"{path} is {actual!r}, expected {expected!r}"
