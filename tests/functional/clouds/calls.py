"""What a handler asks of a cloud, call by call, and others or a kill in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import botocore.client

from dbrestore.handler import Context

HERE = Context("urn:pulumi:test::reforge::dbrestore:test:Value::one")


class Killed(BaseException):
    """What ends a process midway."""


def killed(_asked: dict[str, Any]) -> None:
    raise Killed


@contextmanager
def calls(
    before: dict[str, Callable[[dict[str, Any]], Any]] | None = None,
    after: dict[str, Callable[[dict[str, Any]], Any]] | None = None,
) -> Iterator[list[str]]:
    """The names of the calls that are made; ``before`` and ``after`` the first of a name, do something."""
    made: list[str] = []
    waiting = {"before": dict(before or {}), "after": dict(after or {})}
    original = botocore.client.BaseClient._make_api_call

    def recorded(client: Any, name: str, asked: dict[str, Any]) -> Any:
        made.append(name)
        if act := waiting["before"].pop(name, None):
            act(asked)
        answer = original(client, name, asked)
        if act := waiting["after"].pop(name, None):
            act(asked)
        return answer

    with mock.patch.object(botocore.client.BaseClient, "_make_api_call", recorded):
        yield made
