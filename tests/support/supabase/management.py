"""A Management API of Supabase on loopback: its shapes, its limit of calls, its slowness, its refusals.

Shapes: https://api.supabase.com/api/v1 (OpenAPI). Limits: 120 calls a minute for each project and the
organization, then 429 with Retry-After. ``recorded`` keeps every call: a test can say what was never called.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self

from tests.support.supabase.faults import Faults, Recorded
from tests.support.supabase.platform import Platform
from tests.support.supabase.pooler import Pooler
from tests.support.supabase.shapes import (
    Answer,
    Project,
    backups,
    not_found,
    poolers,
    ref_for,
    refusal,
    throttled,
)

TOKEN = "sbp_of_this_test"
OPEN = {"dbAllowedCidrs": ["0.0.0.0/0"], "dbAllowedCidrsV6": ["::/0"]}


@dataclass
class Management:
    """The API. ``looks``: how often a new project is looked at until it is healthy."""

    platform: Platform | None = None
    looks: int = 2
    limit: int = 120
    projects: dict[str, Project] = field(default_factory=dict)
    recorded: list[Recorded] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    hasty: int = 0
    """Calls that came before the time that the 429 before them had said."""
    _not_before: float = 0.0
    _counted: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __enter__(self) -> Self:
        self._proxy = Pooler(self.platform.server.port, self._admits) if self.platform else None
        handler = type("Handler", (_Handler,), {"api": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        if self._proxy:
            self._proxy.stop()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "SUPABASE_API_URL": f"http://127.0.0.1:{self._http.server_port}",
            "SUPABASE_ACCESS_TOKEN": TOKEN,
        }

    @property
    def port(self) -> int:
        """Of the pooler's session mode."""
        return self._proxy.port if self._proxy else 5432

    def add(self, name: str, **facts: Any) -> Project:
        """A healthy project that somebody else made."""
        project = Project(ref_for(name, len(self.projects)), name, status="ACTIVE_HEALTHY", **facts)
        self.projects[project.ref] = project
        if self.platform:
            self.platform.new(project.ref)
        return project

    def url(self, ref: str, user: str = "postgres") -> str:
        """A connection string through the pooler's session mode."""
        return f"postgresql://{user}.{ref}:hunter22@127.0.0.1:{self.port}/postgres"

    def named(self, ref: str) -> list[str]:
        """The calls that name a project, but those that only read."""
        return [str(one) for one in self.recorded if ref in one.path and one.method != "GET"]

    def made(self) -> list[Project]:
        """Projects whose names say that Reforge made them, that are still there."""
        return [one for one in self.projects.values() if "-reforge-" in one.name]

    def answer(self, call: Recorded, token: str) -> Answer:
        with self._lock:
            self.recorded.append(call)
            return self._hindered(call, token) or self._routed(call)

    def _admits(self, ref: str) -> bool:
        """The pooler knows a project once it is healthy, and lets loopback in where its restrictions do."""
        project = self.projects.get(ref)
        known = project is not None and project.status == "ACTIVE_HEALTHY"
        return known and bool({"0.0.0.0/0", "127.0.0.1/32"} & set(project.networks["dbAllowedCidrs"]))  # type: ignore[union-attr]

    def _hindered(self, call: Recorded, token: str) -> Answer | None:
        faults = self.faults
        if faults.expires_after is not None:
            faults.expires_after -= 1
        if token != TOKEN or (faults.expires_after is not None and faults.expires_after < 0):
            return refusal(401, "Unauthorized")
        self.hasty += time.monotonic() < self._not_before
        self._not_before = 0.0
        if faults.throttled:
            faults.throttled -= 1
            self._not_before = time.monotonic() + float(faults.retry_after)
            return Answer(
                429, {"message": "ThrottlerException: Too Many Requests"}, retry_after=faults.retry_after
            )
        if faults.away:
            faults.away -= 1
            return refusal(503, "upstream connect error")
        return self._limited(call)

    def _limited(self, call: Recorded) -> Answer | None:
        found = re.match(r"/v1/projects/([a-z]{20})", call.path)
        times, now = self._counted[found[1] if found else "organization"], time.monotonic()
        times[:] = [one for one in times if now - one < 60]
        if len(times) >= self.limit:
            return throttled(f"{60 - (now - times[0]):.1f}")
        times.append(now)
        return None

    def _routed(self, call: Recorded) -> Answer:
        path = call.path.split("?")[0]
        if path == "/v1/projects":
            return self._create(call.body) if call.method == "POST" else self._list()
        found = re.fullmatch(r"/v1/projects/([a-z]{20})(/.*)?", path)
        project = self.projects.get(found[1]) if found else None
        if found is None or project is None:
            return not_found()
        route = self._routes.get((call.method, found[2] or ""))
        return route(self, project, call.body or {}) if route else not_found()

    def _list(self) -> Answer:
        return Answer(200, [one.document() for one in self.projects.values()])

    def _create(self, body: dict[str, Any]) -> Answer:
        missing = {"name", "organization_slug", "db_pass", "region"} - body.keys()
        if missing or "." in body["name"] or len(body["db_pass"]) < 4:
            return refusal(400, f"invalid body: {sorted(missing)}")
        if self.faults.quota:
            return refusal(402, "The organization has reached its maximum limit of projects.")
        ref = ref_for(body["name"], len(self.projects) + len(self.recorded))
        size = body.get("desired_instance_size")
        project = Project(ref, body["name"], body["organization_slug"], body["region"], size)
        self.projects[ref] = project
        if self.platform:
            self.platform.new(ref, version=2)
        if self.faults.breaks_after_create:
            self.faults.breaks_after_create = False
            return refusal(500, "Internal server error")
        return Answer(201, project.document())

    def _get(self, project: Project, _body: Any) -> Answer:
        project.looks += 1
        if project.status == "COMING_UP" and project.looks >= self.looks:
            project.status = self.faults.stuck or "ACTIVE_HEALTHY"
        return Answer(200, project.document())

    def _rename(self, project: Project, body: Any) -> Answer:
        project.name = body["name"]
        return Answer(200, {"id": 1, "ref": project.ref, "name": project.name})

    def _delete(self, project: Project, _body: Any) -> Answer:
        del self.projects[project.ref]
        if self.platform:
            self.platform.drop(project.ref)
        return Answer(200, {"id": 1, "ref": project.ref, "name": project.name})

    def _health(self, project: Project, _body: Any) -> Answer:
        healthy = project.status == "ACTIVE_HEALTHY"
        status = "ACTIVE_HEALTHY" if healthy else "COMING_UP"
        return Answer(200, [{"name": "db", "healthy": healthy, "status": status}])

    def _restrictions(self, project: Project, _body: Any) -> Answer:
        status = "stored" if project.pending else "applied"
        if project.pending and not self.faults.restrictions_stuck:
            project.pending = False
        entitlement = "disallowed" if self.faults.cannot_restrict else "allowed"
        return Answer(200, {"entitlement": entitlement, "config": project.networks, "status": status})

    def _restrict(self, project: Project, body: Any) -> Answer:
        project.networks, project.pending = body, True
        return Answer(201, {"entitlement": "allowed", "config": body, "status": "stored"})

    def _backups(self, project: Project, _body: Any) -> Answer:
        return Answer(200, backups(project))

    def _poolers(self, project: Project, _body: Any) -> Answer:
        return Answer(200, poolers(project, self.port))

    def _addons(self, project: Project, _body: Any) -> Answer:
        addon = {"type": "compute_instance", "variant": {"id": f"ci_{project.size}", "name": "", "price": {}}}
        return Answer(200, {"selected_addons": [addon] if project.size else [], "available_addons": []})

    def _restore_pitr(self, project: Project, body: Any) -> Answer:
        """In place, over everything that is there: what Reforge never calls."""
        if datetime.fromtimestamp(body["recovery_time_target_unix"], UTC) > project.latest:
            return refusal(400, "Recovery time target is too recent")
        project.overwritten = True
        return Answer(201, None)

    _routes: ClassVar[dict[tuple[str, str], Callable[..., Answer]]] = {
        ("GET", ""): _get,
        ("PATCH", ""): _rename,
        ("DELETE", ""): _delete,
        ("GET", "/health"): _health,
        ("GET", "/network-restrictions"): _restrictions,
        ("POST", "/network-restrictions/apply"): _restrict,
        ("GET", "/database/backups"): _backups,
        ("GET", "/config/database/pooler"): _poolers,
        ("GET", "/billing/addons"): _addons,
        ("POST", "/database/backups/restore-pitr"): _restore_pitr,
    }


class _Handler(BaseHTTPRequestHandler):
    api: Management

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        answer = self.api.answer(Recorded(self.command, self.path, body), token)
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if answer.retry_after:
            self.send_header("Retry-After", answer.retry_after)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = _any

    def log_message(self, *_words: Any) -> None:
        """Not on the tests' screen."""
