"""Versions of extensions: numbers between dots, and whatever else their authors like."""

from __future__ import annotations

import re


def is_older(one: str, other: str) -> bool:
    """Whether ``one`` comes before ``other``: 1.9 before 1.10; False where they cannot be told apart."""
    return _numbers(one) < _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
