"""The texts in which a latent is strongest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sieve.model.batches import alike
from sieve.model.language_model import LanguageModel
from sieve.subject import Subject
from sieve.text.blocks import Block


@dataclass(frozen=True)
class Example:
    """One document seen by one latent: its tokens and the latent's activation on each."""

    latent: int
    rank: int
    doc: str
    tokens: tuple[str, ...]
    activations: tuple[float, ...]


def top_examples(
    subject: Subject, blocks: Sequence[Block], latents: Sequence[int], count: int, batch: int
) -> list[Example]:
    """For each of `latents`, the `count` documents with the largest activation, strongest first.

    Ties go to the earlier document. Documents in which a latent is silent are never shown, so there may be fewer.
    """
    chosen = list(latents)
    if not chosen:
        return []
    strongest = torch.empty(len(blocks), len(chosen))
    for numbers in alike([block.ids for block in blocks], batch):
        reading = subject.read(*subject.lm.pad([list(blocks[n].ids) for n in numbers]))
        owner = reading.text.nonzero()[:, :1].expand(-1, len(chosen))
        peak = torch.zeros(len(numbers), len(chosen), device=reading.z.device)
        strongest[numbers] = peak.scatter_reduce(0, owner, reading.z[:, chosen], "amax").cpu()
    found = []
    for column, latent in enumerate(chosen):
        order = sorted(range(len(blocks)), key=lambda i: (-float(strongest[i, column]), i))[:count]
        for rank, i in enumerate(i for i in order if strongest[i, column] > 0):
            tokens, activations = _shown(subject, blocks[i], latent)
            found.append(Example(latent, rank, blocks[i].doc, tokens, activations))
    return found


def token_text(lm: LanguageModel, token: int) -> str:
    """One token as it reads, the space before it included; a byte of a longer letter is the replacement sign."""
    tokenizer = lm.tokenizer
    return str(tokenizer.convert_tokens_to_string([tokenizer.convert_ids_to_tokens(token)]))


def _shown(subject: Subject, block: Block, latent: int) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Tokens as text with the activation of each."""
    reading = subject.read(*subject.lm.pad([list(block.ids)]))
    places = reading.text[0].nonzero().flatten().tolist()
    return tuple(token_text(subject.lm, block.ids[p]) for p in places), tuple(reading.z[:, latent].tolist())
