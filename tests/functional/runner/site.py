"""A database with one of everything, its dumps in a bucket, and databases to load them into."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from dbrestore.handler import Context
from dbrestore.jobs.loading import LoadWork, NearLoad
from dbrestore.jobs.settings import Cluster as Settings
from dbrestore.logical.load import load
from dbrestore.logical.opening import binaries_for, chosen, open_dump
from dbrestore.logical.target import Target
from tests.functional.kubernetes.cluster import Cluster
from tests.support.buckets import Bucket
from tests.support.dumps import Dumped
from tests.support.kubelet.node import IMAGE
from tests.support.postgres import postgres_tool
from toolchain.postgres import find_binaries


@dataclass
class Site:
    dumped: Dumped
    bucket: Bucket

    def dump(self, form: str) -> str:
        """A dump of pg_dump's format ``form`` in the bucket; its URL."""
        path = self.dumped.dump(f"dump-{form}", "-F", form, "--no-subscriptions")
        if path.is_dir():
            return self.bucket.fill(path, path.name)
        url = f"{self.bucket.url}/{path.name}"
        self.bucket.put(url, path.read_bytes())
        return url

    def dump_of(self, name: str, schema: str, *options: str) -> str:
        """A custom archive in the bucket, of a database that is made for it alone; its URL."""
        server = self.dumped.server
        server.execute(f"CREATE DATABASE {name}")
        server.execute(schema, name)
        tool = str(postgres_tool("pg_dump", server.major))
        command = [tool, "-Fc", "-d", server.url(name), *options]
        self.bucket.put(
            f"{self.bucket.url}/{name}", subprocess.run(command, capture_output=True, check=True).stdout
        )
        server.execute(f"DROP DATABASE {name}")
        return f"{self.bucket.url}/{name}"

    @contextmanager
    def fetching(self) -> Iterator[list[str]]:
        """The files of tables' data that are fetched from the bucket, known once the block is over."""
        found: list[str] = []
        begin = len(self.bucket.server.log.read_text())
        yield found
        said = self.bucket.server.log.read_text()[begin:]
        found += re.findall(r"GET /bucket/(\S+/\d+\.dat\.gz) HTTP", said)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """An empty database; its URL."""
        name = f"restored_{secrets.token_hex(3)}"
        server = self.dumped.server
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield server.url(name)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, url: str, text: str) -> list[tuple[Any, ...]]:
        """Run SQL in one of the databases."""
        return self.dumped.server.execute(text, url.rpartition("/")[2])

    def work(self, url: str, lots: int = 3, **options: Any) -> LoadWork:
        known = {"place": url, "lots": lots, "storage": dict(self.bucket.options)}
        return LoadWork.model_validate(known | options)

    def near(self, cluster: Cluster, target: str, work: LoadWork, **settings: Any) -> NearLoad:
        known = {"namespace": cluster.namespace, "image": IMAGE, "environment_from": ["store"], "shards": 3}
        database = Target.of_url(target, find_binaries())
        return NearLoad("r", work, target, database, Settings.model_validate(known | settings))

    @cached_property
    def loaded(self) -> str:
        """The database as it is after a load on this machine, by pg_dump."""
        path, work = self.dumped.dump("dump-d", "-F", "d", "--no-subscriptions"), self.work("/")
        with self.empty() as url:
            context = Context("")
            dump = open_dump(path, context)
            target = replace(Target.of_url(url, find_binaries()), binaries=binaries_for(dump))
            load(dump, chosen(dump, work.options, context), target, work.options, context)
            return self.text(url)

    def text(self, url: str) -> str:
        return self.dumped.text(url)
