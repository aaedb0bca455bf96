"""How well do the last few characters predict the next? The bar that a language model has to clear.

Interpolated Witten-Bell smoothing (Witten & Bell 1991; Chen & Goodman 1999, section 2.4): with n(h) tokens and t(h)
types seen after a history h, p(c | h) = (n(hc) + t(h) p(c | shorter h)) / (n(h) + t(h)), down to a uniform p.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

UNICODE = 0x110000  # how many characters there could be: the uniform distribution at the end of all histories
START, MULTIPLIER = UNICODE, 6364136223846793005  # an odd multiplier mixes well modulo 2^64


class CharacterModel:
    """A character n-gram model of one language; every document begins after `START`."""

    def __init__(self, texts: Sequence[str], order: int = 6) -> None:
        """order: how many characters a gram has, history included. ValueError without text or with an order below 1."""
        if order < 1 or not any(texts):
            raise ValueError(f"order={order}, {len(texts)} texts: give an order of at least 1 and some text")
        self.order = order
        characters = torch.cat([_codes(text) for text in texts])
        histories = torch.cat([_histories(_codes(text), order) for text in texts], 1)
        self.tables = [_Table(histories[size], characters) for size in range(order)]

    def bits_per_byte(self, texts: Sequence[str]) -> float:
        """What documents cost in bits, by their UTF-8 bytes: comparable with a model of tokens."""
        bits = sum(float(-self.probabilities(text).log2().sum()) for text in texts)
        return bits / sum(len(text.encode("utf-8")) for text in texts)

    def probabilities(self, text: str) -> Tensor:
        """p of each character after those before it, (N,) float64."""
        characters = _codes(text)
        found = torch.full((len(characters),), 1.0 / UNICODE, dtype=torch.float64)
        for table, history in zip(self.tables, _histories(characters, self.order)):
            grams, tokens, types = table.counts(history, characters)
            found = torch.where(tokens > 0, (grams + types * found) / (tokens + types).clamp(min=1), found)
        return found


class _Table:
    """Counts of all histories of one length: sorted hashes, looked up by bisection."""

    def __init__(self, histories: Tensor, characters: Tensor) -> None:
        found = torch.unique(_mix(histories, characters), return_inverse=True, return_counts=True)
        self.grams, gram_of, self.gram_counts = found
        history_of = torch.empty_like(self.grams).scatter_(0, gram_of, histories)
        self.histories, self.types = torch.unique(history_of, return_counts=True)
        _, self.tokens = torch.unique(histories, return_counts=True)

    def counts(self, histories: Tensor, characters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(of the gram, of its history, of types after that history) for each position; 0 for what was never seen."""
        grams = _look_up(self.grams, self.gram_counts, _mix(histories, characters))
        tokens, types = (_look_up(self.histories, values, histories) for values in (self.tokens, self.types))
        return grams, tokens, types


def _look_up(keys: Tensor, values: Tensor, wanted: Tensor) -> Tensor:
    place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return torch.where(keys[place] == wanted, values[place], 0)


def _codes(text: str) -> Tensor:
    return torch.tensor([ord(character) for character in text], dtype=torch.int64)


def _mix(before: Tensor, character: Tensor) -> Tensor:
    """A hash of a history and one more character; int64 arithmetic wraps around."""
    return (before + character + 1) * MULTIPLIER


def _histories(characters: Tensor, order: int) -> Tensor:
    """Hashes (order, N): in row k of the k characters before each position."""
    padded = torch.cat([torch.full((order,), START), characters])
    rows = [torch.zeros(len(characters), dtype=torch.int64)]
    for size in range(1, order):
        row = rows[0]
        for back in range(size, 0, -1):
            row = _mix(row, padded[order - back : len(padded) - back])
        rows.append(row)
    return torch.stack(rows)
