"""Object stores on loopback: S3 by moto, GCS by its emulator, each with one bucket to fill from a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from archive.remote import open_filesystem
from tests.support.ground import Server, free_port, wait_until

KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "tester", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True)
class Bucket:
    """An empty bucket by its URL, and the options that reach it."""

    url: str
    options: Mapping[str, Any]
    server: Server

    def fill(self, folder: Path, name: str) -> str:
        """Upload a folder with all below it; the URL of the copy."""
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.put(f"{self.url}/{name}/{file.relative_to(folder).as_posix()}", file.read_bytes())
        return f"{self.url}/{name}"

    def put(self, url: str, content: bytes) -> None:
        files, _root = open_filesystem(self.url, self.options)
        # aiohttp warns of more than 1 MiB in one piece, S3 refuses less than 5 MiB.
        pieces = {"chunksize": 3 * 256 * 1024} if self.url.startswith("gs:") else {}
        files.pipe_file(url.partition("://")[2], content, **pieces)

    def drop(self, url: str) -> None:
        files, _root = open_filesystem(self.url, self.options)
        files.rm_file(url.partition("://")[2])

    @property
    def fetched(self) -> list[str]:
        """Keys of the objects that were downloaded up to now, by the server's log."""
        lines = self.server.log.read_text().splitlines()
        paths = [line.split('"GET ')[1].split(" ")[0] for line in lines if '"GET /bucket/' in line]
        return [path.removeprefix("/bucket/") for path in paths if "?" not in path]


class _Emulator(Server):
    """A server of ours in Python, on a free port."""

    def __init__(self, directory: Path, *command: str) -> None:
        super().__init__(directory)
        self.port, self.command = free_port(), command

    def start(self) -> None:
        words = [word.format(port=self.port) for word in self.command]
        self._launch([sys.executable, *words], self._answers)

    def _answers(self) -> bool:
        import socket

        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


_GCS = """
from gcp_storage_emulator.server import create_server
create_server("127.0.0.1", {port}, in_memory=True, default_bucket="bucket").run()
"""


@contextmanager
def s3(directory: Path) -> Iterator[Bucket]:
    """An S3 bucket; the keys stand in the environment, where the drivers look for them."""
    moto = _Emulator(directory, "-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}")
    with mock.patch.dict(os.environ, KEYS), moto:
        bucket = Bucket("s3://bucket", {"endpoint_url": f"http://127.0.0.1:{moto.port}"}, moto)
        files, root = open_filesystem(bucket.url, bucket.options)
        files.mkdir(root)
        yield bucket


@contextmanager
def gcs(directory: Path) -> Iterator[Bucket]:
    """A GCS bucket that anybody may read."""
    with _Emulator(directory, "-c", _GCS) as emulator:
        options = {"endpoint_url": f"http://127.0.0.1:{emulator.port}", "anon": True}
        bucket = Bucket("gs://bucket", options, emulator)
        files, _ = open_filesystem(bucket.url, options)
        wait_until(lambda: files.ls("") is not None, what="the emulator answering")
        yield bucket
