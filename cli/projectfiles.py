"""The files of a project that is made anew: Pulumi.yaml, the program, a stack's commented config."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_PROGRAM = '''"""The Pulumi program of Reforge: read the stack's config and declare what it describes."""

from stacks.program import main

main()
'''
_COMMENTS = {
    "source": "The damaged database: looked up, never managed.",
    "operators": "Who may reach a restored instance before it is validated.",
    "source-url": "The original's connection string, encrypted; a restore's differs in host and port.",
    "restores": "New instances by name, always beside the original: reforge restore.",
    "suite": "What must hold of a restore: reforge validate.",
    "serving": "Where the application points: source, or the name of a restore.",
    "endpoints": "Everything that tells the application where its database is.",
    "writers": "Everything that writes to the database by itself.",
    "writing": "Which writers may work: none, canary or all.",
}


def make_project(folder: Path, backend: str | None = None) -> list[str]:
    """Write what a folder lacks to be a project of Reforge; gives the names of the files written.

    ``backend``: the URL of where its state lies, for everybody who works on it.
    """
    import stacks

    installation = Path(stacks.__file__).resolve().parent.parent
    files = {
        "Pulumi.yaml": _project_file(installation, backend),
        "__main__.py": _PROGRAM,
        ".gitignore": ".reforge/\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = [name for name in files if not (folder / name).exists()]
    for name in written:
        (folder / name).write_text(files[name])
    return written


def _project_file(installation: Path, backend: str | None) -> str:
    plugin = {"name": "dbrestore", "path": str(installation / "dbrestore")}
    project = {
        "name": "reforge",
        "description": "Restores a PostgreSQL database to a new instance, as reviewable diffs",
        "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}},
        "plugins": {"providers": [plugin]},
        **({"backend": {"url": backend}} if backend else {}),
    }
    return yaml.safe_dump(project, sort_keys=False)


def stack_text(existing: str, config: Mapping[str, Any]) -> str:
    """A stack's file with ``config`` under ``reforge:``, each value under the comment that explains it."""
    parts = [existing.rstrip("\n"), "config:"] if existing.strip() else ["config:"]
    for name, value in config.items():
        if name in _COMMENTS:
            parts.append(f"  # {_COMMENTS[name]}")
        block = yaml.safe_dump({f"reforge:{name}": value}, sort_keys=False, width=4096)
        parts += [f"  {line}" for line in block.splitlines()]
    return "\n".join(parts) + "\n"
