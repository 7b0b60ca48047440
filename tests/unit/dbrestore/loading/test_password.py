"""The password of an administrator for the time of a load."""

from __future__ import annotations

import re

from dbrestore.handler import Context
from dbrestore.loading.inputs import PasswordInputs
from dbrestore.loading.password import Password

URN = Context("urn")


def drawn() -> str:
    identity, state = Password().create(URN, PasswordInputs(name="r"))
    assert (identity, state["name"]) == ("r", "r")
    return str(state["password"])


def test_it_is_another_one_each_time_and_takes_every_clouds_rules() -> None:
    one, other = drawn(), drawn()
    assert one != other
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html: no / " @ or space
    assert re.fullmatch(r"[A-Za-z0-9_-]{32,128}", one)
    assert all(re.search(kind, one) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))


def test_it_stays_and_is_kept_as_a_secret() -> None:
    identity, state = Password().create(URN, PasswordInputs(name="r"))
    assert Password().update(URN, identity, state, PasswordInputs(name="r")) == state
    assert Password().read(URN, identity, state) == state
    assert Password.secrets == {"password"}
    Password().delete(URN, identity, state)
