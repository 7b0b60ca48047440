"""pgbouncer's route of a database: PAUSE, new host, RELOAD, RESUME on every process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from stacks.endpoints import Endpoint, Target
from stacks.urls import is_postgres
from stacks.values import Identifier, Secret, Secure, clear

if TYPE_CHECKING:
    import pulumi

Seconds = Annotated[float, Field(gt=0, le=3600)]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _console(url: str | Secure) -> str | Secure:
    if isinstance(url, str) and not is_postgres(url):
        raise ValueError("is not a URL like postgresql://admin:password@127.0.0.1:6432/pgbouncer")
    return url


Console = Annotated[Secret, AfterValidator(_console)]
Consoles = Annotated[list[Console], Field(min_length=1)]


class Settings(Endpoint):
    """``pgbouncer: {admin: "postgresql://admin:...@host:6432/pgbouncer", database: starforge}``"""

    PROVES: ClassVar = True
    HOLDS: ClassVar = True

    admin: Annotated[Consoles, BeforeValidator(_listed, json_schema_input_type=Console | Consoles)] = Field(
        description="URL of each process's admin console; by its socket where several share a port"
    )
    database: Identifier = Field(description="the database's name in pgbouncer")
    pause_timeout: Seconds = Field(10.0, description="seconds that clients may keep the swap waiting")

    @property
    def label(self) -> str:
        return f"pgbouncer-{self.database}"

    def declare(self, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        import pulumi

        from stacks.plugin import PgbouncerRoute

        properties = {
            "database": self.database,
            "admins": pulumi.Output.secret([clear(url) for url in self.admin]),
            "host": target.host,
            "port": target.port,
            "url": target.url,
            "timeouts": {"pause": self.pause_timeout},
            "promotion": target.promotion,
            "promotes": target.promotes,
        }
        return PgbouncerRoute(self.label, properties, options)
