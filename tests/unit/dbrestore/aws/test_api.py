"""The boundary to AWS: each of its failures has a name, what it is about, and a cure."""

from __future__ import annotations

import pytest
from botocore import exceptions

from dbrestore.aws.api import absent, answered, client
from problem import Problem


def refusal(code: str) -> exceptions.ClientError:
    words = {"Error": {"Code": code, "Message": "hush: the value 'hunter2' at 'value' failed"}}
    return exceptions.ClientError(words, "PutParameter")


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (refusal("ThrottlingException"), "aws-throttled"),
        (refusal("PriorRequestNotComplete"), "aws-throttled"),
        (refusal("ExpiredTokenException"), "aws-credentials-expired"),
        (refusal("UnrecognizedClientException"), "aws-credentials-wrong"),
        (refusal("AccessDeniedException"), "aws-denied"),
        (refusal("ValidationException"), "aws-refused"),
        (refusal("com.amazonaws#InternalServiceError"), "aws-refused"),
        (exceptions.NoCredentialsError(), "aws-credentials-missing"),
        (exceptions.ProfileNotFound(profile="x"), "aws-credentials-missing"),
        (exceptions.NoRegionError(), "aws-region-missing"),
        (exceptions.EndpointConnectionError(endpoint_url="http://x"), "aws-unreachable"),
        (exceptions.ReadTimeoutError(endpoint_url="http://x"), "aws-unreachable"),
        (exceptions.ParamValidationError(report="hunter2 is no number"), "aws-refused"),
    ],
)
def test_a_failure_is_told_by_name_without_a_value(error: Exception, name: str) -> None:
    with pytest.raises(Problem) as caught, answered("the parameter /a"):
        raise error
    assert caught.value.name == name
    assert "the parameter /a" in caught.value.what
    assert caught.value.cure
    assert "hunter2" not in str(caught.value)


def test_what_is_refused_names_the_call_and_the_policy() -> None:
    with (
        pytest.raises(Problem, match="PutParameter on the parameter /a") as caught,
        answered("the parameter /a"),
    ):
        raise refusal("AccessDenied")
    assert "docs/clouds/endpoints.md" in caught.value.cure


def test_a_client_retries_what_is_throttled_and_waits_no_longer_than_half_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    made = client("ssm", None)
    assert made.meta.region_name == "eu-north-1"
    assert client("ssm", "eu-west-1").meta.region_name == "eu-west-1"
    assert made.meta.config.retries == {"mode": "standard", "total_max_attempts": 8}
    assert (made.meta.config.connect_timeout, made.meta.config.read_timeout) == (5, 30)


def test_what_is_not_there_is_told_with_its_region() -> None:
    assert "no secret x in eu-west-1" in str(absent("secret x", "eu-west-1"))
