"""The boundary to Google Cloud: clients with time-boxes and retries, and Google's errors in our words.

The APIs are known from the discovery documents that the client brings; nothing is fetched to know them.
Credentials come from where google-auth looks, or from the token that Google's own providers read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import google.auth
import google_auth_httplib2
import httplib2
from google.auth import exceptions as unauthorized
from google.oauth2.credentials import Credentials
from googleapiclient import discovery
from googleapiclient import errors as foreign

from problem import Problem

TOKEN = "GOOGLE_OAUTH_ACCESS_TOKEN"  # noqa: S105 - a variable's name
_ENDPOINTS = {
    "secretmanager": "GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT",
    "dns": "GOOGLE_DNS_CUSTOM_ENDPOINT",
    "sqladmin": "GOOGLE_SQL_CUSTOM_ENDPOINT",
}
"""The variables of Google's provider, so that both talk to the same API."""
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SECONDS = 30
_TRIES = 5
"""Again after a throttled call or an error of Google's own, with growing pauses, half a minute in all."""
_CORRECT = "Correct name and project in the config; Reforge changes what is there and makes nothing new."
_LOGIN = "Log in anew: gcloud auth application-default login; then run the same command again."


class NotThere(Problem):
    """Google has no such thing."""


class Refused(Problem):
    """Google will not make this change to what is there now."""


class Api:
    """One of Google's APIs, call by call."""

    def __init__(self, name: str) -> None:
        with answered(f"the API {name}"):
            self.api = _service(name)

    def ask(self, request: Any, what: str, again: bool = True) -> dict[str, Any]:
        """The answer to a call about ``what``; raises ``NotThere``, ``Refused`` or a Problem.

        ``again``: False for a call that Google would do twice when it is made twice.
        """
        with answered(what):
            found: dict[str, Any] = request.execute(num_retries=_TRIES if again else 0)
            return found


def _service(name: str) -> Any:
    base = os.environ.get(_ENDPOINTS[name])
    options = {"api_endpoint": urlsplit(base)._replace(path="/").geturl()} if base else {}
    http = google_auth_httplib2.AuthorizedHttp(_credentials(), http=httplib2.Http(timeout=_SECONDS))
    return discovery.build(name, "v1", http=http, static_discovery=True, client_options=options)


def _credentials() -> Any:
    if token := os.environ.get(TOKEN):
        return Credentials(token)  # type: ignore[no-untyped-call]  # google-auth types a part of itself
    return google.auth.default(scopes=[_SCOPE])[0]


@contextmanager
def answered(what: str) -> Iterator[None]:
    """Say Google's errors about ``what`` in our words, never with a value in them."""
    try:
        yield
    except foreign.HttpError as error:
        raise _refused(error, what) from None
    except unauthorized.DefaultCredentialsError:
        text = f"There are no credentials in the environment for {what}."
        raise Problem("gcp-credentials-missing", text, _LOGIN) from None
    except unauthorized.RefreshError:
        raise Problem(
            "gcp-credentials-expired", f"The credentials for {what} have expired.", _LOGIN
        ) from None
    except (OSError, httplib2.HttpLib2Error, unauthorized.TransportError, foreign.Error) as error:
        text = f"Google did not answer about {what}: {type(error).__name__}."
        cure = "Look at the network and at status.cloud.google.com, then run the same command again."
        raise Problem("gcp-unreachable", text, cure) from None


def _refused(error: foreign.HttpError, what: str) -> Problem:
    status = int(error.status_code)
    if status == 404:
        return NotThere("gcp-not-found", f"Google does not have {what}.", _CORRECT)
    if status in (409, 412):
        cure = "Look at what was changed there, then run the same command again."
        return Refused("gcp-conflict", f"Somebody else changed {what} at the same time.", cure)
    if status == 401:
        return Problem(
            "gcp-credentials-expired", f"The credentials for {what} are not valid any more.", _LOGIN
        )
    if status == 429:
        cure = "Wait a minute, then run the same command again; it goes on where it stopped."
        return Problem("gcp-throttled", f"Google takes no more calls about {what} just now.", cure)
    if status == 403:
        cure = "Give the account the roles of docs/clouds/endpoints.md, then run the same command again."
        return Problem("gcp-denied", f"These credentials may not do what was asked about {what}.", cure)
    cure = "Look at it in Google's console, then run the same command again."
    return Problem("gcp-refused", f"Google refused a call about {what} (HTTP {status}).", cure)


def absent(what: str, project: str) -> Problem:
    """What to say of a thing that the endpoint names and Google does not have."""
    return Problem("gcp-not-found", f"There is no {what} in the project {project}.", _CORRECT)
