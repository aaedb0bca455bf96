"""Run a network over token blocks and keep the activations of text tokens at several sites, in one pass."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from sieve.activations.store import Precision
from sieve.model.language_model import LanguageModel
from sieve.model.sites import observe, site_width
from sieve.text.blocks import Block


def text_tokens(lm: LanguageModel, blocks: list[Block]) -> pa.Table:
    """doc, position and token id of every text token of `blocks`, in the order in which `capture` gives rows."""
    lengths = torch.tensor([len(block.ids) for block in blocks], dtype=torch.long)
    every = chain.from_iterable(block.ids for block in blocks)
    ids = torch.from_numpy(np.fromiter(every, np.int32, int(lengths.sum())))
    owner = torch.repeat_interleave(lengths)
    position = torch.arange(len(ids)) - (lengths.cumsum(0) - lengths)[owner]
    text = lm.is_text(ids.to(lm.device)).cpu()
    docs = pa.array([block.doc for block in blocks], pa.string())
    return pa.table({
        "doc": docs.take(pa.array(owner[text].numpy())),
        "position": position[text].int().numpy(),
        "token": ids[text].numpy(),
    })  # fmt: skip


def capture(
    lm: LanguageModel, blocks: list[Block], sites: list[str], batch: int, precision: Precision = "fp32"
) -> dict[str, Tensor]:
    """Activations {site: (N, D)} fp32, on the CPU, of the text tokens of `blocks`, in their order.

    A batch always has `batch` rows (the last is filled up with padding): the bits of a product can depend on its shape.
    precision bf16: the forward pass multiplies in bfloat16 (autocast), so these are activations of a slightly other
    network than the one in fp32 in which a dictionary is used.
    FloatingPointError names the document and position of an activation that is not finite.
    """
    tokens, done = sum(len(block.ids) for block in blocks), 0
    rows = {site: torch.empty(tokens, site_width(lm.network, site)) for site in sites}
    for start in range(0, len(blocks), batch):
        group = blocks[start : start + batch]
        ids, mask = lm.pad([block.ids for block in group] + [(lm.pad_id,)] * (batch - len(group)))
        text = lm.is_text(ids) & mask.bool()
        with torch.autocast(lm.device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            observed = observe(lm.network, sites, ids, mask)
        count = int(text.sum())
        for site, hidden in observed.items():  # the earliest in the network first
            found = hidden[text]
            _check_finite(found, site, text, group)
            rows[site][done : done + count] = found
        done += count
    return {site: found[:done] for site, found in rows.items()}


def _check_finite(rows: Tensor, site: str, text: Tensor, group: list[Block]) -> None:
    if torch.isfinite(rows.sum()):  # so is every one of them; a sum alone can also be too large
        return
    bad = (~torch.isfinite(rows)).any(1).nonzero()
    if len(bad):
        row, position = text.nonzero()[int(bad[0])].tolist()
        raise FloatingPointError(
            f"{len(bad)} activations at {site} are NaN or infinite, the first in document '{group[row].doc}' at token "
            f"{position}; an SAE cannot learn from them: check the model's weights, or leave that document out"
        )
