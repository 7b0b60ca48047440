"""The aspects of parity: each file of this folder is one, found by its name.

``large_objects.py`` is the aspect ``large-objects`` and holds the class ``LargeObjects``.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from validation.parity.aspect import Aspect
from validation.values import kebab


@cache
def aspects() -> dict[str, Aspect]:
    """Every aspect by its name."""
    return {kebab(module.name): _made(module.name) for module in pkgutil.iter_modules(__path__)}


def _made(module_name: str) -> Aspect:
    class_name = "".join(word.capitalize() for word in module_name.split("_"))
    found = getattr(import_module(f"{__name__}.{module_name}"), class_name, None)
    if not (isinstance(found, type) and issubclass(found, Aspect)):
        raise TypeError(
            f"validation/parity/aspects/{module_name}.py must define an Aspect named {class_name}"
        )
    return found()
