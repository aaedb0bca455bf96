"""Give one prompt the true activations of another: what an edit that knew the truth would achieve there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from sieve.model.language_model import LanguageModel
from sieve.model.sites import edit


@contextmanager
def patch(lm: LanguageModel, site: str, rows: Tensor, positions: Tensor, values: Tensor) -> Iterator[None]:
    """Within the block, the first forward pass sees `values` (P, D) at `site`, batch rows (P,) and positions (P,).

    Later passes (the one-token steps of cached generation) are left alone: the prompt is over.
    """
    done = False

    def function(hidden: Tensor, _ids: Tensor) -> Tensor:
        nonlocal done
        if done:
            return hidden
        done = True
        hidden = hidden.clone()
        hidden[rows, positions] = values.to(hidden.dtype)
        return hidden

    with edit(lm.network, site, function):
        yield
