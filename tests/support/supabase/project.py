"""A project of Reforge's on Supabase, driven by the command line as its user does."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.pulumi_project import REPOSITORY
from tests.support.small_site import Ended
from tests.support.supabase.site import Site

_FOREIGN = ("PULUMI_", "REFORGE_", "PYTEST_", "SUPABASE_")
SUITE = """
name: starforge
checks:
- connectivity
- row-counts: {tables: {shop.orders: {exactly: 500}}}
"""


@dataclass(frozen=True)
class SupabaseProject:
    """One project with a stack ``local`` whose original is a site's, and an env file that it leads."""

    folder: Path
    site: Site

    @property
    def env_file(self) -> Path:
        return self.folder / "app.env"

    @property
    def config(self) -> str:
        return (self.folder / "Pulumi.local.yaml").read_text()

    @property
    def original(self) -> str:
        """The application's connection string."""
        return self.site.api.url(self.site.source.ref, "app")

    def init(self) -> SupabaseProject:
        self.folder.mkdir()
        (self.folder / "suite.yaml").write_text(SUITE)
        self.env_file.write_text(f"DATABASE_URL={self.original}\n")
        words = ["init", "--provider", "supabase", "--env-file", f"{self.env_file}:DATABASE_URL", "--yes"]
        self.reforge(*words, "--suite", str(self.folder / "suite.yaml"), REFORGE_SOURCE_URL=self.original)
        return self

    def reforge(self, *words: str, expect: int = 0, **secrets: str) -> Ended:
        """Run ``reforge --json WORDS``; AssertionError where it does not end with the code expected."""
        ran = subprocess.run(
            [sys.executable, "-m", "cli", "--json", *words],
            cwd=self.folder,
            env=self.environment | secrets,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        ended = Ended(ran.returncode, ran.stdout, ran.stderr)
        assert ended.code == expect, f"{' '.join(words)} gave {ended.code}:\n{ended.text}"
        return ended

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return {**kept, **self.site.api.environment, "PYTHONPATH": str(REPOSITORY)}
