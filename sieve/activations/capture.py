"""Run a network over token blocks and keep the activations of text tokens at several sites, in one pass."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from sieve.activations.store import Precision
from sieve.model.language_model import LanguageModel
from sieve.model.sites import observe
from sieve.text.blocks import Block


def text_tokens(lm: LanguageModel, blocks: list[Block]) -> list[tuple[str, int, int]]:
    """(document, position, token id) of every text token of `blocks`, in the order in which `capture` gives rows."""
    special = set(lm.special_ids.tolist())
    return [
        (block.doc, position, token)
        for block in blocks
        for position, token in enumerate(block.ids)
        if token not in special
    ]


def capture(
    lm: LanguageModel, blocks: list[Block], sites: list[str], batch: int, precision: Precision = "fp32"
) -> Iterator[dict[str, Tensor]]:
    """Activations {site: (N, D)} fp32 of the text tokens, batch by batch, in the order of `blocks`.

    A batch always has `batch` rows (the last is filled up with padding): the bits of a product can depend on its shape.
    precision bf16: the forward pass multiplies in bfloat16 (autocast), so these are activations of a slightly other
    network than the one in fp32 in which a dictionary is used.
    FloatingPointError names the document and position of an activation that is not finite.
    """
    for start in range(0, len(blocks), batch):
        group = blocks[start : start + batch]
        sequences = [list(block.ids) for block in group] + [[lm.pad_id]] * (batch - len(group))
        ids, mask = lm.pad(sequences)
        text = lm.is_text(ids) & mask.bool()
        with torch.autocast(lm.device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            observed = observe(lm.network, sites, ids, mask)
        found = {site: hidden[text].float().cpu() for site, hidden in observed.items()}
        for site in found:  # the earliest in the network first
            _check_finite(found[site], site, lm, group)
        yield {site: found[site] for site in sites}


def _check_finite(rows: Tensor, site: str, lm: LanguageModel, group: list[Block]) -> None:
    bad = (~torch.isfinite(rows)).any(1).nonzero()
    if len(bad):
        doc, position, _ = text_tokens(lm, group)[int(bad[0])]
        raise FloatingPointError(
            f"{len(bad)} activations at {site} are NaN or infinite, the first in document '{doc}' at token {position}; "
            "an SAE cannot learn from them: check the model's weights, or leave that document out"
        )
