"""Texts that a reviewer reads, kept in files and held against what is said now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path


def reads_as(file: Path, text: str, update: bool) -> None:
    """Hold a text against its golden file; ``update`` writes the file anew (pytest --update-golden)."""
    if update:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert file.exists(), f"there is no {file}; make it and read it: pytest --update-golden"
    assert text == file.read_text()


def in_order(text: str) -> str:
    """A preview's resources in the order of their names: the engine shows them as it meets them.

    The line that says how it gets on comes or not, as the machine is slow or quick.
    """
    text = re.sub(r"(?m)^@ .*\n", "", text)
    resources, end = re.split(r"(?m)^(?=    --outputs:--$|Resources:$)", text.strip() + "\n", maxsplit=1)
    frame, *blocks = re.split(r"(?m)^(?=    [-+~>] |    [-+]{2})", resources)
    return frame + "".join(sorted(blocks, key=lambda block: re.findall(r"\[urn=.*", block))) + end


def settled(text: str, volatile: Mapping[str, str]) -> str:
    """A text with a word for each value that differs from run to run; ``volatile``: pattern to word."""
    for pattern, word in volatile.items():
        found = list(dict.fromkeys(re.findall(pattern, text)))
        for number, value in enumerate(found, 1):
            text = text.replace(value, word if len(found) == 1 else f"{word}-{number}")
    return text
