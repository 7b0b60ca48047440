"""The operating system account that servers run as: PostgreSQL and pgbouncer refuse root."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from typing import TypedDict


class ProcessIdentity(TypedDict, total=False):
    """Keyword arguments of ``subprocess.Popen`` and ``subprocess.run``."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """An account of this machine."""

    name: str
    uid: int
    gid: int

    def popen(self) -> ProcessIdentity:
        """Keyword arguments that make ``subprocess`` start a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account() -> Account | None:
    """The account for servers: None where we are not root, so that they run as ourselves.

    As root it is ``postgres`` where the packages have made it, else ``nobody``.
    """
    if os.geteuid() != 0:
        return None
    try:
        return account("postgres")
    except KeyError:
        return account("nobody")


def account(name: str) -> Account:
    """The account of that name; KeyError where there is none."""
    entry = pwd.getpwnam(name)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def popen_as(who: Account | None) -> ProcessIdentity:
    """``subprocess`` keyword arguments to run as ``who``, or as ourselves when None."""
    return who.popen() if who else {}
