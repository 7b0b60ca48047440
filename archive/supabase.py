"""Supabase's Management API as far as it only reads: projects, backups, addresses, restrictions.

https://supabase.com/docs/reference/api. Every call stands in a list, and what does not stand there cannot be
made; nothing that restores in place does, which overwrites: https://supabase.com/docs/guides/platform/backups.
"""

from __future__ import annotations

import os
import re
import threading
from typing import Any, ClassVar

import httpx
import tenacity

from problem import Misuse, Problem, Refusal

PRODUCTION = "https://api.supabase.com"
TOKEN, BASE = "SUPABASE_ACCESS_TOKEN", "SUPABASE_API_URL"
PROJECTS, PROJECT = "/v1/projects", "/v1/projects/{ref}"
READS = frozenset(
    f"GET {path}"
    for path in (
        PROJECTS,
        PROJECT,
        PROJECT + "/health?services=db",
        PROJECT + "/network-restrictions",
        PROJECT + "/database/backups",
        PROJECT + "/config/database/pooler",
        PROJECT + "/billing/addons",
    )
)
THROTTLED_SECONDS = 300
"""So long a throttled call is tried again; Supabase's windows are one minute."""
ATTEMPTS = 6
"""Of a call, while Supabase is away."""
_REF = re.compile(r"[a-z]{20}")
_SAID = 300

Record = dict[str, Any]


class _Throttled(Exception):
    """429; the seconds that Supabase says to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class _Away(Exception):
    """No answer, or one that says that Supabase itself is broken."""


class Reader:
    """What the token sees. Calls raise ``Problem`` alone; ``cancelled`` ends a wait between two tries."""

    calls: ClassVar[frozenset[str]] = READS
    """Method and path of each call that can be made."""
    once: ClassVar[frozenset[str]] = frozenset()
    """Those of them that do more when they are made twice."""

    def __init__(self, cancelled: threading.Event | None = None) -> None:
        token = os.environ.get(TOKEN, "")
        if not token:
            cure = f"Make one on https://supabase.com/dashboard/account/tokens, then: export {TOKEN}=..."
            raise Misuse("supabase-token-missing", f"{TOKEN} is not set.", cure)
        self._cancelled = cancelled or threading.Event()
        self._http = httpx.Client(
            base_url=os.environ.get(BASE, PRODUCTION),
            headers={"Authorization": f"Bearer {token}", "User-Agent": "reforge"},
            timeout=30,
        )

    def close(self) -> None:
        self._http.close()

    def projects(self) -> list[Record]:
        """Every project that the token may see, with id (its ref), name, region, status and database."""
        found: list[Record] = self.call(f"GET {PROJECTS}")
        return found

    def project(self, ref: str) -> Record:
        """One of them; Problem ``supabase-project-missing``."""
        return self._record(f"GET {PROJECT}", ref)

    def healthy(self, ref: str) -> bool:
        """Whether its database answers, by Supabase's own probe."""
        found = self.call(f"GET {PROJECT}/health?services=db", ref)
        return bool(found) and all(one["status"] == "ACTIVE_HEALTHY" for one in found)

    def restrictions(self, ref: str) -> Record:
        """Who may reach it: entitlement, config with dbAllowedCidrs and dbAllowedCidrsV6, and status."""
        return self._record(f"GET {PROJECT}/network-restrictions", ref)

    def backups(self, ref: str) -> Record:
        """Its daily backups and the window of PITR."""
        return self._record(f"GET {PROJECT}/database/backups", ref)

    def poolers(self, ref: str) -> list[Record]:
        """The addresses of its pooler: db_host, db_port, db_name, pool_mode."""
        found: list[Record] = self.call(f"GET {PROJECT}/config/database/pooler", ref)
        return [one for one in found if one.get("database_type", "PRIMARY") == "PRIMARY"]

    def size(self, ref: str) -> str | None:
        """Its compute size, as ``large``; None where it has the plan's own."""
        addons = self._record(f"GET {PROJECT}/billing/addons", ref)["selected_addons"]
        found = [one["variant"]["id"] for one in addons if one["type"] == "compute_instance"]
        return str(found[0]).removeprefix("ci_") if found else None

    def call(self, call: str, ref: str = "", body: Record | None = None) -> Any:
        """The answer's JSON. ``call``: one of ``calls``. Refusal ``supabase-call-refused`` for any other."""
        if call not in self.calls or (ref and not _REF.fullmatch(ref)):
            raise Refusal("supabase-call-refused", f"Reforge does not call {call} of {ref or 'Supabase'}.")
        method, path = call.replace("{ref}", ref).split(" ")
        try:
            return self._trying(call in self.once)(self._once, method, path, body)
        except _Throttled:
            what = f"Supabase turned {method} {path} away for {THROTTLED_SECONDS} s: too many requests."
            raise Problem("supabase-throttled", what, "Run the same command again in a minute.") from None
        except _Away as error:
            cure = "See https://status.supabase.com, then run the same command again."
            raise Problem("supabase-away", f"{method} {path}: {error}.", cure) from None

    def _trying(self, once: bool) -> tenacity.Retrying:
        """429 was not worked on and may always be repeated; anything else where twice comes to the same."""
        kinds = (_Throttled,) if once else (_Throttled, _Away)
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(kinds),
            stop=self._enough,
            wait=_pause,
            sleep=tenacity.sleep_using_event(self._cancelled),
            reraise=True,
        )

    def _enough(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Throttled):
            late = (state.seconds_since_start or 0) + error.seconds > THROTTLED_SECONDS
        else:
            late = state.attempt_number >= ATTEMPTS
        return late or self._cancelled.is_set()

    def _once(self, method: str, path: str, body: Record | None) -> Any:
        """Foreign exceptions and statuses become Problems here, and nowhere else."""
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise _Away(str(error) or type(error).__name__) from None
        if answer.status_code == 429:
            raise _Throttled(_seconds(answer))
        if answer.status_code >= 500:
            raise _Away(f"Supabase answered {answer.status_code}, {_said(answer)}")
        if answer.status_code >= 400:
            raise _problem(answer.status_code, f"{method} {path}: {_said(answer)}")
        return answer.json() if answer.content else None

    def _record(self, call: str, ref: str) -> Record:
        found: Record = self.call(call, ref)
        return found


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.seconds if isinstance(error, _Throttled) else min(0.5 * 2.0**state.attempt_number, 10.0)


def _seconds(answer: httpx.Response) -> float:
    """Retry-After, else what Supabase's own header says."""
    text = answer.headers.get("Retry-After") or answer.headers.get("X-RateLimit-Reset") or "5"
    return max(0.1, float(text)) if re.fullmatch(r"[\d.]+", text) else 5.0


def _said(answer: httpx.Response) -> str:
    try:
        text = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        text = answer.text
    return " ".join(text.split())[:_SAID] or f"status {answer.status_code}"


def _problem(status: int, said: str) -> Problem:
    if status == 401:
        cure = f"Make a new token, export {TOKEN}=..., then run the same command again: it goes on."
        return Problem("supabase-token-refused", said, cure)
    if status == 403:
        return Problem("supabase-denied", said, "The token needs these permissions: docs/clouds/supabase.md")
    if status == 404:
        cure = (
            "The ref is the last part of the project's address in the dashboard. Where the original is gone, "
            "`source.like: REF` names a project whose settings a restore gets."
        )
        return Problem("supabase-project-missing", said, cure)
    if status == 402 or re.search(r"\b(limit|limits|quota|maximum)\b", said, re.IGNORECASE):
        cure = "Free a project in the dashboard or raise the plan, then run the same command again."
        return Problem("supabase-quota", said, cure)
    return Problem("supabase-refused", said, "Mend what it says, then run the same command again.")
