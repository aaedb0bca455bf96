"""Ways to make a model write a language: LangFIR, its rivals and its controls, one file each.

The directory is the registry. A file holds

    NEEDS    what text the method has to be given
    UNIT     what strength 1 means, and what the strengths that are tried are multiplied by
    find(material, language) -> list[Push]   none where it finds nothing, several where it is a draw of many

All that push have as many strengths to choose from, on the same validation prompts; a push takes them in its unit.
LangFIR's direction is the filter's: give the others as many documents (`steering.documents`) as
`filter.languages.sequences`.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

SHARED = {"material"}


def methods() -> list[str]:
    """The names of all methods, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in SHARED)


def method(name: str) -> ModuleType:
    """The module of one method. ValueError lists those that exist."""
    if name not in methods():
        raise ValueError(f"there is no method '{name}'; there are: {', '.join(methods())}")
    return importlib.import_module(f"{__name__}.{name}")
