"""What an intervention on one concept changes besides: measures and a control that questions share.

The *slots* of a text are the tokens of the concept's own mentions: what is meant to change. Everything is compared with
the same subject's run without the intervention, its reconstruction spliced in all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from sieve.dictionary.sae import Sae
from sieve.interventions.swap import Feature, Strength
from sieve.model.language_model import LanguageModel
from sieve.provenance import generator
from sieve.subject import Subject

NAME = -1
"""Stands for any mention, in continuations that are compared; no token has this id."""


def slots(lm: LanguageModel, ids: Sequence[int], words: Iterable[str]) -> list[int]:
    """For each token the number, from 1, of the mention that it has a part in, or 0.

    A mention is one of `words`, as it is written, as a whole word, with the space before it, which may be a token.
    """
    texts = [lm.tokenizer.decode(list(ids[:n]), clean_up_tokenization_spaces=False) for n in range(len(ids) + 1)]
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    found = re.finditer(rf" ?(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)", texts[-1])
    spans = [match.span() for match in found if match[1]]
    whole = [len(text.rstrip("\N{REPLACEMENT CHARACTER}")) for text in texts]  # without a letter that is not complete
    return [
        next((k for k, (start, end) in enumerate(spans, 1) if before < end and len(text) > start), 0)
        for before, text in zip(whole, texts[1:])
    ]


def made_equal(
    lm: LanguageModel, plain: Sequence[int], other: Sequence[int], words: Iterable[str], new_tokens: int
) -> tuple[list[int], list[int]]:
    """Two continuations in which every mention of any of `words` is the one symbol NAME.

    One that was cut off, at `new_tokens`, is compared no further than it goes: words have different numbers of tokens.
    """
    named = sorted(words)
    a, b = (_merged(ids, slots(lm, ids, named)) for ids in (plain, other))
    return a[: len(b)] if len(other) == new_tokens else a, b[: len(a)] if len(plain) == new_tokens else b


def _merged(ids: Sequence[int], slot: Sequence[int]) -> list[int]:
    """Each run of tokens of one mention as one NAME."""
    before = [0, *slot]
    return [NAME if own else token for token, own, last in zip(ids, slot, before) if not own or own != last]


def common_subsequence(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the longest common subsequence.

    A row of the usual table is one number, whose bit i is 0 where the length rises at a[i] (Hyyrö 2004, "Bit-parallel
    LCS-length computation revisited").
    """
    places: dict[int, int] = {}
    for i, token in enumerate(a):
        places[token] = places.get(token, 0) | 1 << i
    full = (1 << len(a)) - 1
    row = full
    for token in b:
        same = row & places.get(token, 0)
        row = ((row + same) | (row - same)) & full
    return len(a) - row.bit_count()


def rouge_l_recall(plain: Sequence[int], other: Sequence[int]) -> float:
    """Share of `plain` that is in `other` in the same order (Lin 2004; arXiv 2602.04718 compares token ids so).

    1 where `plain` is empty: nothing could be lost.
    """
    return common_subsequence(plain, other) / len(plain) if plain else 1.0


@torch.no_grad()
def off_slot_kl(
    subject: Subject,
    prompts: Sequence[Sequence[int]],
    plain: Sequence[Sequence[int]],
    words: Sequence[Iterable[str]],
    under: AbstractContextManager[None],
) -> list[tuple[float, int]]:
    """For each prompt (nats, tokens): Σ KL(without ‖ with the intervention) of the next token, and over how many.

    The tokens are those of `plain`, the continuation without the intervention, which both runs are made to read, less
    the slots of the prompt's own `words`. `under`: the intervention on this batch, as a block not yet entered.
    """
    lm = subject.lm
    ids, mask = lm.pad([[*prompt, *text] for prompt, text in zip(prompts, plain)])
    logits = []
    for context in (subject.spliced(), under):
        with context:
            logits.append(lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits)
    found = []
    for i, (prompt, text, own) in enumerate(zip(prompts, plain, words)):
        at = [len(prompt) - 1 + n for n, slot in enumerate(slots(lm, text, own)) if not slot]
        p, q = (both[i, at].double().log_softmax(-1) for both in logits)
        found.append((float((p.exp() * (p - q)).sum()), len(at)))
    return found


def bystanders(features: Iterable[Feature], source: Feature, target: Feature) -> Feature:
    """All latents of `features` (of any concept) that belong neither to `source` nor to `target`, each once."""
    typical = {latent: size for f in features for latent, size in zip(f.latents, f.typical)}
    others = sorted(set(typical) - {*source.latents, *target.latents})
    return Feature("others", tuple(others), tuple(typical[latent] for latent in others))


@torch.no_grad()
def code_change(
    subject: Subject,
    sequences: Sequence[Sequence[int]],
    others: Sequence[Feature],
    under: AbstractContextManager[None],
) -> list[float]:
    """For each sequence the mean of |z' − z| / typical over the latents of its own feature of `others`.

    z and z' are what the Sae reads in its own reconstruction without and with the intervention: how much of what was
    written for one concept looks like others, which it can as far as atoms are not orthogonal. The mean is over the
    tokens whose reconstruction the intervention changes; 0 where there are none. `under` as in `off_slot_kl`.
    """
    batch = subject.lm.pad(sequences)
    with subject.spliced():
        plain = subject.read(*batch)
    with under:
        edited = subject.read(*batch)
    touched = (plain.rows != edited.rows).any(1)
    owner = plain.text.nonzero()[:, 0]
    found = []
    for i, feature in enumerate(others):
        rows = (touched & (owner == i)).nonzero()
        change = (edited.z[rows, list(feature.latents)] - plain.z[rows, list(feature.latents)]).abs().double()
        relative = change / torch.tensor(feature.typical).to(change)
        found.append(float(relative.mean()) if relative.numel() else 0.0)
    return found


def random_directions(features: Mapping[str, Feature], sae: Sae, strength: Strength, seed: int) -> dict[str, Tensor]:
    """For each value a vector (D,) in a random direction and as long as what its latents write at `strength`.

    The control for `swap_vector`: uniform on the sphere, by a generator keyed by the value.
    """
    found = {}
    for name, feature in features.items():
        written = strength.codes(feature, sae) @ sae.W_dec[list(feature.latents)].cpu()
        drawn = torch.randn(sae.width, generator=generator(seed, "direction control", name))
        found[name] = drawn * (written.norm() / drawn.norm())
    return found
