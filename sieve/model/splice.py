"""Put a dictionary's reconstruction in the place of a site's activations.

Special tokens (BOS, padding) keep their true activations, unless one asks otherwise: dictionaries are never trained on
them. Only the rows of text tokens are replaced, at every forward pass, cached steps included. arXiv 2602.04718 replaces
every token, Chen et al. (arXiv 2501.19406) pass by BOS and EOS; neither keeps an error term.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from sieve.model.language_model import LanguageModel
from sieve.model.sites import edit, positions

RowEdit = Callable[[Tensor, Tensor], Tensor]
"""(rows (N, D), where (N, 2)) -> rows (N, D); `where` holds each row's place: its batch row, and its position in that
sequence, from 0 at its first token (BOS, if there is one), whatever is padded and whatever a cache remembers."""


@contextmanager
def splice(lm: LanguageModel, site: str, function: RowEdit, specials: bool = False) -> Iterator[None]:
    """Within the block, `function` maps the rows of text tokens at `site` to what replaces them.

    Special tokens stay as they are, to the bit; with `specials` they are mapped too, and only padding stays.
    """
    with _masks(lm.network) as mask_of:

        def apply(hidden: Tensor, ids: Tensor) -> Tensor:
            mask, width = mask_of(ids), ids.shape[1]
            mapped = mask[:, -width:].bool() if specials else lm.is_text(ids)
            where = torch.stack([mapped.nonzero()[:, 0], positions(mask)[:, -width:][mapped]], 1)
            edited = hidden.clone()
            edited[mapped] = function(hidden[mapped], where).to(hidden.dtype)
            return edited

        with edit(lm.network, site, apply):
            yield


@contextmanager
def _masks(network: Any) -> Iterator[Callable[[Tensor], Tensor]]:
    """A function from the ids (B, T) of the pass in flight to the attention mask, 0 where a token is padding.

    In a cached step it is as long as everything so far. Without a mask nothing is padded.
    """
    seen: dict[str, Any] = {}

    def remember(_module: Any, _args: Any, passed: dict[str, Any]) -> None:
        cache = passed.get("past_key_values")
        seen.update(mask=passed.get("attention_mask"), before=cache.get_seq_length() if cache is not None else 0)

    def mask_of(ids: Tensor) -> Tensor:
        mask: Tensor | None = seen["mask"]
        return ids.new_ones(len(ids), seen["before"] + ids.shape[1]) if mask is None else mask

    handle = network.base_model.register_forward_pre_hook(remember, with_kwargs=True)
    try:
        yield mask_of
    finally:
        handle.remove()
