"""A restore held against the source before the cut-over: what differs, what is waived, what refuses."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from problem import Misuse, Refusal

if TYPE_CHECKING:
    from cli.render import Screen
    from cli.session import Session
    from cli.stackfile import Draft
    from cli.stage import Stage
    from validation.parity.aspect import Difference
    from validation.parity.comparison import Parity
    from validation.parity.reading import Reading

_SHOWN = 60  # characters of a value in the table
_LINES = 4  # of a cure on the screen; all of them are in the JSON document
_SHORTEST_REASON = 10


def waivers(names: Sequence[str], reasons: Sequence[str]) -> dict[str, str]:
    """``--waive`` and ``--reason`` paired: one reason for all, or one each."""
    if not names and not reasons:
        return {}
    if len(reasons) not in (1, len(names)) or not names:
        what = f"{len(names)} to be accepted and {len(reasons)} --reason do not go together."
        raise Misuse("waiver-incomplete", what, 'Give one --reason "..." for all, or one for each of them.')
    short = [reason for reason in reasons if len(reason.strip()) < _SHORTEST_REASON]
    if short:
        what = f"{short[0]!r} is too short a reason: {_SHORTEST_REASON} characters or more."
        raise Misuse("waiver-reason", what, "Say why the difference may be there: others will read it.")
    each = [*reasons] if len(reasons) > 1 else [reasons[0]] * len(names)
    return dict(zip(names, each, strict=True))


def hold(session: Session, stage: Stage, name: str, given: Mapping[str, str]) -> None:
    """Compare a restore with the source and show it; refuse gates that nobody has waived.

    Refusal ``source-differs``; Misuse ``unknown-difference`` for a waiver of what does not differ. A restore
    that does not answer is not compared: whether it may go on without is decided elsewhere.
    """
    from validation.connections import Unreachable

    outputs = session.engine.outputs()
    if outputs.get("serving") == name:
        return  # it serves already: this goes on with what was held against the gate
    source_url = session.engine.secret("source-url")
    try:
        found = compared(session, outputs["restores"][name]["url"], source_url, kept=kept_reading(session))
    except Unreachable as problem:
        session.screen.warn(f"Not compared with the source: {problem.what}")
        return
    recorded = session.file.raw["restores"][name].get("waived-differences") or {}
    stage.facts["parity"] = {**found.document(), "waived": sorted({*recorded, *given})}
    show(session.screen, found, {*recorded, *given})
    _refuse_unknown(found, given)
    left = [one.name for one in found.gates if one.name not in recorded and one.name not in given]
    if left:
        again = waiving(session, name, [*given, *left])
        what = f"{name} is not what the source is: {', '.join(left)}"
        cure = f"Nothing was changed. Mend it as told above, or accept it in writing: {again}"
        raise Refusal("source-differs", what, cure)
    session.journal.note(differences=[one.name for one in found.differences], waived_differences=dict(given))


def record(draft: Draft, name: str, given: Mapping[str, str], who: Mapping[str, str]) -> None:
    """Write waivers into the config: what, why, who, when."""
    for difference, reason in given.items():
        draft.set("restores", name, "waived-differences", difference, to={"reason": reason.strip(), **who})


def compared(session: Session, url: str, source_url: str, **how: Any) -> Parity:
    """The comparison of two servers, its progress on the screen."""
    from validation.parity.comparison import compare

    with session.screen.progress() as progress:
        return compare(url, source_url, tell=lambda text: progress.tell("parity", text), **how)


def kept_reading(session: Session) -> Reading | None:
    """The source as the newest diagnostics have it; None where none were kept."""
    from validation.parity.reading import Reading

    files = sorted((session.folder / "diagnostics").glob(f"{session.stack}-*.json"), reverse=True)
    for file in files:
        try:
            return Reading.of(json.loads(file.read_text())["parity"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def waiving(session: Session, name: str, left: Sequence[str]) -> str:
    """The cut-over that accepts all that is left, but for the reason."""
    words = (f"--waive {shlex.quote(one)}" for one in left)
    return session.command("cutover", name, *words, '--reason "..."')


def show(screen: Screen, found: Parity, waived: Collection[str] = ()) -> None:
    """The table, then the cures of what is a gate, then what could not be compared."""
    screen.heading(f"{found.restored} compared with the source, {found.source}:")
    if found.reading.error:
        screen.warn(f"The source does not answer: {found.reading.error}")
        kept = f"Compared with what was kept of it at {found.reading.taken_at:%Y-%m-%d %H:%M:%SZ}."
        screen.say(kept if found.reading.kept else "Only what the restore shows by itself is judged.")
    if found.differences:
        rows = [_row(one, waived) for one in found.differences]
        screen.table(["", "difference", "source", "restored", "what it means"], rows)
    else:
        screen.success("No difference.")
    for one in found.gates:
        if one.cure and one.name not in waived:
            screen.say(f"{one.name}:")
            screen.say("\n".join(f"  {line}" for line in _shortened(one.cure.splitlines())))
    _tell_indexes(screen, found)
    if not found.reading.error or found.reading.kept:
        for aspect, why in found.unread.items():
            screen.warn(f"Not compared: {aspect}, {why}")
    if found.limits:
        screen.say(f"Not seen with this role: {', '.join(found.limits)}.")


def _tell_indexes(screen: Screen, found: Parity) -> None:
    if found.indexes is None:
        return
    sound, damaged = len(found.indexes.sound), len(found.indexes.damaged)
    unchecked = len(found.indexes.unchecked)
    screen.say(f"Indexes over text: {sound} in order, {damaged} damaged, {unchecked} not checked.")


def _row(one: Difference, waived: Collection[str]) -> list[str]:
    mark = "waived" if one.name in waived else {"gate": "GATE", "note": "note"}[one.severity]
    return [mark, one.name, _value(one.source), _value(one.restored), one.why]


def _value(value: Any) -> str:
    text = "-" if value is None else ", ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _shortened(lines: list[str]) -> list[str]:
    more = [f"... {len(lines) - _LINES} more lines, see --json"] if len(lines) > _LINES else []
    return lines[:_LINES] + more


def _refuse_unknown(found: Parity, given: Mapping[str, str]) -> None:
    from stacks.messages import nearest

    known = [one.name for one in found.differences]
    unknown = [f"{name!r}{nearest(name, known)}" for name in given if name not in known]
    if unknown:
        what = f"There is no such difference: {', '.join(unknown)}"
        raise Misuse("unknown-difference", what, f"What differs: {', '.join(known) or 'nothing'}")
