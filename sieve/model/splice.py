"""Put a dictionary's reconstruction in the place of a site's activations.

Special tokens (BOS, padding) keep their true activations: dictionaries are never trained on them. Only the rows of text
tokens are replaced, at every forward pass, cached steps included (arXiv 2602.04718 replaces every token, without an
error term).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor

from sieve.model.language_model import LanguageModel
from sieve.model.sites import edit

RowEdit = Callable[[Tensor, Tensor], Tensor]
"""(rows (N, D), where (N, 2)) -> rows (N, D); `where` holds each row's place: batch row, position in the pass."""


def on_text(lm: LanguageModel, function: RowEdit) -> Callable[[Tensor, Tensor], Tensor]:
    """Lift `function` on the rows of text tokens to a whole batch, leaving special tokens as they are, to the bit."""

    def apply(hidden: Tensor, ids: Tensor) -> Tensor:
        text = lm.is_text(ids)
        edited = hidden.clone()
        edited[text] = function(hidden[text], text.nonzero()).to(hidden.dtype)
        return edited

    return apply


@contextmanager
def splice(lm: LanguageModel, site: str, function: RowEdit) -> Iterator[None]:
    """Within the block, `function` maps the rows of text tokens at `site` to what replaces them."""
    with edit(lm.network, site, on_text(lm, function)):
        yield
