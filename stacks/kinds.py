"""Rooms and files found by name: adding a provider, an endpoint or a writer changes no other file."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType


def kinds(package: str) -> list[str]:
    """The kebab-case names of the modules in a package of ours, without importing them."""
    folder = Path(str(import_module(package).__file__)).parent
    return sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules([str(folder)]))


def load(package: str, kind: str, part: str = "") -> ModuleType:
    """The module of a kind, or a part of its room."""
    name = f"{package}.{kind.replace('-', '_')}"
    return import_module(f"{name}.{part}" if part else name)
