"""Random-token sequences: what a dictionary does with input that carries no language (arXiv 2604.03532)."""

from __future__ import annotations

import torch

from sieve.provenance import generator


def usable_ids(tokenizer: object) -> list[int]:
    """Every id that stands for text: the tokenizer's vocabulary (not the padded embedding) without special ones."""
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())  # type: ignore[attr-defined]
    return [i for i in range(len(tokenizer)) if i not in special]  # type: ignore[arg-type]


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
