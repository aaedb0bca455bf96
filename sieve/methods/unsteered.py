"""Control: nothing is done; what the model writes anyway."""

from __future__ import annotations

from contextlib import nullcontext

from sieve.methods.material import NO_PUSH, NOTHING, Material, Push

NEEDS, UNIT = NOTHING, NO_PUSH


def find(_material: Material, _language: str) -> list[Push]:
    """A push that does not push, whatever its strength."""
    return [lambda _strength: nullcontext()]
