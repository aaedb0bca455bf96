"""One question, one file: `Settings` (its numbers) and `run(case, settings) -> rows`. The directory is the registry.

A question whose rows are means of pairs may hand these over too, as items among the rows.
"""

import importlib
import pkgutil
from types import ModuleType

SHARED = {"case", "isolation", "judge", "overlap"}


def questions() -> list[str]:
    """The names of all questions, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in SHARED)


def question(name: str) -> ModuleType:
    """The module of one question. ValueError lists those that exist."""
    if name not in questions():
        raise ValueError(f"there is no question '{name}'; there are: {', '.join(questions())}")
    return importlib.import_module(f"{__name__}.{name}")
