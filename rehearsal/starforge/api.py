"""StarForge's HTTP API: health, profile summaries, and the write path for hero snapshots.

``python -m rehearsal.starforge.api`` serves 127.0.0.1:PORT until SIGTERM. Nothing is retried here:
what a client sees as a failed request is what the database did to us.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from rehearsal.starforge.settings import database_url, ingestion_allowed

log = logging.getLogger("starforge.api")

Answer = tuple[int, dict[str, Any]]

_SUMMARY = "SELECT to_jsonb(s) AS summary FROM user_profile_summary AS s WHERE s.namecode = %s"

# The server's port and the WAL positions before and after the commit go to the client, whose ledger
# can so tell exactly on which server and on which side of a recovery target its write lies.
_INSERT = """
INSERT INTO hero_snapshots (user_id, key, payload) SELECT id, %s, %s FROM users WHERE namecode = %s
RETURNING id, pg_current_xact_id()::text AS xid, inet_server_port() AS server,
          pg_current_wal_insert_lsn()::text AS lsn_before
"""
_AFTER = "SELECT pg_current_wal_insert_lsn()::text AS lsn_after, inet_server_port() AS server"


class Server(ThreadingHTTPServer):
    """One thread and one database session for each client connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, url: str) -> None:
        super().__init__(("127.0.0.1", port), Requests)
        self.url = url
        self.busy = 0
        self.counting = threading.Lock()

    def stop(self, deadline: float = 5.0) -> None:
        """Take no more connections and wait until the requests under way are answered."""
        self.shutdown()
        end = time.monotonic() + deadline
        while self.busy and time.monotonic() < end:
            time.sleep(0.01)
        self.server_close()


class Requests(BaseHTTPRequestHandler):
    """The requests of one client connection (HTTP/1.1, kept alive)."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server
    session: psycopg.Connection[dict[str, Any]] | None = None

    def do_GET(self) -> None:
        prefix = "/api/v1/profile/summary/"
        if self.path == "/api/health":
            self._answer(self._health)
        elif self.path.startswith(prefix):
            self._answer(partial(self._summary, self.path.removeprefix(prefix)))
        else:
            self._answer(lambda: (404, {"error": "no such page"}))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/v1/snapshots":
            self._answer(partial(self._take_snapshot, body))
        else:
            self._answer(lambda: (404, {"error": "no such page"}))

    def finish(self) -> None:
        self._hang_up()
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are counted by the load, not here."""

    def _health(self) -> Answer:
        self._database().execute("SELECT 1")
        return 200, {"status": "ok"}

    def _summary(self, namecode: str) -> Answer:
        row = self._database().execute(_SUMMARY, [namecode]).fetchone()
        return (200, row["summary"]) if row else (404, {"error": f"no profile {namecode}"})

    def _take_snapshot(self, body: bytes) -> Answer:
        if not ingestion_allowed():
            return 503, {"error": "ingestion paused"}
        try:
            asked = json.loads(body)
            values = [asked["key"], Jsonb(asked["payload"]), asked["namecode"]]
        except (ValueError, KeyError, TypeError):
            return 400, {"error": "wanted: JSON with namecode, payload and key"}
        return self._store(values)

    def _store(self, values: list[Any]) -> Answer:
        database = self._database()
        try:
            with database.transaction():
                stored = database.execute(_INSERT, values).fetchone()
        except psycopg.errors.UniqueViolation:
            return 409, {"error": "this key was stored before"}
        if stored is None:
            return 404, {"error": f"no user {values[-1]}"}
        after = database.execute(_AFTER).fetchone() or {}
        same_server = after.get("server") == stored["server"]
        return 201, {**stored, "lsn_after": after["lsn_after"] if same_server else None}

    def _database(self) -> psycopg.Connection[dict[str, Any]]:
        if self.session is None:
            # Transaction pooling: a prepared statement would be left on some other server session.
            self.session = psycopg.connect(
                self.server.url, autocommit=True, prepare_threshold=None, row_factory=dict_row
            )
        return self.session

    def _hang_up(self) -> None:
        if self.session is not None:
            self.session.close()
            self.session = None

    def _answer(self, work: Any) -> None:
        with self.server.counting:
            self.server.busy += 1
        try:
            self._send(*self._outcome(work))
        finally:
            with self.server.counting:
                self.server.busy -= 1

    def _outcome(self, work: Any) -> Answer:
        try:
            answer: Answer = work()
        except psycopg.Error as error:
            log.warning("%s %s: %s", self.command, self.path, " ".join(str(error).split()))
            self._hang_up()
            return 503, {"error": "database unavailable"}
        return answer

    def _send(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    server = Server(int(os.environ["PORT"]), database_url())
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    log.info("serving on 127.0.0.1:%s", server.server_port)
    stopping.wait()
    server.stop()
    log.info("stopped")


if __name__ == "__main__":
    main()
