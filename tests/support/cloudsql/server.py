"""A Cloud SQL Admin API on loopback: real HTTP, each request held against Google's discovery document."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

from tests.support.cloudsql import answers, discovery
from tests.support.cloudsql.admin import Admin
from tests.support.cloudsql.answers import Record, Refused

TOKEN = "ya29.token-of-a-test"
READING = ("get", "list", "getLatestRecoveryTime")
"""The last part of the id of a method that changes nothing."""


@dataclass(frozen=True)
class Call:
    """A request as Google would have received it."""

    method: str
    path: dict[str, str]
    query: dict[str, str]
    body: Record

    @property
    def changes(self) -> bool:
        return not self.method.endswith(READING)


@dataclass
class CloudSql:
    """The running fake: its state, what it was asked in that order, and what it is to refuse."""

    admin: Admin
    url: str = ""
    recorded: list[Call] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What the discovery document does not allow; a test expects none."""
    faults: list[tuple[str, Refused]] = field(default_factory=list)

    def fails(self, method: str, refusal: Refused, times: int = 1) -> None:
        """Let the next ``times`` calls of a method fail."""
        self.faults += [(method, refusal)] * times

    def touched(self, original: str) -> list[Call]:
        """The calls that change something and name the original as anything but where to clone from."""
        changing = [call for call in self.recorded if call.changes and call.method != "sql.instances.clone"]
        return [call for call in changing if call.path.get("instance") == original]

    def answer(self, call: Call) -> Record:
        for fault in self.faults:
            if fault[0] == call.method:
                self.faults.remove(fault)
                raise fault[1]
        return self._does(call)

    def _does(self, call: Call) -> Record:
        here = self.admin
        doing: dict[str, Callable[..., Record]] = {
            "sql.instances.get": here.get,
            "sql.instances.list": here.list,
            "sql.instances.insert": here.insert,
            "sql.instances.clone": here.clone,
            "sql.instances.restoreBackup": here.restore_backup,
            "sql.instances.update": here.update,
            "sql.instances.patch": here.patch,
            "sql.instances.promoteReplica": here.promote,
            "sql.instances.delete": here.delete,
            "sql.backupRuns.list": here.backup_runs,
            "sql.backupRuns.get": here.backup,
            "sql.projects.instances.getLatestRecoveryTime": here.window,
            "sql.tiers.list": here.tiers,
            "sql.operations.get": here.operation,
            "sql.operations.list": here.operation_list,
        }
        given = {name: value for name, value in {**call.path, **call.query}.items() if name != "alt"}
        return doing[call.method](**given, **({"body": call.body} if call.body else {}))


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    here: CloudSql

    def _serve(self) -> None:
        try:
            self._say(200, self._answer())
        except Refused as refused:
            self._say(refused.status, refused.document)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _answer(self) -> Record:
        parts, length = urlsplit(self.path), int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise answers.EXPIRED
        method, query = discovery.route(self.command, parts.path), dict(parse_qsl(parts.query))
        if method is None:
            self.here.wrong.append(f"{self.command} {parts.path} is no method")
            raise Refused(404, "notFound", "Not found")
        wrong = discovery.complaints(method, query, body)
        if wrong:
            self.here.wrong += [f"{method.id}: {line}" for line in wrong]
            raise answers.invalid("; ".join(wrong))
        call = Call(method.id, method.path, query, body)
        self.here.recorded.append(call)
        return self.here.answer(call)

    def _say(self, status: int, document: Record) -> None:
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def cloud_sql(admin: Admin) -> Iterator[CloudSql]:
    """A running one; this process and its children find it by their environment."""
    here = CloudSql(admin)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"here": here}))
    server.daemon_threads = True
    here.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    found = {"GOOGLE_SQL_CUSTOM_ENDPOINT": here.url, "GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN}
    try:
        with mock.patch.dict(os.environ, found):
            yield here
        assert here.wrong == [], "every request is one that the discovery document allows"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
