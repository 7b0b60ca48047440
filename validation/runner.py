"""Runs a suite on a database: one check after the other, each to a verdict, none able to end the run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from problem import Problem
from validation.check import Check, Result
from validation.connections import Unreachable, in_words
from validation.context import Context, Subject
from validation.report import Report, Verdict
from validation.suite import Suite

__all__ = ["Progress", "Subject", "run"]


@dataclass(frozen=True)
class Progress:
    """Check ``number`` of ``total`` has started (``verdict`` is None) or ended."""

    number: int
    total: int
    name: str
    verdict: Verdict | None = None


def _silent(_: Progress) -> None:
    pass


@dataclass(frozen=True)
class Part:
    """One of ``count`` parts of a suite, whose checks are dealt out in turn; gates belong to each."""

    index: int = 0
    count: int = 1

    def has(self, number: int, check: Check) -> bool:
        return check.gate or number % self.count == self.index


WHOLE = Part()


def run(
    suite: Suite, subject: Subject, progress: Callable[[Progress], None] = _silent, part: Part = WHOLE
) -> Report:
    """Runs every check of ``suite``, or of a part of it, on ``subject``.

    A failed check does not stop the others; a failed ``connectivity``, or a database that cannot be reached,
    skips them. Raises Misuse only, when the URL is no URL.
    """
    where, started_at = subject.address, datetime.now(UTC)
    with Context(subject, suite.statement_timeout) as context:
        verdicts = tuple(_verdicts(suite, context, progress, part))
    return Report(suite.name, suite.digest, where, subject.target_time, started_at, verdicts)


def _verdicts(
    suite: Suite, context: Context, progress: Callable[[Progress], None], part: Part
) -> Iterator[Verdict]:
    reason = ""  # why the checks that follow are skipped
    for number, (name, check) in enumerate(named(suite), start=1):
        if not part.has(number, check):
            continue
        progress(Progress(number, len(suite.checks), name))
        begun = time.monotonic()
        result, unreachable = (_skipped(reason), False) if reason else _result(check, context)
        verdict = _verdict(name, check, context.subject, result, time.monotonic() - begun)
        if verdict.outcome == "failed" and (check.gate or unreachable):
            reason = f"not run, because {name} failed"
        progress(Progress(number, len(suite.checks), name, verdict))
        yield verdict


def named(suite: Suite) -> Iterator[tuple[str, Check]]:
    """Each check with a name of its own: what the suite calls it, else its kind, numbered where needed."""
    seen: Counter[str] = Counter()
    for check in suite.checks:
        name = check.name or check.kind
        seen[name] += 1
        yield (name if seen[name] == 1 else f"{name} ({seen[name]})"), check


def _result(check: Check, context: Context) -> tuple[Result, bool]:
    """What the check answers, and whether it could not reach the database."""
    try:
        with context.reading():
            if check.writing and context.in_recovery:
                return _skipped(_IN_RECOVERY), False
            return check.run(context), False
    except Unreachable as problem:
        return _failed(problem.what, problem.cure), True
    except Problem as problem:
        return _failed(problem.what, problem.cure), False
    except psycopg.Error as error:
        return _failed(in_words(error)), isinstance(error, psycopg.OperationalError) and not error.sqlstate
    except Exception as error:
        return _failed(f"the check itself failed: {type(error).__name__}: {error}"), False
    finally:
        if check.writing:
            context.renew()


_IN_RECOVERY = "passed over: it writes, and this server is a standby in recovery until it is promoted"


def _failed(*lines: str) -> Result:
    return Result("failed", "could not be decided", tuple(line for line in lines if line))


def _skipped(reason: str) -> Result:
    return Result("skipped", reason)


def _verdict(name: str, check: Check, subject: Subject, result: Result, seconds: float) -> Verdict:
    return Verdict(
        name,
        check.kind,
        result.outcome,
        subject.scrubbed(result.summary),
        tuple(map(subject.scrubbed, result.complaints)),
        _clean(dict(result.facts), subject),
        seconds,
    )


def _clean(value: Any, subject: Subject) -> Any:
    """``value`` without passwords, however deep."""
    if isinstance(value, str):
        return subject.scrubbed(value)
    if isinstance(value, dict):
        return {key: _clean(item, subject) for key, item in value.items()}
    return [_clean(item, subject) for item in value] if isinstance(value, (list, tuple)) else value
