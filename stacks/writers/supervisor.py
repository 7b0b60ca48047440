"""A program group of supervisord: stopped, one process as a canary, or as many as there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from stacks.endpoints import Target
from stacks.values import Secret, Text, clear
from stacks.writers import Writer

if TYPE_CHECKING:
    import pulumi


class Settings(Writer):
    """``supervisor: {server: "unix:///run/supervisor.sock", group: etl}``"""

    server: Text = Field(description="unix:///path/of.sock or http://127.0.0.1:9001")
    group: Text = Field(description="the program group")
    username: str | None = None
    password: Secret | None = None

    @property
    def label(self) -> str:
        return f"supervisor-{self.group}"

    def declare(self, writing: str, target: Target, options: pulumi.ResourceOptions) -> pulumi.Resource:
        import pulumi

        from stacks.plugin import SupervisorGroup

        properties = {
            "server": self.server,
            "group": self.group,
            "username": self.username,
            "password": pulumi.Output.secret(clear(self.password)) if self.password else None,
            "desired": writing,
            "database": pulumi.Output.concat(
                target.host, ":", target.port.apply(lambda port: str(int(port)))
            ),
            "record": ".reforge/records",
        }
        return SupervisorGroup(self.label, properties, options)
