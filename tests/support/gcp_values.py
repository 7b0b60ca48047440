"""Secret Manager and Cloud DNS on loopback: real HTTP, each request held against Google's documents."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, unquote, urlsplit

Record = dict[str, Any]


def packed(text: str) -> str:
    """A secret's text as the API has it."""
    return base64.b64encode(text.encode()).decode()


class Status(Exception):
    """An answer that is no success."""


@dataclass
class Google:
    """Both services; ``recorded`` are the methods that were called, ``wrong`` what no document allows."""

    secrets: dict[str, list[str]] = field(default_factory=dict)
    """Base64 payloads by the secret's whole name, version 1 first."""
    aliases: dict[str, dict[str, str]] = field(default_factory=dict)
    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    recorded: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What others do just before the first call of a method is answered."""
    refusing: int = 0
    """A status that every call gets, where not 0."""
    pending: int = 0
    """How many questions a DNS change takes until it is done."""
    etag: int = 0

    def answer(self, method: str, path: Record, query: Record, body: Record) -> Record:
        self.recorded.append(method)
        if act := self.before.pop(method, None):
            act()
        if self.refusing:
            raise Status(self.refusing)
        return _ANSWERS[method](self, {**path, **query}, body)

    def get(self, asked: Record, _body: Record) -> Record:
        name = asked["name"]
        if name not in self.secrets:
            raise Status(404)
        return {"name": name, "etag": str(self.etag), "versionAliases": self.aliases.get(name, {})}

    def patch(self, asked: Record, body: Record) -> Record:
        if body["etag"] != str(self.etag):
            raise Status(412)
        self.aliases[asked["name"]], self.etag = body["versionAliases"], self.etag + 1
        return {}

    def add(self, asked: Record, body: Record) -> Record:
        self.secrets[asked["parent"]].append(body["payload"]["data"])
        return {"name": f"{asked['parent']}/versions/{len(self.secrets[asked['parent']])}"}

    def access(self, asked: Record, _body: Record) -> Record:
        name, _, number = asked["name"].partition("/versions/")
        if name not in self.secrets:
            raise Status(404)
        place = len(self.secrets[name]) if number == "latest" else int(number)
        return {"name": f"{name}/versions/{place}", "payload": {"data": self.secrets[name][place - 1]}}

    def rrsets(self, asked: Record, _body: Record) -> Record:
        found = self.records.get((asked["name"], asked["type"]))
        return {"rrsets": [found] if found else []}

    def change(self, _asked: Record, body: Record) -> Record:
        for one in body["deletions"]:
            if self.records.get((one["name"], one["type"])) != one:
                raise Status(412)
        for one in body["additions"]:
            self.records[one["name"], one["type"]] = one
        return {"id": "7", "status": "pending"}

    def status(self, _asked: Record, _body: Record) -> Record:
        self.pending -= 1
        return {"id": "7", "status": "pending" if self.pending >= 0 else "done"}


_ANSWERS: dict[str, Callable[[Google, Record, Record], Record]] = {
    "secretmanager.projects.secrets.get": Google.get,
    "secretmanager.projects.secrets.patch": Google.patch,
    "secretmanager.projects.secrets.addVersion": Google.add,
    "secretmanager.projects.secrets.versions.access": Google.access,
    "dns.resourceRecordSets.list": Google.rrsets,
    "dns.changes.create": Google.change,
    "dns.changes.get": Google.status,
}


@cache
def _methods() -> list[tuple[Record, re.Pattern[str], Record]]:
    """Every method of both documents, the pattern of its path, and the document."""
    found = []
    for name in ("secretmanager.v1.json", "dns.v1.json"):
        document = json.loads((files("googleapiclient.discovery_cache.documents") / name).read_text())
        for one in _within(document):
            path = re.sub(r"\{\+(\w+)\}", r"(?P<\1>[^:]+)", one["path"])
            found.append((one, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), document))
    return found


def _within(resource: Record) -> Iterator[Record]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _within(inner)


def _complaints(value: Any, schema: Record, document: Record) -> Iterator[str]:
    """Fields that a request's schema does not know, wherever in it."""
    schema = document["schemas"][schema["$ref"]] if "$ref" in schema else schema
    if isinstance(value, list):
        for one in value:
            yield from _complaints(one, schema["items"], document)
    elif isinstance(value, dict):
        for name, one in value.items():
            inner = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            yield from [f"unknown field {name}"] if inner is None else _complaints(one, inner, document)


def _serve(google: Google, verb: str, url: str, body: Record) -> tuple[int, Record]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    for method, pattern, document in _methods():
        match = pattern.fullmatch(unquote(parts.path).lstrip("/"))
        if match and method["httpMethod"] == verb and method["id"] in _ANSWERS:
            google.wrong += [
                f"unknown parameter {one}" for one in query.keys() - {*method["parameters"], "alt"}
            ]
            google.wrong += _complaints(body, method.get("request", {}), document)
            try:
                return 200, google.answer(method["id"], match.groupdict(), query, body)
            except Status as status:
                return int(status.args[0]), {"error": {"message": f"hush: {json.dumps(body)}"}}
    google.wrong.append(f"{verb} {parts.path}")
    return 404, {}


@contextmanager
def google_values() -> Iterator[Google]:
    """A running one; this process and its children find it by their environment."""
    google = Google()

    class Door(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            status, answer = _serve(google, self.command, self.path, body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _do

        def log_message(self, *_words: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    url = f"http://127.0.0.1:{server.server_port}/"
    found = {
        "GOOGLE_OAUTH_ACCESS_TOKEN": "token-of-a-test",
        "GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT": url,
        "GOOGLE_DNS_CUSTOM_ENDPOINT": url,
    }
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        with mock.patch.dict(os.environ, found):
            yield google
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
