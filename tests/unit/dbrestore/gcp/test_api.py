"""The boundary to Google: each of its failures has a name, what it is about, and a cure."""

from __future__ import annotations

from typing import Any

import httplib2
import pytest
from google.auth import exceptions as unauthorized
from googleapiclient.errors import HttpError, UnknownApiNameOrVersion

from dbrestore.gcp.api import Api, NotThere, Refused, absent, answered
from problem import Problem


def status(code: int) -> HttpError:
    return HttpError(httplib2.Response({"status": code}), b'{"error": {"message": "hush: hunter2"}}')


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (status(401), "gcp-credentials-expired"),
        (status(403), "gcp-denied"),
        (status(429), "gcp-throttled"),
        (status(400), "gcp-refused"),
        (unauthorized.DefaultCredentialsError("none"), "gcp-credentials-missing"),
        (unauthorized.RefreshError("over"), "gcp-credentials-expired"),
        (unauthorized.TransportError("away"), "gcp-unreachable"),
        (TimeoutError("timed out"), "gcp-unreachable"),
        (httplib2.ServerNotFoundError("away"), "gcp-unreachable"),
        (UnknownApiNameOrVersion("x"), "gcp-unreachable"),
    ],
)
def test_a_failure_is_told_by_name_without_a_value(error: Exception, name: str) -> None:
    with pytest.raises(Problem) as caught, answered("the secret a"):
        raise error
    assert caught.value.name == name
    assert "the secret a" in caught.value.what
    assert caught.value.cure
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("code", "kind"), [(404, NotThere), (409, Refused), (412, Refused)])
def test_what_a_room_decides_by_has_a_class_of_its_own(code: int, kind: type[Problem]) -> None:
    with pytest.raises(kind), answered("the secret a"):
        raise status(code)


def test_credentials_come_from_google_auth_where_no_token_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN", raising=False)

    def none(**_asked: Any) -> None:
        raise unauthorized.DefaultCredentialsError("none")

    monkeypatch.setattr("google.auth.default", none)
    with pytest.raises(Problem) as caught:
        Api("dns")
    assert caught.value.name == "gcp-credentials-missing"


def test_what_is_not_there_is_told_with_its_project() -> None:
    assert "no secret x in the project p" in str(absent("secret x", "p"))
