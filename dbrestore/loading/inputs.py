"""What a load is declared with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dbrestore.handler import Inputs
from dbrestore.jobs.settings import Cluster
from dbrestore.logical.inputs import DumpInputs


class GivenDump(DumpInputs):
    """A dump, and the instance that is to be made for it."""

    name: str
    version: str
    """Of the instance's PostgreSQL: "15.8", or the major version alone."""
    room: int
    """Bytes of the instance's storage."""
    platform: Literal["rds", "cloudsql"]
    known: list[str] = Field(default_factory=list)
    """Roles that will be there besides the platform's own: the administrator's, the application's."""
    runner: Cluster | None = None
    """Whose pods will load it."""


class Loading(DumpInputs):
    """A dump, and the database that it is loaded into."""

    name: str
    """The restore."""
    url: str
    """A secret: the database as its administrator reaches it. It is made where it does not exist."""
    user: str = ""
    """The application's role; it is made where it does not exist. None where it is empty."""
    password: str = ""
    """The application's, a secret."""
    locale: str = ""
    """Of the database, instead of the dump's own."""
    runner: Cluster | None = None
    """Whose pods load it; without one it is loaded from here."""


class PasswordInputs(Inputs):
    """Whose password it is."""

    name: str
