"""Comments of a ruamel.yaml tree stay where they stand while entries come and go.

ruamel.yaml hangs a comment on the last value before it, however deep that lies
(https://yaml.readthedocs.io/en/latest/detail.html). What is added behind that value would come
below the comment of the next key, and what is removed would take that comment along.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.tokens import CommentToken


def detach(place: Any, key: Any) -> str:
    """Take the comment lines below an entry from it; what stands on a line with a value stays."""
    node, last, slot = _last_value(place, key)
    tokens = node.ca.items.get(last)
    if not tokens or not tokens[slot]:
        return ""
    beside, _, below = tokens[slot].value.partition("\n")
    if beside:
        tokens[slot].value = beside + "\n"
    else:
        tokens[slot] = None
    return str(below)


def above(place: Any, key: Any) -> str:
    """The comment lines that hang on an entry itself, as they do where the one before it is in braces."""
    tokens = (place.ca.items.get(key) or [None, None])[1] or []
    return "".join(" " * place.lc.col + str(token.value) for token in tokens)


def attach(place: Any, key: Any, below: str) -> None:
    """Hang comment lines below an entry."""
    if not below:
        return
    node, last, slot = _last_value(place, key)
    tokens = node.ca.items.setdefault(last, [None, None, None, None])
    if tokens[slot]:
        tokens[slot].value += below
    else:
        tokens[slot] = CommentToken("\n" + below, CommentMark(0), None)


def attach_above(place: Any, below: str) -> None:
    """Put comment lines above the first entry of a mapping in lines."""
    lines = [line.strip().removeprefix("#").strip() for line in below.splitlines()]
    if place and any(lines):
        place.yaml_set_comment_before_after_key(next(iter(place)), "\n".join(lines), place.lc.col)


def commented(value: Any) -> Any:
    """A plain value as one that comments can hang on."""
    if isinstance(value, dict):
        return CommentedMap({name: commented(inner) for name, inner in value.items()})
    return value


def _last_value(place: Any, key: Any) -> tuple[Any, Any, int]:
    """Where a comment below an entry hangs: the innermost collection, its last key, the slot there."""
    value = place[key]
    while isinstance(value, CommentedMap | CommentedSeq) and value and not value.fa.flow_style():
        place, key = value, (next(reversed(value)) if isinstance(value, CommentedMap) else len(value) - 1)
        value = place[key]
    return place, key, 2 if isinstance(place, CommentedMap) else 0
