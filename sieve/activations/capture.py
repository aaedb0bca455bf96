"""Run a network over token blocks and keep the activations of text tokens at several sites, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sieve.model.language_model import LanguageModel
from sieve.model.sites import observe
from sieve.text.blocks import Block


@dataclass(frozen=True)
class Captured:
    """Activations {site: (N, D)} of the text tokens of some blocks, with each row's document, position and token id."""

    rows: dict[str, Tensor]
    docs: list[str]
    positions: list[int]
    tokens: list[int]


def capture(lm: LanguageModel, blocks: list[Block], sites: list[str], batch: int) -> Iterator[Captured]:
    """Activations batch by batch, in the order of `blocks`.

    A batch always has `batch` rows (the last is filled up with padding): the bits of a product can depend on its shape.
    FloatingPointError names the document and position of an activation that is not finite.
    """
    for start in range(0, len(blocks), batch):
        group = blocks[start : start + batch]
        sequences = [list(block.ids) for block in group] + [[lm.pad_id]] * (batch - len(group))
        ids, mask = lm.pad(sequences)
        text = lm.is_text(ids) & mask.bool()
        found = observe(lm.network, sites, ids, mask)
        places = text.nonzero()
        docs = [group[row].doc for row in places[:, 0].tolist()]
        positions = places[:, 1].tolist()
        for site, hidden in found.items():
            _check_finite(hidden[text], site, docs, positions)
        yield Captured({site: found[site][text].cpu() for site in sites}, docs, positions, ids[text].tolist())


def _check_finite(rows: Tensor, site: str, docs: list[str], positions: list[int]) -> None:
    bad = (~torch.isfinite(rows)).any(1).nonzero()
    if len(bad):
        first = int(bad[0])
        raise FloatingPointError(
            f"{len(bad)} activations at {site} are NaN or infinite, "
            f"the first in document '{docs[first]}' at token {positions[first]}; "
            "an SAE cannot learn from them: check the model's weights, or leave that document out"
        )
