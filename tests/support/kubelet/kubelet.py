"""In place of a kubelet: runs the containers of pods that are bound to its node, and gives their logs.

What a container gets is what its pod says and what its image would bring: variables out of Secrets,
ConfigMaps and the pod itself, volumes, a termination message, a read-only root. Nothing else is inherited.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.functional.kubernetes.cluster import Body, Cluster

NODE = "container-less"
_LAUNCHER = Path(__file__).with_name("container.py")
_FALLBACK_BYTES = 2048
_MESSAGE_BYTES = 4096


class NotMade(Exception):
    """A container cannot be made: the reason and the message that the kubelet gives."""


@dataclass(frozen=True)
class Image:
    """What an image brings: variables, and the folder that its command is run in."""

    environment: Mapping[str, str]
    folder: Path


@dataclass
class Container:
    """The container of one pod."""

    folder: Path
    process: subprocess.Popen[bytes]
    spec: Body
    """As it was started: argv and env are the pod's to the letter."""
    started: str
    reported: bool = False

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def kill(self, number: int = signal.SIGKILL) -> None:
        """A signal to its first process; SIGKILL ends all of it."""
        os.kill(int((self.folder / "pid").read_text()), number)


@dataclass
class Kubelet:
    """Its node's pods, by the names of the pods."""

    cluster: Cluster
    folder: Path
    images: Mapping[str, Image]
    containers: dict[str, Container] = field(default_factory=dict)
    _server: ThreadingHTTPServer | None = None

    def open(self) -> None:
        """Register the node, whose port the API server asks for logs."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Logs, self))
        trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = self.cluster.server.authority
        trusted.load_cert_chain(certificate, certificate.with_suffix(".key"))
        server.socket = trusted.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._server = server
        http, status = self.cluster.http, {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": server.server_port}},
        }  # fmt: skip
        http.request("DELETE", f"/api/v1/nodes/{NODE}")
        http.post("/api/v1/nodes", json={"metadata": {"name": NODE}}).raise_for_status()
        headers = {"Content-Type": "application/merge-patch+json"}
        http.patch(
            f"/api/v1/nodes/{NODE}/status", json={"status": status}, headers=headers
        ).raise_for_status()

    def close(self) -> None:
        for one in self.containers.values():
            if one.process.poll() is None:
                one.kill()
            one.process.wait()
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def once(self) -> None:
        """One round over the pods of its node."""
        for pod in self.cluster.all("Pod"):
            name = pod["metadata"]["name"]
            if pod["spec"].get("nodeName") != NODE:
                continue
            if pod["metadata"].get("deletionTimestamp"):
                self._end(name)
            elif name not in self.containers and pod["status"]["phase"] == "Pending":
                self._start(pod)
            elif (one := self.containers.get(name)) and one.process.poll() is not None and not one.reported:
                self._report(pod, one)

    def _start(self, pod: Body) -> None:
        try:
            self.containers[pod["metadata"]["name"]] = one = self._made(pod)
        except NotMade as error:
            reason, message = error.args
            self._status(pod, "Pending", {"waiting": {"reason": reason, "message": message}})
            return
        self._status(pod, "Running", {"running": {"startedAt": one.started}})

    def _made(self, pod: Body) -> Container:
        [wanted] = pod["spec"]["containers"]
        image = self.images.get(wanted["image"])
        if image is None:
            raise NotMade("ErrImagePull", f"{wanted['image']}: not found")
        folder = self.folder / pod["metadata"]["name"]
        folder.mkdir(exist_ok=True)
        (folder / "termination-log").touch()
        spec = {
            "argv": [*wanted.get("command", ()), *wanted.get("args", ())],
            "env": {**image.environment, **self._variables(pod, wanted)},
            "cwd": str(image.folder),
            "mounts": _mounts(pod, wanted, folder),
            "read_only": wanted.get("securityContext", {}).get("readOnlyRootFilesystem", False),
        }
        (folder / "spec.json").write_text(json.dumps(spec))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(_LAUNCHER), str(folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={}, start_new_session=True,
            )  # fmt: skip
        return Container(folder, process, spec, _now())

    def _variables(self, pod: Body, wanted: Body) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in wanted.get("envFrom", ()):
            found |= self._values(source)
        for one in wanted.get("env", ()):
            found[one["name"]] = _field(pod, one["valueFrom"]) if "valueFrom" in one else one.get("value", "")
        return found

    def _values(self, source: Body) -> dict[str, str]:
        kind, name = ("Secret", "secretRef") if "secretRef" in source else ("ConfigMap", "configMapRef")
        found = self.cluster.find(kind, source[name]["name"])
        if found is None:
            raise NotMade("CreateContainerConfigError", f'{kind.lower()} "{source[name]["name"]}" not found')
        data = found.get("data", {})
        return (
            {key: base64.b64decode(value).decode() for key, value in data.items()}
            if kind == "Secret"
            else data
        )

    def _report(self, pod: Body, one: Container) -> None:
        one.reported, code = True, one.process.returncode
        message = (one.folder / "termination-log").read_text()[:_MESSAGE_BYTES]
        if (
            not message
            and code
            and pod["spec"]["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError"
        ):
            message = one.log[-_FALLBACK_BYTES:]
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "message": message}
        ended |= {"startedAt": one.started, "finishedAt": _now()}
        self._status(pod, "Failed" if code else "Succeeded", {"terminated": ended})

    def _status(self, pod: Body, phase: str, state: Body) -> None:
        [wanted] = pod["spec"]["containers"]
        one = {"name": wanted["name"], "image": wanted["image"], "imageID": "", "restartCount": 0}
        one |= {"ready": "running" in state, "state": state}
        status = {"phase": phase, "containerStatuses": [one]}
        report(self.cluster, ("Pod", pod["metadata"]["name"]), status, "kubelet")

    def _end(self, name: str) -> None:
        """A deleted pod: SIGTERM, and SIGKILL where it has not listened by the next rounds."""
        one = self.containers.get(name)
        if one and one.process.poll() is None:
            one.kill(signal.SIGTERM)
            try:
                one.process.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.process.wait()
        self.cluster.remove("Pod", name)


def report(cluster: Cluster, whose: tuple[str, str], status: Body, by: str) -> None:
    """Write an object's status. That it was deleted meanwhile is nothing to a controller."""
    path = cluster.path(*whose, "status")
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = cluster.http.patch(path, params={"fieldManager": by}, json={"status": status}, headers=headers)
    assert answer.is_success or answer.status_code == 404, answer.text


def _mounts(pod: Body, wanted: Body, folder: Path) -> list[tuple[str, str]]:
    volumes = {one["name"]: one for one in pod["spec"].get("volumes", ())}
    found = []
    for one in wanted.get("volumeMounts", ()):
        assert "emptyDir" in volumes[one["name"]], "only empty volumes are known here"
        place = folder / "volumes" / one["name"]
        place.mkdir(parents=True, exist_ok=True)
        found.append((str(place), one["mountPath"]))
    return found


def _field(pod: Body, source: Body) -> str:
    """The downward API, as far as the job controller uses it."""
    path = source["fieldRef"]["fieldPath"]
    kind, _, rest = path.removeprefix("metadata.").partition("['")
    return str(pod["metadata"][kind][rest.removesuffix("']")])


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Logs(BaseHTTPRequestHandler):
    """GET /containerLogs/NAMESPACE/POD/CONTAINER, as the API server asks a kubelet."""

    def __init__(self, kubelet: Kubelet, *given: object) -> None:
        self._kubelet = kubelet
        super().__init__(*given)  # type: ignore[arg-type] # what the server hands over

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        _, _root, _namespace, pod, _container = url.path.split("/")
        lines = self._kubelet.containers[pod].log.splitlines(keepends=True)
        last = int(parse_qs(url.query).get("tailLines", ["0"])[0])
        body = "".join(lines[-last:] if last else lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""
