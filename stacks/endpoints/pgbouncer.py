"""pgbouncer's route of a database: PAUSE, new host, RELOAD, RESUME on every process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from stacks.endpoints import Endpoint, Target
from stacks.values import Identifier, Secret, Secure

if TYPE_CHECKING:
    import pulumi

Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(Endpoint):
    """``pgbouncer: {admin: "postgresql://admin:...@host:6432/pgbouncer", database: starforge}``"""

    admin: Secret | list[Secret] = Field(description="URL of the admin console, one for each process")
    database: Identifier = Field(description="the database's name in pgbouncer")
    pause_timeout: Seconds = Field(10.0, description="seconds that clients may keep the swap waiting")

    @property
    def admins(self) -> list[Secret]:
        """The consoles of all processes."""
        return self.admin if isinstance(self.admin, list) else [self.admin]

    @property
    def label(self) -> str:
        return f"pgbouncer-{self.database}"

    def declare(self, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        import pulumi

        from stacks.plugin import PgbouncerRoute

        properties = {
            "database": self.database,
            "admins": pulumi.Output.secret([_clear(admin) for admin in self.admins]),
            "host": target.host,
            "port": target.port,
            "url": target.url,
            "timeouts": {"pause": self.pause_timeout},
        }
        return PgbouncerRoute(self.label, properties, options)

    @model_validator(mode="after")
    def _urls(self) -> Settings:
        for admin in self.admins:
            if isinstance(admin, str) and urlsplit(admin).scheme not in ("postgresql", "postgres"):
                raise ValueError(
                    "admin is not a URL like postgresql://admin:password@127.0.0.1:6432/pgbouncer"
                )
        return self


def _clear(value: Secret) -> str:
    """The engine hands the program decrypted values only."""
    return value.secure if isinstance(value, Secure) else value
