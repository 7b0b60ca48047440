"""What a Job's pod hands back: whole in its termination message, or, where it is larger, in its log.

The message is a part of the pod's status: nobody needs a right or a way to the API server from within the
pod for it, and it outlives the container. Kubernetes keeps 4096 bytes of it
(https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/). What is larger is
written to the log, which is the kubelet's to give; the digest in the message proves that it came whole.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from problem import Misuse, Problem, Refusal

MESSAGE_BYTES = 4096
_PACKED_BYTES = 3500
MARK = "reforge-result "
"""What each line of a result in the log begins with."""
_LINE = 4000
_CLASSES = {"Problem": Problem, "Misuse": Misuse, "Refusal": Refusal}
Result = dict[str, Any]


def told(result: Mapping[str, Any], say: Callable[[str], None]) -> str:
    """The termination message of work that was done; what does not fit into it is said line by line."""
    text = json.dumps(result, separators=(",", ":")).encode()
    packed = base64.b64encode(zlib.compress(text, 9)).decode()
    if len(packed) <= _PACKED_BYTES:
        return json.dumps({"result": packed})
    for start in range(0, len(packed), _LINE):
        say(MARK + packed[start : start + _LINE])
    return json.dumps({"digest": _digest(packed)})


def told_problem(problem: Problem) -> str:
    """The termination message of work that failed; the longest part of it is shortened to fit."""
    said = {"problem": type(problem).__name__, "name": problem.name, "cure": problem.cure[:1000]}
    what, text = problem.what, ""
    while not text or len(text.encode()) > MESSAGE_BYTES:
        text = json.dumps({**said, "what": what})
        what = what[: len(what) * 3 // 4]
    return text


def result_of(message: str, log: Callable[[], str]) -> Result:
    """The result that a message tells of. ``log`` gives the pod's log, asked for only where it is needed.

    Problem ``runner-result-lost`` where it is nowhere.
    """
    said = _read(message)
    packed = said.get("result") or _gathered(log()) if said else ""
    if not packed or (said.get("digest") and _digest(packed) != said["digest"]):
        what = "The Job was done, and its result is neither in its pod's status nor in its log."
        raise Problem("runner-result-lost", what, "Run the same command again; what is done stays done.")
    found: Result = json.loads(zlib.decompress(base64.b64decode(packed)))
    return found


def problem_of(message: str) -> Problem | None:
    """The problem that a message tells of; None where it tells of none."""
    said = _read(message)
    kind = _CLASSES.get(str(said.get("problem")))
    return kind(str(said.get("name")), str(said.get("what")), str(said.get("cure") or "")) if kind else None


def _read(message: str) -> dict[str, Any]:
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _gathered(log: str) -> str:
    lines = (line for line in log.splitlines() if line.startswith(MARK))
    return "".join(line.removeprefix(MARK) for line in lines)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
