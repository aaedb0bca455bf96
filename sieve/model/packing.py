"""What the small model is trained on and in which order: shares of languages, full rows, batches; all arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice

import torch
from torch import Tensor

from sieve.provenance import generator

Sequences = list[list[int]]  # token ids of documents
PROBLEMS = "problems"


def mixture(
    texts: Mapping[str, Sequences], problems: Sequences, problem_share: float, language_alpha: float
) -> dict[str, float]:
    """The share of the training tokens of each language's text, and of "problems"; they sum to 1.

    Problems get `problem_share`, if there are any and not only they; languages share out the rest by their tokens to
    the power of `language_alpha`. Below 1 scarce languages are seen more often (arXiv 1911.02116, equation 1: 0.3).
    """
    of_problems = float(bool(problems)) if not (any(texts.values()) and problems) else problem_share
    sizes = {name: sum(map(len, texts[name])) ** language_alpha for name in sorted(texts) if texts[name]}
    languages = {name: (1 - of_problems) * size / sum(sizes.values()) for name, size in sizes.items()}
    return languages | {PROBLEMS: of_problems}


def draw(groups: Sequence[range], shares: Sequence[float], lengths: Sequence[int], seed: int) -> Iterator[int]:
    """Documents without end: always of the group that is furthest behind its share of the tokens.

    Within a group every document comes once an epoch, in a keyed shuffle. Groups without documents, or without a share,
    take no part. `lengths` are tokens per document, `groups` ranges of their indices.
    """

    def endless(number: int) -> Iterator[int]:
        for epoch in count():
            order = torch.randperm(len(groups[number]), generator=generator(seed, "pretrain", number, epoch))
            yield from (groups[number][i] for i in order.tolist())

    streams = {number: endless(number) for number, group in enumerate(groups) if group and shares[number] > 0}
    done = dict.fromkeys(streams, 0)
    while True:
        number = min(streams, key=lambda n: done[n] / shares[n])
        index = next(streams[number])
        done[number] += lengths[index]
        yield index


OPEN_ROWS = 32  # among which a document looks for the fullest that has room: rows end up 97 % full instead of 76 %


def pack(documents: Iterator[int], lengths: Sequence[int], context: int) -> Iterator[list[int]]:
    """Rows of documents that fit into `context` tokens together.

    A row mixes long and short documents of every kind, as a batch must: batches sorted by length are all of one kind
    and do not train well.
    """
    rows: list[list[int]] = []
    rooms: list[int] = []
    for index in documents:
        length = lengths[index]
        fitting = [(room, row) for row, room in enumerate(rooms) if room >= length]
        if fitting:
            row = min(fitting)[1]
        elif len(rows) < OPEN_ROWS:
            row = len(rows)
            rows.append([])
            rooms.append(context)
        else:
            row = rooms.index(min(rooms))
            yield rows[row]
            rows[row], rooms[row] = [], context
        rows[row].append(index)
        rooms[row] -= length


class Plan:
    """Which documents make batch s, and how many tokens come before it: both arithmetic on the seed and s."""

    def __init__(
        self,
        groups: Sequence[range],
        shares: Sequence[float],
        lengths: Sequence[int],
        tokens: int,
        batch_tokens: int,
        context: int,
        seed: int,
    ) -> None:
        rows = pack(draw(groups, shares, lengths, seed), lengths, context)
        per_batch = max(1, batch_tokens // context)
        self.batches: list[list[list[int]]] = []
        self.before = [0]  # tokens before each batch, and after the last
        while self.before[-1] < tokens:
            batch = list(islice(rows, per_batch))
            self.batches.append(batch)
            self.before.append(self.before[-1] + sum(lengths[i] for row in batch for i in row))


@dataclass(frozen=True)
class Packed:
    """Documents side by side: ids, targets (the next token, −100 at a document's end and in padding), positions, mask.

    All are (R, T), but mask is (R, 1, T, T). Positions start anew and attention stays within a document
    (block-diagonal), so packing changes nothing but the speed.
    """

    ids: Tensor
    targets: Tensor
    positions: Tensor
    mask: Tensor
    tokens: int

    @classmethod
    def of(cls, rows: list[list[list[int]]], context: int, pad_id: int) -> Packed:
        """Pack rows of documents; each row's documents must fit into `context` together."""
        ids = torch.full((len(rows), context), pad_id, dtype=torch.long)
        targets, owner = torch.full_like(ids, -100), torch.full_like(ids, -1)
        positions = torch.zeros_like(ids)
        for r, documents in enumerate(rows):
            start = 0
            for number, document in enumerate(documents):
                end = start + len(document)
                ids[r, start:end] = torch.tensor(document)
                targets[r, start : end - 1] = ids[r, start + 1 : end]
                positions[r, start:end] = torch.arange(end - start)
                owner[r, start:end] = number
                start = end
        same = (owner[:, None, :, None] == owner[:, None, None, :]).tril()
        return cls(ids, targets, positions, same, int((owner >= 0).sum()))

    def to(self, device: torch.device) -> Packed:
        """The same on another device."""
        return Packed(
            self.ids.to(device), self.targets.to(device), self.positions.to(device), self.mask.to(device), self.tokens
        )
