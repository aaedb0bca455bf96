"""Push a site's activations along a direction."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from sieve.interventions.direction import Direction
from sieve.model.language_model import LanguageModel
from sieve.model.splice import splice


@contextmanager
def steer(lm: LanguageModel, direction: Direction, strength: float) -> Iterator[None]:
    """Within the block, every text token's activation at the direction's site becomes h + strength · norm · v̂.

    A negative strength pushes away. The first position is left alone, be it BOS or, where there is none, a text token:
    it attends to nothing, and its norm is another.
    No SAE is needed: with a linear decoder, adding to the codes and putting the reconstruction error back is the same
    thing. Strength 0 changes nothing, to the bit. LineageError for another model's direction; ValueError for a strength
    that is not finite, and for a direction that is none.
    """
    direction.require(lm.digest)
    length = float(direction.vector.norm())
    if not (0 < length < math.inf and 0 < direction.norm < math.inf):
        raise ValueError(
            f"direction '{direction.name}' has length {length} and norm {direction.norm}; expected finite ones above 0"
        )
    if not math.isfinite(strength):
        raise ValueError(f"strength is {strength}; expected a finite number (1.0 adds one median activation norm)")
    push = (strength * direction.norm * direction.vector).to(lm.device)
    with splice(lm, direction.site, lambda rows, where: rows + push * (where[:, 1:] > 0)):
        yield
