"""A feature flag in a dotenv file: on only when all writers may work, off for a pause and a canary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from stacks.endpoints import Target
from stacks.values import Folder
from stacks.writers import Writer

if TYPE_CHECKING:
    import pulumi


class Settings(Writer):
    """``flag: {file: /srv/app/flags.env, key: ingestion}``"""

    file: Folder = Field(description="absolute path of the file")
    key: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")
    on: str = "true"
    off: str = "false"

    @property
    def label(self) -> str:
        return f"flag:{self.file}#{self.key}"

    def declare(self, writing: str, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        from stacks.plugin import EnvFileEntry

        value = self.on if writing == "all" else self.off
        return EnvFileEntry(self.label, {"path": str(self.file), "key": self.key, "value": value}, options)
