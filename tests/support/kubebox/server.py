"""A real Kubernetes API server for tests: built once from the Go module proxy, then found in the cache.

About ten minutes of CPU and 4 GB of Go's caches for the build; 5 s and 270 MB for each start.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.ground import Server, free_port
from toolchain.cache import cache_folder, only_one

HERE = Path(__file__).parent
_AUDITED = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]}],
}
"""The server writes down who asks to change what, and nothing of the values."""
_VERSION = "k8s.io/component-base/version"
_BUILD_SECONDS = 3600


def binary() -> Path:
    """The built server; the test is skipped, with the reason, where it cannot be built."""
    digest = hashlib.sha256((HERE / "go.sum").read_bytes()).hexdigest()[:12]
    built = cache_folder() / "kubebox" / digest / "kubebox"
    if not built.exists():
        with only_one("building kubebox", built.parent, print):
            if not built.exists():
                _build(built)
    return built


def _build(built: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("kubebox: Go is not installed, and it builds the Kubernetes API server of these tests")
    flags = f"-s -w -X {_VERSION}.gitVersion=v1.35.0 -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=35"
    new = built.with_suffix(".new")
    command = ["go", "build", "-trimpath", "-ldflags", flags, "-o", str(new), "./cmd/kubebox"]
    settings = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-p=2 -mod=readonly"}
    ran = subprocess.run(
        command, cwd=HERE, env=settings, capture_output=True, text=True, timeout=_BUILD_SECONDS
    )
    if ran.returncode != 0:
        pytest.skip(f"kubebox: Go cannot build it here: {ran.stderr.strip()[-300:]}")
    new.rename(built)


class Kubebox(Server):
    """The API server on loopback, with its own certificate.

    ``token`` may do everything, ``lesser_token`` (the user ``reforge``) what roles let it.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.port, self.token, self.lesser_token = free_port(), secrets.token_hex(16), secrets.token_hex(16)
        self.url = f"https://127.0.0.1:{self.port}"
        self.kubeconfig = directory / "kubeconfig"

    @property
    def authority(self) -> Path:
        """The file of the certificate that it serves with."""
        return self.directory / "certs" / "apiserver.crt"

    def start(self) -> None:
        tokens = self.directory / "tokens.csv"
        tokens.touch(0o600)
        tokens.write_text(f'{self.token},admin,admin,"system:masters"\n{self.lesser_token},reforge,reforge\n')
        policy = self.directory / "audit.yaml"
        policy.write_text(yaml.safe_dump(_AUDITED))
        flags = {
            "audit-policy-file": policy,
            "audit-log-path": self.directory / "audit.jsonl",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": self.port,
            "service-cluster-ip-range": "10.0.0.0/24",
            "endpoint-reconciler-type": "none",
            "authorization-mode": "RBAC",
            "anonymous-auth": "false",
            "token-auth-file": tokens,
            "disable-admission-plugins": "ServiceAccount",
            "profiling": "false",
        }
        command = [
            str(binary()),
            str(self.directory),
            *(f"--{name}={value}" for name, value in flags.items()),
        ]
        self._launch(command, self._is_ready, deadline=60)
        self.kubeconfig.touch(0o600)
        self.kubeconfig.write_text(yaml.safe_dump(self.config(self.lesser_token)))

    def config(self, token: str, port: int = 0) -> dict[str, Any]:
        """A kubeconfig with one context, ``kubebox``; through another port where one is given."""
        server = f"https://127.0.0.1:{port or self.port}"
        cluster = {"server": server, "certificate-authority": str(self.authority)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "kubebox",
            "clusters": [{"name": "kubebox", "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "kubebox", "context": {"cluster": "kubebox", "user": "user"}}],
        }

    def changes(self, user: str, namespace: str) -> list[tuple[str, str]]:
        """What an account has asked to change in a namespace: ("patch", "deployments/api"), as audited."""
        lines = (self.directory / "audit.jsonl").read_text().splitlines()
        events = [json.loads(line) for line in lines]
        return [
            (one["verb"], f"{one['objectRef']['resource']}/{one['objectRef'].get('name', '')}")
            for one in events
            if one["user"]["username"] == user and one["objectRef"].get("namespace") == namespace
        ]

    def client(self) -> httpx.Client:
        """Plain HTTP to it, as the account that may do everything."""
        trusted = ssl.create_default_context(cafile=str(self.authority))
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, verify=trusted, headers=headers, trust_env=False, timeout=20)

    def _is_ready(self) -> bool:
        if not self.authority.exists():
            return False
        try:
            with self.client() as client:
                return client.get("/readyz").text == "ok"
        except (httpx.HTTPError, OSError):
            return False
