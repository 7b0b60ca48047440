"""The kinds of check: each file of this folder is one, found by its name.

``row_counts.py`` is the kind ``row-counts`` and holds the class ``RowCounts``.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from validation.check import Check
from validation.values import kebab


@cache
def kinds() -> dict[str, type[Check]]:
    """Every kind of check by its name in YAML."""
    return {kebab(module.name): _class_of(module.name) for module in pkgutil.iter_modules(__path__)}


def _class_of(module_name: str) -> type[Check]:
    class_name = "".join(word.capitalize() for word in module_name.split("_"))
    found = getattr(import_module(f"{__name__}.{module_name}"), class_name, None)
    if not (isinstance(found, type) and issubclass(found, Check)):
        raise TypeError(f"validation/checks/{module_name}.py must define a Check named {class_name}")
    return found
