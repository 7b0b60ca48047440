"""The load on StarForge's API: readers and writers at a fixed rate, and a ledger of acknowledged writes.

``python -m rehearsal.starforge.load --url http://127.0.0.1:8080 --ledger FILE --samples FILE
--summary FILE`` runs until SIGTERM, lets the requests under way end, and writes its summary. The
ledger lies outside the database: a line is in the file before the next request of that writer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import signal
import threading
import time
import uuid
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rehearsal.ledger import Entry, Ledger
from rehearsal.starforge.samples import Kind, Outcome, Recorder, Sample, read_samples, summary
from rehearsal.starforge.seed import USERS, namecode

TIMEOUT = 30.0
"""Seconds after which a request has failed."""
READ: Kind = "read"
WRITE: Kind = "write"
PAUSED = {"error": "ingestion paused"}


@dataclass(frozen=True)
class Load:
    """What all threads of the load share."""

    host: str
    port: int
    interval: float
    """Seconds from one request of a thread to its next."""
    ledger: Ledger
    samples: Recorder
    stopping: threading.Event


class Client(threading.Thread):
    """One client with one kept-alive connection; a reader or a writer."""

    def __init__(self, load: Load, kind: Kind, delay: float) -> None:
        super().__init__(name=f"{kind}-{delay:.3f}")
        self.load, self.kind, self.delay = load, kind, delay
        self.http = http.client.HTTPConnection(load.host, load.port, timeout=TIMEOUT)
        self.random = random.Random()  # noqa: S311 - picks users, guards nothing

    def run(self) -> None:
        due = time.monotonic() + self.delay
        while not self.load.stopping.wait(max(0.0, due - time.monotonic())):
            self._read() if self.kind == "read" else self._write()
            due = max(due + self.load.interval, time.monotonic())
        self.http.close()

    def _read(self) -> None:
        self._request("GET", f"/api/v1/profile/summary/{self._someone()}")

    def _write(self) -> None:
        key = uuid.uuid4().hex
        heroes = self.random.randint(1, 60)
        payload = {"heroes": heroes, "power": 100 * heroes}
        body = {"namecode": self._someone(), "payload": payload, "key": key}
        sample, answer = self._request("POST", "/api/v1/snapshots", json.dumps(body))
        if sample.outcome == "ok":
            self.load.ledger.add(Entry.acknowledged(key, sample.start, sample.end, answer))

    def _someone(self) -> str:
        return namecode(self.random.randint(1, USERS))

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[Sample, dict[str, Any]]:
        start, clock = time.time(), time.perf_counter()
        status, answer = self._exchange(method, path, body)
        took = time.perf_counter() - clock
        sample = Sample(start, took * 1000, self.kind, outcome(status, answer))
        self.load.samples.add(sample)
        return sample, answer

    def _exchange(self, method: str, path: str, body: str | None) -> tuple[int, dict[str, Any]]:
        try:
            self.http.request(method, path, body)
            response = self.http.getresponse()
            return response.status, dict(json.loads(response.read()))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.http.close()
            return 0, {"error": str(error)}


def outcome(status: int, answer: dict[str, Any]) -> Outcome:
    """How a request ended; status 0 where there was no response."""
    if 200 <= status < 300:
        return "ok"
    return "refused" if status == 503 and answer == PAUSED else "failed"


def run(load: Load, readers: int, writers: int) -> None:
    """Run the clients, spread over one interval, until ``load.stopping``."""
    kinds: tuple[Kind, ...] = (*repeat(READ, readers), *repeat(WRITE, writers))
    clients = [Client(load, kind, load.interval * n / len(kinds)) for n, kind in enumerate(kinds)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rehearsal.starforge.load", description=__doc__)
    parser.add_argument("--url", required=True, help="of the API")
    for name in ("--ledger", "--samples", "--summary"):
        parser.add_argument(name, required=True, type=Path)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=20.0, help="requests per second of each client")
    return parser.parse_args()


def main() -> None:
    """Run the load until SIGTERM or SIGINT, then write the summary (JSON)."""
    asked = _arguments()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    where = urlsplit(asked.url)
    ledger, samples = Ledger(asked.ledger), Recorder(asked.samples)
    load = Load(where.hostname or "", where.port or 80, 1 / asked.rate, ledger, samples, stopping)
    run(load, asked.readers, asked.writers)
    ledger.close()
    samples.close()
    asked.summary.write_text(json.dumps(summary(read_samples(asked.samples))))


if __name__ == "__main__":
    main()
