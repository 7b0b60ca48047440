"""What the Management API answers, in the shapes of its OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

NOW = datetime(2025, 12, 3, 15, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Answer:
    """A status, and JSON or nothing."""

    status: int
    body: Any
    retry_after: str = ""


@dataclass
class Project:
    """A project, V1ProjectWithDatabaseResponse."""

    ref: str
    name: str
    organization: str = "forge"
    region: str = "eu-central-1"
    size: str | None = None
    status: str = "COMING_UP"
    networks: dict[str, list[str]] = field(
        default_factory=lambda: {"dbAllowedCidrs": ["0.0.0.0/0"], "dbAllowedCidrsV6": ["::/0"]}
    )
    pending: bool = False
    """Restrictions that are stored and not applied yet."""
    looks: int = 0
    latest: datetime = NOW
    """The end of PITR's window."""
    overwritten: bool = False

    def document(self) -> dict[str, Any]:
        return {
            "id": self.ref,
            "ref": self.ref,
            "organization_id": self.organization,
            "organization_slug": self.organization,
            "name": self.name,
            "region": self.region,
            "created_at": "2025-12-03T14:30:00Z",
            "status": self.status,
            "database": {
                "host": f"db.{self.ref}.supabase.co",
                "version": "15.8.1.085",
                "postgres_engine": "15",
                "release_channel": "ga",
            },
        }


def ref_for(name: str, number: int) -> str:
    """20 lower-case letters."""
    digest = sha256(f"{name}{number}".encode()).digest()
    return "".join(chr(97 + byte % 26) for byte in digest[:20])


def refusal(status: int, message: str) -> Answer:
    return Answer(status, {"message": message})


def throttled(seconds: str) -> Answer:
    return Answer(429, {"message": "ThrottlerException: Too Many Requests"}, retry_after=seconds)


def not_found() -> Answer:
    return refusal(404, "Project not found")


def backups(project: Project) -> dict[str, Any]:
    """V1BackupsResponse."""
    latest = int(project.latest.timestamp())
    return {
        "region": project.region,
        "walg_enabled": True,
        "pitr_enabled": True,
        "backups": [
            {"id": 2, "is_physical_backup": True, "status": "FAILED", "inserted_at": "2025-12-03T03:00:00Z"},
            {
                "id": 1,
                "is_physical_backup": True,
                "status": "COMPLETED",
                "inserted_at": "2025-12-02T03:00:00Z",
            },
        ],
        "physical_backup_data": {
            "earliest_physical_backup_date_unix": latest - 7 * 86400,
            "latest_physical_backup_date_unix": latest,
        },
    }


def poolers(project: Project, port: int) -> list[dict[str, Any]]:
    """SupavisorConfigResponse; the port of the session mode is this machine's."""
    common = {
        "identifier": project.ref,
        "database_type": "PRIMARY",
        "is_using_scram_auth": True,
        "db_user": f"postgres.{project.ref}",
        "db_host": "127.0.0.1",
        "db_name": "postgres",
        "default_pool_size": 15,
        "max_client_conn": 200,
    }
    return [
        {**common, "pool_mode": "transaction", "db_port": 6543},
        {**common, "pool_mode": "session", "db_port": port},
    ]
