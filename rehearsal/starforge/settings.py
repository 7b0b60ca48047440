"""What the application is told from outside: its database and whether it may take writes."""

from __future__ import annotations

import os
from pathlib import Path

from dotenv import dotenv_values

from problem import Misuse


def database_url() -> str:
    """DATABASE_URL from the dotenv file that ENV_FILE names, else from the environment.

    Misuse ``database-url-missing`` where neither has it.
    """
    file = os.environ.get("ENV_FILE")
    url = dotenv_values(file).get("DATABASE_URL") if file else None
    url = url or os.environ.get("DATABASE_URL")
    if not url:
        what = f"No DATABASE_URL in {file} nor in the environment." if file else "No DATABASE_URL is set."
        raise Misuse("database-url-missing", what, "Set DATABASE_URL, or ENV_FILE to a file that holds it.")
    return url


def ingestion_allowed() -> bool:
    """Whether ``ingestion`` is true in the dotenv file FLAGS_FILE; without such a file it is.

    A file that lacks the flag or cannot be read says no: a pause must never be lost by a slip.
    """
    file = os.environ.get("FLAGS_FILE")
    if not file:
        return True
    return Path(file).is_file() and dotenv_values(file).get("ingestion") == "true"
