"""Sequences that carry no language: what a dictionary does with any tokens (arXiv 2604.03532).

Uniform random tokens are LangFIR's control. Two more are for comparison, and are not LangFIR: a text's own tokens
shuffled (its words without its syntax), and random tokens as frequent as in the text (its letters and short words).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch

from sieve.provenance import generator

PART = 3  # bytes at most of a part of a character; a byte-level token has a character for each
UNREADABLE = "\ufffd"


def usable_ids(tokenizer: Any, exclude_bytes: bool = False) -> list[int]:
    """Every id that stands for text: the tokenizer's vocabulary (not the padded embedding) without special ones.

    With `exclude_bytes` those of bytes that are no letters are left out too: <0x00> to <0xFF>, and of byte-level
    vocabularies parts of characters, which are not UTF-8 on their own.
    """
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    if exclude_bytes:
        special |= {i for token, i in tokenizer.get_vocab().items() if _is_bytes(tokenizer, token)}
    return [i for i in range(len(tokenizer)) if i not in special]


def _is_bytes(tokenizer: Any, token: str) -> bool:
    if re.fullmatch(r"<0x[0-9A-Fa-f]{2}>", token):
        return True
    return len(token) <= PART and set(tokenizer.convert_tokens_to_string([token])) == {UNREADABLE}


def random_sequences(lengths: list[int], prefix: list[int], ids: list[int], seed: int, purpose: str) -> list[list[int]]:
    """One sequence per entry of `lengths`: the fixed `prefix` (BOS or nothing), then that many uniform ids.

    Sequence i depends on (seed, purpose, i) and its length only. ValueError when fewer than 100 ids are usable: such
    noise would be text.
    """
    if len(ids) < 100:
        raise ValueError(
            f"after special and added tokens are excluded only {len(ids)} ids remain; "
            "random sequences need at least 100"
        )
    table = torch.tensor(ids)
    found = []
    for i, length in enumerate(lengths):
        draw = torch.randint(len(ids), (length,), generator=generator(seed, "random tokens", purpose, i))
        found.append(prefix + table[draw].tolist())
    return found


def random_like(
    tokenizer: Any, texts: Sequence[Sequence[int]], count: int, seed: int, purpose: str, exclude_bytes: bool = False
) -> list[list[int]]:
    """`count` random sequences as long as `texts` (ids), taken again where they are too few, and begun as they are."""
    special = set(tokenizer.all_special_ids)
    lengths = [sum(i not in special for i in text) for text in texts]
    prefix = [i for i in texts[0][:1] if i in special]
    wanted = [lengths[i % len(lengths)] for i in range(count)]
    return random_sequences(wanted, prefix, usable_ids(tokenizer, exclude_bytes), seed, purpose)


def shuffled(texts: Sequence[Sequence[int]], seed: int, purpose: str) -> list[list[int]]:
    """Each text's ids (without special ones) in random order. Text i's order depends on (seed, purpose, i) only."""
    found = []
    for i, text in enumerate(texts):
        order = torch.randperm(len(text), generator=generator(seed, "shuffled tokens", purpose, i))
        found.append([text[place] for place in order.tolist()])
    return found


def unigram(texts: Sequence[Sequence[int]], seed: int, purpose: str) -> list[list[int]]:
    """For each text as many ids, each drawn as often as it occurs in all texts together."""
    everything = torch.tensor([i for text in texts for i in text])
    found = []
    for i, text in enumerate(texts):
        draw = torch.randint(len(everything), (len(text),), generator=generator(seed, "unigram tokens", purpose, i))
        found.append(everything[draw].tolist())
    return found
