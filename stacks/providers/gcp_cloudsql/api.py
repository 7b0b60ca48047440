"""The one door to the Cloud SQL Admin API: read-only calls, and what goes wrong with them in our words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import google.auth
import google_auth_httplib2
import httplib2
from google.auth import exceptions as credentials_wrong
from google.oauth2.credentials import Credentials
from googleapiclient import discovery
from googleapiclient.errors import Error as AnyError
from googleapiclient.errors import HttpError

from problem import Problem

Record = dict[str, Any]
"""An answer's element in the words of https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1."""
ENDPOINT, TOKEN = "GOOGLE_SQL_CUSTOM_ENDPOINT", "GOOGLE_OAUTH_ACCESS_TOKEN"
"""The variables of Google's provider: it and this client talk to the same API as the same caller."""
TRIES = 5
"""Again after a throttled call or an error of Google's own, with growing pauses, half a minute in all."""
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SECONDS = 30
_LOGIN = "Log in anew: gcloud auth application-default login; then run the same command again."
_ADD = "Add what docs/clouds/gcp-cloudsql.md lists under permissions to the role, then run it again."
_LIST = "`reforge sources` lists those that there are."
_WAIT = "Wait a minute, then run the same command again: nothing was changed."
_SOURCE_GONE = "Look at `source` in the config; where the original is gone, name one like it: `source.like`."
_THROTTLED = {"rateLimitExceeded", "userRateLimitExceeded"}


class CloudSql:
    """What is asked of Cloud SQL in one project; every method only reads."""

    def __init__(self, project: str) -> None:
        self.project = project
        with mapped("Reaching Google Cloud"):
            self._api = _service()

    def instance(self, name: str) -> Record:
        """An instance; Problem ``cloudsql-instance-missing``."""
        return self._one(f"instance {name}", self._api.instances().get(project=self.project, instance=name))

    def instance_if_any(self, name: str) -> Record | None:
        """The same; None where there is none.

        Looked for in the list: asked for by its name, one that is not there may be told as one that these
        credentials may not see.
        """
        return next((one for one in self.instances() if one["name"] == name), None)

    def instances(self) -> list[Record]:
        """All that these credentials see in the project."""
        return self._all("instances", self._api.instances(), project=self.project)

    def backup(self, project: str, instance: str, number: int) -> Record:
        """A backup run; Problem ``cloudsql-backup-missing``."""
        asked = self._api.backupRuns().get(project=project, instance=instance, id=str(number))
        return self._one(f"backup {number} of {instance}", asked)

    def backups(self, instance: str) -> list[Record]:
        """The backup runs of an instance."""
        return self._all(
            f"backups of {instance}", self._api.backupRuns(), project=self.project, instance=instance
        )

    def window(self, instance: str) -> tuple[str, str]:
        """The earliest and the latest time that it can be cloned to, RFC 3339."""
        asked = (
            self._api.projects().instances().getLatestRecoveryTime(project=self.project, instance=instance)
        )
        found = self._one(f"the recovery window of {instance}", asked)
        return str(found["earliestRecoveryTime"]), str(found["latestRecoveryTime"])

    def tiers(self) -> list[Record]:
        """The named tiers; custom ones are not listed."""
        return self._all("tiers", self._api.tiers(), project=self.project)

    def operations(self, instance: str) -> list[Record]:
        """What was done to an instance, also to a deleted one, the latest first; [] for an unknown one."""
        what = f"operations on {instance}"
        try:
            return self._all(what, self._api.operations(), project=self.project, instance=instance)
        except Problem as problem:
            if problem.name not in ("cloudsql-instance-missing", "gcp-denied"):
                raise
            return []

    def _one(self, about: str, request: Any) -> Record:
        with mapped(f"Asking Cloud SQL in {self.project} for {about}"):
            found: Record = request.execute(num_retries=TRIES)
            return found

    def _all(self, about: str, collection: Any, **asked: str) -> list[Record]:
        found, request = list[Record](), collection.list(**asked)
        while request is not None:
            answer = self._one(about, request)
            found += answer.get("items", [])
            following = getattr(collection, "list_next", None)  # tiers come on one page
            request = following(request, answer) if following else None
        return found


def _service() -> Any:
    base = os.environ.get(ENDPOINT)
    options = {"api_endpoint": f"{urlsplit(base)._replace(path='/').geturl()}"} if base else {}
    http = google_auth_httplib2.AuthorizedHttp(_credentials(), http=httplib2.Http(timeout=_SECONDS))
    # The discovery document comes with the client: nothing is fetched to know the API.
    return discovery.build("sqladmin", "v1", http=http, static_discovery=True, client_options=options)


def _credentials() -> Any:
    if token := os.environ.get(TOKEN):
        return Credentials(token)  # type: ignore[no-untyped-call]  # ships no types for it
    return google.auth.default(scopes=[_SCOPE])[0]


@contextmanager
def mapped(doing: str) -> Iterator[None]:
    """Foreign errors of what is done within become Problems; never with a credential in them."""
    try:
        yield
    except HttpError as error:
        raise _refused(doing, error) from None
    except credentials_wrong.DefaultCredentialsError:
        what = f"{doing}: there are no credentials in the environment."
        raise Problem("gcp-credentials-missing", what, _LOGIN) from None
    except credentials_wrong.RefreshError:
        raise Problem("gcp-credentials-expired", f"{doing}: the credentials have expired.", _LOGIN) from None
    except (OSError, httplib2.HttpLib2Error, credentials_wrong.TransportError, AnyError) as error:
        cure = "Look at the network and at status.cloud.google.com, then run the same command again."
        raise Problem("gcp-unreachable", f"{doing}: {_first_line(error)}", cure) from None


def _refused(doing: str, error: HttpError) -> Problem:
    """An answer of Google with its status and reason, in our words."""
    status, reason = int(error.status_code), _reason(error)
    if status == 401:
        return Problem("gcp-credentials-expired", f"{doing}: the credentials are not valid any more.", _LOGIN)
    if status == 429 or reason in _THROTTLED:
        return Problem("gcp-throttled", f"{doing}: Google takes no more calls just now.", _WAIT)
    if reason == "accessNotConfigured":
        cure = "Turn it on: gcloud services enable sqladmin.googleapis.com"
        return Problem("gcp-api-off", f"{doing}: the Cloud SQL Admin API is off in the project.", cure)
    if status == 403:
        return Problem("gcp-denied", f"{doing}: these credentials may not do that.", _ADD)
    if reason == "backupRunDoesNotExist":
        return Problem("cloudsql-backup-missing", f"{doing}: there is no such backup.", _LIST)
    if status == 404:
        return Problem("cloudsql-instance-missing", f"{doing}: there is no such instance.", _SOURCE_GONE)
    return Problem(
        "gcp-refused", f"{doing}: {error.reason} ({status})", "Mend what it names, then run it again."
    )


def _reason(error: HttpError) -> str:
    details = error.error_details
    first = details[0] if isinstance(details, list) and details else {}
    return str(first.get("reason", "")) if isinstance(first, dict) else ""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
