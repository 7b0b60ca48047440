"""A cluster with a tablespace, and base backups of it in every form that pg_basebackup makes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dbrestore.handler import Context
from dbrestore.postgres.instance import Instance
from tests.support.servers import Postgres, folder, postgres_tool, run

URN = "urn:pulumi:test::reforge::dbrestore:postgres:Instance::{}"


class Cluster:
    """A running server with rows in a tablespace of its own, its archive, its backups and its restores."""

    def __init__(self, server: Postgres, place: Path) -> None:
        self.server, self.place = server, place
        self.space = folder(place / "space")
        self.base = folder(place / "base")
        server.execute("ALTER ROLE postgres PASSWORD 'secret'")
        server.execute(f"CREATE TABLESPACE fast LOCATION '{self.space}'")
        server.execute(f"CREATE TABLESPACE empty_one LOCATION '{folder(place / 'empty')}'")
        server.execute("CREATE TABLE here (id int PRIMARY KEY, text text)")
        server.execute("CREATE TABLE there (id int PRIMARY KEY, text text) TABLESPACE fast")
        self.add(1)

    def add(self, number: int) -> None:
        """A thousand rows more in both tables."""
        rows = f"SELECT i, repeat(md5(i::text), 3) FROM generate_series({number}000, {number}999) i"
        self.server.execute(f"INSERT INTO here {rows}; INSERT INTO there {rows}")

    def back_up(self, name: str, *options: str) -> Path:
        """A base backup with pg_basebackup's ``options``; tablespaces of a plain one go beside it."""
        target = self.base / name
        command = [str(postgres_tool("pg_basebackup", self.server.major)), "-D", str(target)]
        command += ["-d", self.server.url(), "-c", "fast", "--no-sync", *options]
        if "-Ft" not in options:
            spaces = self.space, self.place / "empty"
            copies = {one: folder(self.place / f"{name}-{one.name}") for one in spaces}
            command += [f"--tablespace-mapping={one}={copy}" for one, copy in copies.items()]
        run(command)
        return target

    @contextmanager
    def only(self, *names: str) -> Iterator[None]:
        """Within it the cluster has copies of these backups alone, to be broken."""
        kept, self.base = self.base, folder(self.place / "only")
        try:
            for name in names:
                shutil.copytree(kept / name, self.base / name, symlinks=True)
            yield
        finally:
            shutil.rmtree(self.base)
            self.base = kept
            shutil.rmtree(self.place / "restores", ignore_errors=True)

    def inputs(self, name: str, **more: Any) -> Any:
        source = {
            "database": "postgres",
            "user": "postgres",
            "archive": self.place / "wal",
            "backups": self.base,
        } | more.pop("source", {})
        declared = {
            "name": name,
            "directory": self.place / "restores" / name,
            "source": source,
            "until": {"kind": "latest"},
            "operators": ["127.0.0.1/32"],
        }
        return Instance.inputs.model_validate(declared | more)

    def dump(self, port: int | None = None) -> str:
        """What pg_dump says of the database of this server or of one on another port."""
        url = f"postgresql://postgres:secret@127.0.0.1:{port or self.server.port}/postgres"
        text = run([str(postgres_tool("pg_dump", self.server.major)), "-d", url])
        hidden = ("\\restrict", "\\unrestrict")  # a random word in each dump
        return "\n".join(line for line in text.splitlines() if not line.startswith(hidden))


def context(name: str, told: list[str] | None = None) -> Context:
    """The call's context of a restore; ``told`` takes its progress."""
    return Context(URN.format(name), (told if told is not None else []).append)
