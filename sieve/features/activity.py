"""What every latent does on a set of sequences: how often it fires, in how many of them, how strongly.

One pass, a batch at a time. Only pairs (token, active latent) are kept, and only for as long as they are counted, so
memory does not grow with the number of tokens, nor a batch's with tokens × latents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from sieve.model.batches import alike
from sieve.subject import Subject

NORMS = 2**20  # activations whose lengths are kept for the median


@dataclass(frozen=True)
class Counts:
    """How often each latent (F,) fires: consistency, the share of sequences in which it does; rate, that of tokens."""

    sequences: int
    tokens: int
    consistency: Tensor
    rate: Tensor


@dataclass(frozen=True)
class Activity(Counts):
    """What each latent does on a set of sequences: how often it fires, and its mean code (F,), zeros included.

    Of the activations themselves: the median length `norm` (of the first `NORMS`), their mean `centre` (D,), and the
    share of their spread that the Sae misses, `fvu` (above 1 it reads noise).
    """

    mean: Tensor
    norm: float
    centre: Tensor
    fvu: float


@dataclass(frozen=True)
class Firings:
    """How often each latent fires in each sequence (S, F) int32, and tokens (S,): what resamples are drawn from."""

    counts: Tensor
    tokens: Tensor

    @property
    def rate(self) -> Tensor:
        """Per token (F,), float64."""
        return self.counts.sum(0).double() / self.tokens.sum()

    def of(self, sample: Tensor) -> Firings:
        """The sequences whose numbers are in `sample`."""
        return Firings(self.counts[sample], self.tokens[sample])

    def summed(self) -> Counts:
        """All sequences together; those without tokens are none."""
        used = max(1, int((self.tokens > 0).sum()))
        return Counts(used, int(self.tokens.sum()), (self.counts > 0).double().sum(0) / used, self.rate)


class Passed(NamedTuple):
    """A batch's text tokens but each sequence's first: which sequence owns each (N,), rows and reconstructions (N, D),
    and the active pairs: token (P,), latent (P,), code (P,)."""

    owner: Tensor
    rows: Tensor
    rebuilt: Tensor
    token: Tensor
    latent: Tensor
    code: Tensor


def activity(subject: Subject, sequences: Sequence[Sequence[int]], batch: int) -> Activity:
    """Stream `sequences` of ids through the subject, adding up counts only.

    Special tokens and each sequence's first text token are left out. The first position attends to nothing and has an
    outsized norm in most models. A sequence of which nothing is left is none. ValueError when nothing is left at all,
    or when an activation is not a number.
    """
    fires, present, codes = (torch.zeros(subject.sae.latents, dtype=torch.float64) for _ in range(3))
    total, square, missed = torch.zeros(subject.sae.width, dtype=torch.float64), 0.0, 0.0
    norms, tokens, used = torch.empty(0), 0, 0
    for seen in _passes(subject, sequences, batch):
        fires += _count(seen.latent, len(fires))
        codes.index_add_(0, seen.latent, seen.code.double())
        present += _count((seen.owner[seen.token] * len(fires) + seen.latent).unique() % len(fires), len(fires))
        rows = seen.rows.double()
        total += rows.sum(0)
        square += float(rows.square().sum())
        missed += float((rows - seen.rebuilt.double()).square().sum())
        tokens, used = tokens + len(rows), used + len(seen.owner.unique())
        if len(norms) < NORMS:
            norms = torch.cat([norms, seen.rows.norm(dim=1)])[:NORMS]
    if tokens == 0:
        raise ValueError(
            "no usable positions: every token is special, padding or the first of its sequence; give longer text"
        )
    spread = square - float(total.square().sum()) / tokens
    return Activity(
        used,
        tokens,
        present / used,
        fires / tokens,
        codes / tokens,
        float(norms.median()),
        (total / tokens).float(),
        missed / spread if spread > 0 else 0.0,
    )


def beyond_first(text: Tensor) -> Tensor:
    """`text` (B, T) without each row's first token that is text, which in most models attends to little or nothing."""
    return text & (text.cumsum(1) > 1)


def firings(subject: Subject, sequences: Sequence[Sequence[int]], batch: int) -> Firings:
    """What each latent does in each of `sequences`, counted as in `activity`."""
    counts = torch.zeros(len(sequences), subject.sae.latents, dtype=torch.int32)
    tokens = torch.zeros(len(sequences), dtype=torch.int64)
    for seen in _passes(subject, sequences, batch):
        flat = seen.owner[seen.token] * subject.sae.latents + seen.latent
        counts.view(-1).index_add_(0, flat, torch.ones_like(flat, dtype=torch.int32))
        tokens += _count(seen.owner, len(sequences))
    return Firings(counts, tokens)


def _count(numbers: Tensor, size: int) -> Tensor:
    return torch.bincount(numbers, minlength=size)


@torch.no_grad()
def _passes(subject: Subject, sequences: Sequence[Sequence[int]], batch: int) -> Iterator[Passed]:
    """What the subject reads, batch by batch, on the CPU; owners are counted through all batches."""
    known = int(subject.lm.network.config.vocab_size)
    for numbers in alike(sequences, batch):
        group = [list(sequences[n]) for n in numbers]
        ids_seen = [i for s in group for i in s] or [0]
        least, most = min(ids_seen), max(ids_seen)
        if least < 0 or most >= known:
            raise ValueError(
                f"there is a token {least if least < 0 else most}, but the model knows 0 to {known - 1}; "
                "use the tokenizer it was trained with"
            )
        if not any(group):
            continue
        ids, mask = subject.lm.pad(group)
        rows, text = subject.rows(ids, mask)
        used = beyond_first(text)
        rows, owner = rows[used[text]], torch.tensor(numbers)[used.nonzero()[:, 0].cpu()]
        if not bool(rows.isfinite().all()):
            bad = int(owner[(~rows.isfinite().all(1)).nonzero()[0].cpu()])
            raise ValueError(f"activations at {subject.site} are not finite in sequence {bad}; look at its text")
        codes = subject.sae.codes(rows)
        active = (codes.values != 0).cpu()
        pairs = (x.cpu()[active] for x in (codes.pairs.rows, codes.pairs.latents, codes.values))
        yield Passed(owner, rows.cpu(), codes.decode(subject.sae.W_dec, subject.sae.b_dec).cpu(), *pairs)
