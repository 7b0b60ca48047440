"""The clouds as an incident finds them: each one's config, its kinds of restore, who plays its look-ups."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from tests.support.cloudsql.original import BACKUP, project
from tests.support.cloudsql.original import SOURCE as CLOUD_SQL
from tests.support.cloudsql.original import URL as CLOUD_SQL_URL
from tests.support.cloudsql.server import cloud_sql
from tests.unit.stacks.examples import TIME, URL

NAME = "starforge-restore-2025-12-03"


@dataclass(frozen=True)
class Ground:
    """A cloud as its incident needs it."""

    provider: str
    source: dict[str, Any]
    endpoints: tuple[dict[str, Any], ...]
    kinds: dict[str, dict[str, Any]]
    """Restores by kind; the first one's incident is gone through."""
    packages: tuple[str, ...]
    before: str = ""
    """Lines that the program begins with, which play the cloud's look-ups ..."""
    played: Callable[[], AbstractContextManager[Any]] = nullcontext
    """... or a server that does, found by the environment."""
    url: str = URL
    kept: str = f"{NAME}-last"
    """The final snapshot."""
    unguarded: str = ""
    """A line that takes the provider's guard out: what made an instance may replace it."""

    @property
    def config(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "operators": ["203.0.113.7/32"],
            "restores": {},
            "serving": "source",
            "endpoints": list(self.endpoints),
            "writers": [
                {"deployment": {"namespace": "starforge", "name": "etl-worker"}},
                {"cron-job": {"namespace": "starforge", "name": "nightly"}},
            ],
            "writing": "all",
        }


PLAYED_RDS = """
from stacks.providers.aws_rds import restore
from tests.unit.stacks.rds import StandIn
restore.Rds = lambda region: StandIn()
"""
REF, CLONE = "abcdefghijklmnopqrst", "zyxwvutsrqponmlkjihg"
POOLED = f"postgresql://app.{REF}:hunter2@aws-0-eu-central-1.pooler.supabase.com:5432/postgres"
RDS = {"provider": "aws-rds", "instance": "starforge-prod", "database": "starforge", "region": "eu-central-1"}
IN_CLUSTER = {"namespace": "starforge", "name": "api", "key": "DATABASE_URL"}
GROUNDS = [
    Ground(
        "aws-rds",
        RDS,
        ({"aws-secret": {"id": "starforge/database-url"}}, {"external-secret": IN_CLUSTER}),
        {
            "time": {"from": {"time": TIME}},
            "latest": {"from": {"latest": True}},
            "replica": {"from": {"replica": "starforge-read"}},
            "dump": {"from": {"dump": "s3://starforge-dumps/app.dump", "jobs": 8, "roles": "create"}},
            "snapshot": {"from": {"snapshot": "before-migration"}, "size": "db.r6g.2xlarge"},
        },
        ("dbrestore", "aws"),
        before=PLAYED_RDS,
        unguarded="restore.MADE_FROM = restore.FOLLOWED = ()\n",
    ),
    Ground(
        "gcp-cloudsql",
        CLOUD_SQL,
        ({"gcp-secret": {"project": "starforge", "id": "database-url"}}, {"external-secret": IN_CLUSTER}),
        {
            "time": {"from": {"time": TIME}},
            "latest": {"from": {"latest": True}},
            "replica": {"from": {"replica": "starforge-read"}},
            "dump": {"from": {"dump": "gs://starforge-dumps/app.dump", "jobs": 8, "roles": "create"}},
            "snapshot": {"from": {"snapshot": BACKUP["id"]}, "size": "db-custom-8-30720"},
        },
        ("dbrestore", "gcp"),
        played=lambda: cloud_sql(project()),
        url=CLOUD_SQL_URL,
    ),
    Ground(
        "supabase",
        {"provider": "supabase", "instance": REF, "database": "postgres"},
        ({"kubernetes-secret": IN_CLUSTER},),
        {
            "dump": {"from": {"dump": "/srv/dumps/app.dump", "jobs": 4, "roles": "create"}, "size": "large"},
            "adopt": {"from": {"adopt": CLONE}},
        },
        ("dbrestore",),
        url=POOLED,
        kept="none",
    ),
]
