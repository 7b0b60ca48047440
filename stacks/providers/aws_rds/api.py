"""The one door to Amazon's API: read-only calls, and what goes wrong with them in our words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.exceptions as foreign
from botocore.config import Config

from problem import Problem

Record = dict[str, Any]
"""An answer's element in the words of the RDS API reference."""
_PATIENCE = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 6})
"""Throttled calls are repeated with growing pauses, about half a minute in all."""
_LOGIN = "Log in anew (aws sso login, or new keys in the environment), then run the same command again."
_ADD = "Add what docs/clouds/aws-rds.md lists under permissions to the role, then run the same command again."
_LIST = "`reforge sources` lists those that there are."
_WAIT = "Wait a minute, then run the same command again: nothing was changed."
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_WRONG = {"InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException", "AuthFailure"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
_NO_INSTANCE = {"DBInstanceNotFound", "DBInstanceNotFoundFault"}
_NO_SNAPSHOT = {"DBSnapshotNotFound", "DBSnapshotNotFoundFault"}
_SOURCE_GONE = "Look at `source` in the config; where the original is gone, name one like it: `source.like`."


class Rds:
    """What is asked of RDS in one region; every method only reads."""

    def __init__(self, region: str | None) -> None:
        with mapped("Reaching AWS"):
            # The provider reads AWS_REGION as well; boto3 alone does not.
            named = region or os.environ.get("AWS_REGION")
            self._client = boto3.Session(region_name=named).client("rds", config=_PATIENCE)
        self.region = str(self._client.meta.region_name)

    def instance(self, name: str) -> Record:
        """A DB instance; Problem ``rds-instance-missing``."""
        [found] = self._all("describe_db_instances", "DBInstances", name, DBInstanceIdentifier=name)
        return found

    def instance_if_any(self, name: str) -> Record | None:
        """The same; None where there is none."""
        try:
            return self.instance(name)
        except Problem as problem:
            if problem.name != "rds-instance-missing":
                raise
            return None

    def instances(self) -> list[Record]:
        """All that these credentials see in the region."""
        return self._all("describe_db_instances", "DBInstances", self.region)

    def snapshot(self, name: str) -> Record:
        """A snapshot by its name or, where another account shares it, by its ARN."""
        return self._all("describe_db_snapshots", "DBSnapshots", name, DBSnapshotIdentifier=name)[0]

    def snapshots(self, instance: str) -> list[Record]:
        """The manual and the automated ones of an instance."""
        return self._all("describe_db_snapshots", "DBSnapshots", instance, DBInstanceIdentifier=instance)

    def shared_snapshots(self) -> list[Record]:
        """Those that other accounts share with this one."""
        return self._all("describe_db_snapshots", "DBSnapshots", self.region, SnapshotType="shared")

    def automated_backups(self, instance: str) -> list[Record]:
        """The continuous backups of an instance; a deleted instance's may be retained."""
        what = ("describe_db_instance_automated_backups", "DBInstanceAutomatedBackups")
        return self._all(*what, instance, DBInstanceIdentifier=instance)

    def preloaded(self, group: str) -> set[str]:
        """The libraries that a parameter group of somebody's own loads: ``shared_preload_libraries``."""
        asked = {"DBParameterGroupName": group, "Source": "user"}
        found = self._all("describe_db_parameters", "Parameters", group, **asked)
        values = [
            one.get("ParameterValue", "")
            for one in found
            if one["ParameterName"] == "shared_preload_libraries"
        ]
        return {name.strip() for value in values for name in value.split(",")}

    def quotas(self) -> dict[str, tuple[int, int]]:
        """Used and allowed by the quota's name, as "DBInstances" and "AllocatedStorage" (GiB)."""
        with mapped(f"Asking RDS for its quotas in {self.region}"):
            answer = self._client.describe_account_attributes()
        return {one["AccountQuotaName"]: (one["Used"], one["Max"]) for one in answer["AccountQuotas"]}

    def orderable(self, instance_class: str, version: str) -> bool:
        """Whether RDS offers the class for a PostgreSQL version in this region."""
        options = {"Engine": "postgres", "EngineVersion": version, "DBInstanceClass": instance_class}
        call = "describe_orderable_db_instance_options"
        return bool(self._all(call, "OrderableDBInstanceOptions", instance_class, **options))

    def _all(self, call: str, answer: str, about: str, **asked: str) -> list[Record]:
        with mapped(f"Asking RDS for {about} in {self.region}"):
            pages = self._client.get_paginator(call).paginate(**asked)
            return [one for page in pages for one in page[answer]]


@contextmanager
def mapped(doing: str) -> Iterator[None]:
    """Foreign errors of what is done within become Problems; never with a credential in them."""
    try:
        yield
    except foreign.ClientError as error:
        raise _refused(doing, error) from None
    except foreign.NoRegionError:
        cure = "Name it: `region` under `source`, or AWS_REGION in the environment."
        raise Problem("aws-region-missing", f"{doing}: no region is named.", cure) from None
    except (foreign.ConnectionError, foreign.HTTPClientError) as error:
        cure = "Look at the network and at status.aws.amazon.com, then run the same command again."
        raise Problem("aws-unreachable", f"{doing}: {_first_line(error)}", cure) from None
    except foreign.BotoCoreError as error:  # no credentials, a profile that is not there, an SSO session over
        raise Problem("aws-credentials-missing", f"{doing}: {_first_line(error)}", _LOGIN) from None


def _refused(doing: str, error: foreign.ClientError) -> Problem:
    """An answer of AWS with its error code, in our words."""
    code = error.response["Error"].get("Code", "")
    if code in _EXPIRED:
        return Problem("aws-credentials-expired", f"{doing}: the credentials have expired ({code}).", _LOGIN)
    if code in _WRONG:
        return Problem("aws-credentials-wrong", f"{doing}: the credentials are not valid ({code}).", _LOGIN)
    if code in _DENIED:
        return Problem("aws-denied", f"{doing}: these credentials may not do that ({code}).", _ADD)
    if code in _THROTTLED:
        return Problem("aws-throttled", f"{doing}: AWS takes no more calls just now ({code}).", _WAIT)
    if code in _NO_INSTANCE:
        return Problem("rds-instance-missing", f"{doing}: there is no such DB instance.", _SOURCE_GONE)
    if code in _NO_SNAPSHOT:
        return Problem("rds-snapshot-missing", f"{doing}: there is no such snapshot.", _LIST)
    said = error.response["Error"].get("Message") or code
    return Problem("aws-refused", f"{doing}: {said} ({code})", "Mend what it names, then run it again.")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
