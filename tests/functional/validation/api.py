"""A small StarForge API on 127.0.0.1:$PORT, as a check would start it. ``MODE`` makes it misbehave."""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import unquote

import psycopg

MODE = os.environ.get("MODE", "")
SUMMARY = "SELECT namecode, s.snapshots FROM users u JOIN user_profile_summary s ON s.user_id = u.id"


class Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            if self.path == "/api/health":
                connection.execute("SELECT 1")
                self._answer(200, {"status": "ok", "version": [1, 2]})
            elif self.path == "/api/write":
                connection.execute("INSERT INTO user_troops VALUES (1, 100)")
                self._answer(200, {"written": True})
            elif self.path == "/text":
                self._answer(200, None)
            else:
                name = unquote(self.path.rpartition("/")[2])
                row = connection.execute(SUMMARY + " WHERE namecode = %s", [name]).fetchone()
                self._answer(*((404, {"error": "no such user"}) if row is None else (200, dict([row]))))

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"hello" if body is None else json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


if MODE == "crash":
    sys.exit("no such setting: LEVEL")
if MODE != "deaf":
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Api).serve_forever()
sys.stdin = None
os.read(os.pipe()[0], 1)
