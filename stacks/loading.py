"""A dump in a new, empty instance of a cloud: what is declared around that instance.

First a look at the dump, which the instance waits for, so that nothing is made for a dump that cannot be
loaded; then the instance; then the load, which whatever points there waits for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import pulumi

from stacks.endpoints import Target
from stacks.model import Config
from stacks.plugin import LoadingDump, LoadingLoad, LoadingPassword
from stacks.restores import Released, Restore
from stacks.urls import moved
from stacks.values import clear

GIB = 2**30
_KEPT = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "channel_binding")
"""Of a connection string, for the load: how it is encrypted. An application's timeouts would end a load."""
_TIMES = pulumi.CustomTimeouts(create="24h", update="24h")


@dataclass(frozen=True)
class Loading:
    """One restore from a dump, before its instance is declared."""

    name: str
    config: Config[Any, Any]
    admin: str
    """The administrator's role that a new instance comes with."""

    def prepare(self, platform: str, version: str, storage: int) -> Prepared:
        """The look at the dump, and a password. ``version`` of the instance; ``storage`` in GiB.

        What is being removed is neither looked at nor loaded: that it cannot be may be why it goes.
        """
        going = self._restore.release
        look = () if going else (self._look(platform, version, storage * GIB),)
        return Prepared(self, look, self._admin_password(), going)

    def _look(self, platform: str, version: str, room: int) -> pulumi.Resource:
        return LoadingDump(
            f"{self.name}-dump",
            {
                "name": self.name,
                **origin(self._restore),
                "platform": platform,
                "version": version,
                "room": room,
                "known": sorted({self.admin, self._user}),
                **self._runner,
            },
            # Neither a minor upgrade nor more storage of the original asks for another look.
            pulumi.ResourceOptions(ignore_changes=["version", "room", "known", "runner"]),
        )

    def load(self, password: pulumi.Output[str], at: Target) -> LoadingLoad:
        """The load into the instance ``at``."""
        source = pulumi.Output.secret(clear(self.config.source_url))
        url = pulumi.Output.all(source, at.host, at.port, password).apply(
            lambda known: entrance(
                moved(*known[:3]), self.admin, known[3], database=self.config.source.database
            )
        )
        return LoadingLoad(
            f"{self.name}-load",
            {
                "name": self.name,
                **origin(self._restore),
                "locale": self._restore.from_.locale or "",
                "url": pulumi.Output.secret(url),
                "user": self._user,
                "password": pulumi.Output.secret(self._password),
                **self._runner,
            },
            # Who has loaded it once says nothing of who would today.
            pulumi.ResourceOptions(
                depends_on=list(at.needs), custom_timeouts=_TIMES, ignore_changes=["runner"]
            ),
        )

    def _admin_password(self) -> pulumi.Output[str]:
        """The application's own where it logs in as the administrator, else one that nobody knows."""
        if self._user == self.admin:
            return pulumi.Output.secret(self._password)
        drawn = LoadingPassword(f"{self.name}-password", {"name": self.name}, pulumi.ResourceOptions())
        return pulumi.Output.secret(drawn.password)

    @property
    def _runner(self) -> dict[str, Any]:
        """Whose pods load it, where the config says so."""
        runner = self.config.runner
        return {"runner": runner.plain()} if runner else {}

    @property
    def _restore(self) -> Released:
        found: Released = self.config.restores[self.name]
        return found

    @property
    def _user(self) -> str:
        return unquote(urlsplit(clear(self.config.source_url)).username or "")

    @property
    def _password(self) -> str:
        return unquote(urlsplit(clear(self.config.source_url)).password or "")


@dataclass(frozen=True)
class Prepared:
    """All that an instance waits for, and what it is made with."""

    loading: Loading
    before: tuple[pulumi.Resource, ...]
    """To be done before it."""
    password: pulumi.Output[str]
    """Of its administrator; a secret."""
    going: bool
    """Whether it is being removed."""

    def load(self, at: Target) -> Target:
        """The same instance, once the dump is in it: nobody finds its address before."""
        if self.going:
            return at
        load = self.loading.load(self.password, at)
        loaded = pulumi.Output.all(at.url, load.status).apply(lambda known: str(known[0]))
        return Target(at.name, pulumi.Output.secret(loaded), at.host, at.port, (*at.needs, load))


def origin(restore: Restore) -> dict[str, Any]:
    """The dump and how it is loaded; a cluster's own settings are the cloud's."""
    options = restore.from_.dump_options.items()
    kept = {name: value for name, value in options if name not in ("locale", "checksums")}
    return {"place": str(restore.from_.dump), **kept}


def entrance(url: str, user: str, password: str, database: str) -> str:
    """``url`` for an administrator's load into a database: its host, its port and how it is encrypted."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
    query = [(name, value) for name, value in parse_qsl(parts.query) if name in _KEPT]
    path = f"/{quote(database, safe='')}"
    return urlunsplit((parts.scheme, f"{credentials}@{place}", path, urlencode(query), ""))
