"""Passwords leave no trace: text as it may be shown and kept."""

from __future__ import annotations

import re

# Up to the last @ of a word: a password may hold one that nobody escaped.
_IN_URL = re.compile(r"(?P<before>\w://[^\s:/@'\"]*:)[^\s'\"]+(?=@)")
_IN_PAIRS = re.compile(r"(?P<before>\bpassword\s*=\s*)('[^']*'|[^\s'\"]+)", re.IGNORECASE)


def masked(text: str) -> str:
    """``text`` with stars for the password of every connection string in it."""
    return _IN_PAIRS.sub(r"\g<before>***", _IN_URL.sub(r"\g<before>***", text))
