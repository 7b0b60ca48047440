"""Who servers run as."""

from __future__ import annotations

import os
import pwd
import subprocess

import pytest

from toolchain import accounts
from toolchain.accounts import Account, popen_as, server_account


def test_an_ordinary_user_runs_servers_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert server_account() is None
    assert popen_as(None) == {}


def test_root_runs_servers_as_postgres_where_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(accounts, "account", lambda name: Account(name, 70, 71))
    assert server_account() == Account("postgres", 70, 71)


def test_root_runs_servers_as_nobody_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_nobody(name: str) -> Account:
        return {"nobody": Account("nobody", 65534, 65534)}[name]

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(accounts, "account", only_nobody)
    assert server_account() == Account("nobody", 65534, 65534)


def test_an_account_is_looked_up_by_name() -> None:
    entry = pwd.getpwuid(os.geteuid())
    assert accounts.account(entry.pw_name) == Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a program as another account")
def test_a_program_started_as_an_account_has_its_ids_and_no_groups_of_ours() -> None:
    nobody = accounts.account("nobody")
    ran = subprocess.run(["id", "-u"], capture_output=True, text=True, check=True, **popen_as(nobody))
    groups = subprocess.run(["id", "-G"], capture_output=True, text=True, check=True, **popen_as(nobody))
    assert int(ran.stdout) == nobody.uid
    assert groups.stdout.split() == [str(nobody.gid)]
