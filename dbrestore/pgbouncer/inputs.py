"""What a route is declared with."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dbrestore.handler import Inputs
from dbrestore.replica.inputs import Parties

Seconds = Annotated[float, Field(gt=0, le=3600)]


class Timeouts(BaseModel):
    """Seconds that each step may take on all processes together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pause: Seconds = 10
    reload: Seconds = 5
    resume: Seconds = 5


class RouteInputs(Inputs):
    """``database`` of pgbouncer goes to ``host``:``port`` on every process named in ``admins``."""

    database: str = Field(min_length=1, pattern=r'^[^"\n]+$')
    admins: list[str] = Field(min_length=1)
    """URLs of the admin consoles, one for each process; they may hold passwords."""
    host: str = Field(min_length=1)
    """Name, address, or folder of a unix socket."""
    port: int = Field(ge=1, le=65535)
    dbname: str | None = None
    """Database on the server; unless given it stays as it is."""
    url: str | None = None
    """The application's connection string at the target, tried before anything is paused."""
    config_files: list[str] = Field(default_factory=list)
    """ini files in the order of ``admins``, or one for all; unless given the processes are asked."""
    timeouts: Timeouts = Timeouts()
    promotion: Parties | None = None
    """The target is a standby, to be promoted while clients are held."""
    promotes: str | None = None
    """The same in words without secrets, for the reader of a diff."""

    @model_validator(mode="after")
    def _one_file_each(self) -> Self:
        if len(self.config_files) not in (0, 1, len(self.admins)):
            raise ValueError("configFiles names one file for all processes, or one for each of `admins`")
        return self

    def conffiles(self) -> list[str]:
        """One file a process; empty when the processes are to be asked."""
        return self.config_files * len(self.admins) if len(self.config_files) == 1 else self.config_files
