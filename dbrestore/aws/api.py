"""The boundary to AWS: clients with time-boxes and retries, and AWS's errors in our words.

Credentials and region come from where boto3 looks for them. Throttled calls are retried by botocore's
"standard" mode with backoff and jitter (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import boto3
from botocore import exceptions
from botocore.config import Config

from problem import Problem

ClientError: TypeAlias = exceptions.ClientError
"""AWS's refusal of a call, by whose ``code_of`` a room decides before it becomes a Problem."""
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=5, read_timeout=30)
_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "PriorRequestNotComplete",
    "TooManyUpdates",
}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_WRONG = {"InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException", "AuthFailure"}
_FORBIDDEN = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "KMSAccessDeniedException"}
_LOGIN = "Log in anew (aws sso login, or as your team does), then run the same command again; it goes on."
_NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.SSOError,
    exceptions.ProfileNotFound,
)


def client(service: str, region: str | None) -> Any:
    """A client of a service; ``region`` None: as the environment says."""
    region = region or os.environ.get("AWS_REGION")  # read by Pulumi and the other SDKs, not by boto3
    with answered(f"{service} in {region or 'the region of the environment'}"):
        return boto3.session.Session(region_name=region).client(service, config=_CONFIG)


def code_of(error: ClientError) -> str:
    """AWS's name of an error."""
    return str(error.response.get("Error", {}).get("Code", "")).rpartition("#")[2]


@contextmanager
def answered(what: str) -> Iterator[None]:
    """Say AWS's errors about ``what`` in our words, never with a value in them."""
    try:
        yield
    except ClientError as error:
        raise _refused(error, what) from error
    except _NO_CREDENTIALS as error:
        text = f"There are no credentials for {what}: {type(error).__name__}."
        raise Problem("aws-credentials-missing", text, _LOGIN) from error
    except exceptions.NoRegionError as error:
        cure = "Set `region` in the endpoint, or AWS_REGION in the environment, then run again."
        raise Problem("aws-region-missing", f"No region is known for {what}.", cure) from error
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        cure = "Look at the network and at AWS's health page, then run the same command again; it goes on."
        text = f"AWS did not answer about {what}: {type(error).__name__}."
        raise Problem("aws-unreachable", text, cure) from error
    except exceptions.BotoCoreError as error:  # a call that the SDK finds wrong: its words quote the values
        text = f"The AWS SDK refused a call about {what}: {type(error).__name__}."
        raise Problem("aws-refused", text, "Correct the endpoint's settings, then run again.") from error


def _refused(error: ClientError, what: str) -> Problem:
    code = code_of(error)
    if code in _THROTTLED:
        cure = "Wait a minute, then run the same command again; it goes on where it stopped."
        return Problem("aws-throttled", f"AWS throttles calls about {what}, eight times in a row.", cure)
    if code in _EXPIRED:
        return Problem(
            "aws-credentials-expired", f"The credentials for {what} have expired ({code}).", _LOGIN
        )
    if code in _WRONG:
        return Problem(
            "aws-credentials-wrong", f"AWS does not know the credentials for {what} ({code}).", _LOGIN
        )
    if code in _FORBIDDEN:
        cure = "Give the role the policy of docs/clouds/endpoints.md, then run the same command again."
        text = f"AWS forbids {error.operation_name} on {what} to these credentials ({code})."
        return Problem("aws-denied", text, cure)
    text = f"AWS refused {error.operation_name} on {what}: {code}."
    cure = "Look at it in AWS's console, then run the same command again."
    return Problem("aws-refused", text, cure)


def absent(what: str, region: str) -> Problem:
    """What to say of a thing that the endpoint names and AWS does not have."""
    cure = "Correct name and region in the config; Reforge changes what is there and makes nothing new."
    return Problem("aws-not-found", f"There is no {what} in {region}.", cure)
