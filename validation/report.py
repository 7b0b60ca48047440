"""What a run found: as text, as JSON, as JUnit XML, and as one digest of all of it that matters.

No exit codes and no printing here, and no password: a report goes into an incident's ticket.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from problem import Problem
from validation.check import Outcome
from validation.connections import Address

FORMAT = "reforge-validation/1"
_MARKS = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Verdict:
    """One check's outcome; ``seconds`` is how long it took and no part of the digest."""

    name: str
    kind: str
    outcome: Outcome
    summary: str
    complaints: tuple[str, ...]
    facts: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class Report:
    """One run of one suite on one database."""

    suite: str
    suite_digest: str
    subject: Address
    target_time: datetime | None
    started_at: datetime
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether at least one check passed and none failed."""
        return not self.failures and any(v.outcome == "passed" for v in self.verdicts)

    @property
    def failures(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.outcome == "failed")

    @property
    def unreached(self) -> Verdict | None:
        """The failed ``connectivity`` after which no other check was made: nothing is known of the data."""
        made = [verdict for verdict in self.verdicts if verdict.outcome != "skipped"]
        alone = len(made) == 1 and made[0].kind == "connectivity" and made[0].outcome == "failed"
        return made[0] if alone else None

    @property
    def digest(self) -> str:
        """``sha256:...`` of what was found: equal to digest_of() of the report's file."""
        return _digest(self._finding())

    @property
    def text(self) -> tuple[str, ...]:
        """The report in lines for a person."""
        width = max((len(verdict.name) for verdict in self.verdicts), default=0)
        lines = [f"{self.suite} on {self.subject}"]
        for verdict in self.verdicts:
            said = f"{_MARKS[verdict.outcome]}  {verdict.name:<{width}}  {verdict.seconds:6.2f} s"
            lines += [
                f"{said}  {verdict.summary}",
                *(f"      - {complaint}" for complaint in verdict.complaints),
            ]
        return (*lines, self.conclusion)

    @property
    def conclusion(self) -> str:
        """The last line: ``failed: 1 of 5 checks (row-counts)``."""
        skipped = [verdict.name for verdict in self.verdicts if verdict.outcome == "skipped"]
        tail = f", {len(skipped)} skipped ({', '.join(skipped)})" if skipped else ""
        if self.failures:
            names = ", ".join(verdict.name for verdict in self.failures)
            return f"failed: {len(self.failures)} of {len(self.verdicts)} checks ({names}){tail}"
        if not self.passed:
            return f"failed: no check passed{tail}"
        return f"passed: {len(self.verdicts) - len(skipped)} checks{tail}"

    def document(self) -> dict[str, Any]:
        """The report in JSON's types; ``finding`` is what ``digest`` is made of."""
        seconds = [round(verdict.seconds, 3) for verdict in self.verdicts]
        finding = self._finding()
        return {
            "format": FORMAT,
            "passed": self.passed,
            "digest": _digest(finding),
            "seconds": seconds,
            "finding": finding,
        }

    def json(self) -> str:
        """The document as a file's text."""
        return json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n"

    def junit(self) -> str:
        """JUnit XML, as CI systems read it: one testsuite, one testcase for each check."""
        count = {o: str(sum(v.outcome == o for v in self.verdicts)) for o in _MARKS}
        suite = ElementTree.Element(
            "testsuite",
            name=_xml(self.suite),
            tests=str(len(self.verdicts)),
            failures=count["failed"],
            errors="0",
            skipped=count["skipped"],
            time=f"{sum(verdict.seconds for verdict in self.verdicts):.3f}",
            timestamp=self.started_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
            hostname=_xml(self.subject.host),
        )
        for verdict in self.verdicts:
            _testcase(suite, self.suite, verdict)
        root = ElementTree.Element("testsuites")
        root.append(suite)
        ElementTree.indent(root)
        return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"

    def _finding(self) -> dict[str, Any]:
        target = self.target_time
        return {
            "suite": {"name": self.suite, "digest": self.suite_digest},
            "subject": asdict(self.subject),
            "target-time": target.astimezone(UTC).isoformat() if target else None,
            "started-at": self.started_at.astimezone(UTC).isoformat(),
            "checks": [_checked(verdict) for verdict in self.verdicts],
        }


def digest_of(document: Mapping[str, Any]) -> str:
    """The digest of a report that was read from its file.

    Raises Problem("report-altered") when its finding is not what its own digest says.
    """
    if document.get("format") != FORMAT or not isinstance(document.get("finding"), dict):
        raise Problem(
            "report-unknown", f"this is no report of the format {FORMAT}", "Run reforge validate again."
        )
    digest = _digest(document["finding"])
    if document.get("digest") != digest:
        raise Problem(
            "report-altered",
            f"the report's finding has the digest {digest}, and it claims {document.get('digest')}",
            "Do not rely on it: run reforge validate again.",
        )
    return digest


def _checked(verdict: Verdict) -> dict[str, Any]:
    found = asdict(verdict)
    del found["seconds"]
    return {**found, "complaints": list(verdict.complaints)}


def _digest(finding: Mapping[str, Any]) -> str:
    text = json.dumps(finding, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _testcase(suite: ElementTree.Element, suite_name: str, verdict: Verdict) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        name=_xml(verdict.name),
        classname=_xml(f"{suite_name}.{verdict.kind}"),
        time=f"{verdict.seconds:.3f}",
    )
    if verdict.outcome == "skipped":
        ElementTree.SubElement(case, "skipped", message=_xml(verdict.summary))
    elif verdict.outcome == "failed":
        message = verdict.complaints[0] if verdict.complaints else verdict.summary
        failure = ElementTree.SubElement(case, "failure", message=_xml(message), type=verdict.kind)
        failure.text = _xml("\n".join(verdict.complaints))


def _xml(text: str) -> str:
    """``text`` without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
