"""A cut-over and a rollback that lead the application by AWS and Google: real engine, moto, fake Google."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.aws.cloud import Cloud, cloud
from tests.support.gcp_values import google_values, packed
from tests.support.small_site import Project, small_site

pytestmark = [pytest.mark.clouds, pytest.mark.slow]
NAME = "before-accident"
SECRET, PARAMETER, ZONE_NAME = "starforge/database", "/starforge/database-host", "starforge.example"
WHOLE = "projects/starforge/secrets/database-url"
RESTORE = """  reforge:restores:
    {name}:
      from:
        time: "{target}"
      waived:
        reason: compared by hand with the ledger
        by: alice
        at: "2026-01-01T00:00:00Z"
"""
ENDPOINTS = """  reforge:endpoints:
    - aws-secret: {{id: {secret}, key: url}}
    - aws-parameter: {{name: {parameter}, holds: port}}
    - gcp-secret: {{project: starforge, id: database-url}}
"""


class Owner:
    """What AWS holds, as the application reads it."""

    def __init__(self, aws: Cloud, url: str) -> None:
        self.secrets, self.parameters = aws.client("secretsmanager"), aws.client("ssm")
        self.frame = '{"url": %s,\n  "pool":  10, "api_key": "k-\\u00e9"}'
        self.secrets.create_secret(Name=SECRET, SecretString=self.frame % json.dumps(url))
        port = str(urlsplit(url).port)
        self.parameters.put_parameter(Name=PARAMETER, Value=port, Type="SecureString", KeyId="alias/app")

    def text(self, label: str = "AWSCURRENT") -> str:
        return str(self.secrets.get_secret_value(SecretId=SECRET, VersionStage=label)["SecretString"])

    def put(self, text: str) -> None:
        self.secrets.put_secret_value(SecretId=SECRET, SecretString=text)

    @property
    def port(self) -> str:
        found = self.parameters.get_parameter(Name=PARAMETER, WithDecryption=True)
        return str(found["Parameter"]["Value"])

    @property
    def versions(self) -> int:
        return len(self.secrets.list_secret_version_ids(SecretId=SECRET, IncludeDeprecated=True)["Versions"])


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("aws")) as made:
        yield made


def spoken(project: Project) -> str:
    """Everything that stays on disk of a run: state, journal, plans, logs."""
    files = [path for path in (project.folder / ".reforge").rglob("*") if path.is_file()]
    return "".join(path.read_text(errors="replace") for path in files if path.name != "passphrase")


def test_a_cutover_and_a_rollback_move_what_the_clouds_tell_the_application(aws: Cloud) -> None:
    with google_values() as google, small_site() as ground, ground.project("clouds") as project:
        source = project.reforge("env", "source", "--show").document["url"]
        owner, said = Owner(aws, source), ""
        google.secrets[WHOLE] = [packed(source)]

        def run(*words: str) -> Any:
            nonlocal said
            ended = project.reforge(*words)
            said += ended.text.replace(json.dumps(source)[1:-1], "")
            return ended

        listed = ENDPOINTS.format(secret=SECRET, parameter=PARAMETER)
        project.edit("  reforge:endpoints:\n", listed)
        project.edit("  reforge:restores: {}\n", RESTORE.format(name=NAME, target=ground.target))
        aws.forget()
        said += project.pulumi("up", "--yes", "--diff").text
        assert not [call for call in aws.recorded if call.changes], "recording the originals changes nothing"
        assert google.secrets == {WHOLE: [packed(source)]}

        shown = project.reforge("cutover", NAME, "--dry-run", expect=None).text
        said += shown
        theirs = owner.frame % json.dumps("postgresql://hush@elsewhere/x")
        owner.put(theirs)
        refused = project.reforge("cutover", NAME, "--yes", expect=1).text
        assert "url in the secret starforge/database was changed by someone else" in refused
        assert "changed-meanwhile" in refused
        assert "hush" not in refused
        assert owner.text() == theirs
        said += refused
        owner.put(owner.frame % json.dumps(source))

        run("cutover", NAME, "--yes")  # the same command goes on
        moved = source.replace(str(urlsplit(source).port), str(project.port_of(NAME)))
        assert owner.text() == owner.frame % json.dumps(moved)
        assert owner.text(f"reforge-before-{NAME}") == owner.frame % json.dumps(source)
        assert owner.port == str(project.port_of(NAME))

        assert google.secrets == {WHOLE: [packed(source), packed(moved)]}

        run("rollback", "--yes")
        assert owner.text() == owner.frame % json.dumps(source)
        assert owner.port == str(urlsplit(source).port)
        assert owner.versions == 5
        assert google.secrets == {WHOLE: [packed(source), packed(moved), packed(source)]}
        assert google.aliases[WHOLE] == {f"reforge-before-{NAME}": "1", "reforge-before-source": "2"}
        assert google.wrong == []
        said += project.pulumi("up", "--yes", "--expect-no-changes").text

        run("teardown", NAME, "--yes")
        assert owner.versions == 5
        password = urlsplit(source).password
        assert password
        assert password not in said
        assert "k-" not in said
        assert password not in spoken(project)
        assert ":***@" in said
