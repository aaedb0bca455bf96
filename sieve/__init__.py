"""sieve: find the directions in a language model that can be turned one at a time.

`import sieve` is cheap; a name is imported when it is first used.
"""

import importlib
from typing import Any

_HOME = {
    "Direction": "sieve.interventions.direction",
    "LanguageModel": "sieve.model.language_model",
    "LineageError": "sieve.dictionary.sae",
    "NoLanguageFeatures": "sieve.features.langfir",
    "Sae": "sieve.dictionary.sae",
    "SiteError": "sieve.model.sites",
    "Strength": "sieve.interventions.swap",
    "Subject": "sieve.subject",
    "ablate": "sieve.interventions.ablate",
    "drop": "sieve.interventions.swap",
    "insert": "sieve.interventions.swap",
    "language_direction": "sieve.features.langfir",
    "load": "sieve.loading",
    "open_model": "sieve.model.language_model",
    "steer": "sieve.interventions.steer",
    "swap": "sieve.interventions.swap",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'sieve' has no attribute '{name}'; it has: {', '.join(sorted(_HOME))}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
