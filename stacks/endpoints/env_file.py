"""One line of a dotenv file that the application reads: ``KEY=connection string``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from stacks.endpoints import Endpoint, Target
from stacks.urls import masked
from stacks.values import Folder

if TYPE_CHECKING:
    import pulumi


class Settings(Endpoint):
    """``env-file: {path: /srv/app/.env, key: DATABASE_URL}``"""

    path: Folder = Field(description="absolute path of the file")
    key: str = Field("DATABASE_URL", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")

    @property
    def label(self) -> str:
        return f"env-file:{self.path}#{self.key}"

    def declare(self, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        import pulumi

        from stacks.plugin import EnvFileEntry

        properties = {
            "path": str(self.path),
            "key": self.key,
            "value": target.url,
            "shown": pulumi.Output.unsecret(target.url.apply(masked)),
        }
        return EnvFileEntry(self.label, properties, options)
