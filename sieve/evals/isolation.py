"""What an intervention on one concept changes besides: measures and controls that questions share.

The *slots* of a text are the tokens of the concept's own mentions: what is meant to change. Everything is compared with
the same subject's run without the intervention, its reconstruction spliced in all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from sieve.clusters import Roles
from sieve.dictionary.sae import Sae
from sieve.evals.case import Item, Row, clustered_mean, clustered_proportion, not_applicable
from sieve.interventions.swap import Feature, Strength
from sieve.model.language_model import LanguageModel
from sieve.model.splice import splice
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


@dataclass(frozen=True)
class Forced:
    """What a subject made of a batch of texts that it was given to read.

    rows (N, D): the site's activations at text tokens, as the layers after it see them; owner (N,): the text that each
    is of. log_p: for each text the log-probabilities (n, V), in nats, of the next token where they were asked for.
    """

    rows: Tensor
    owner: Tensor
    log_p: tuple[Tensor, ...]


@torch.no_grad()
def forced(
    subject: Subject,
    prompts: Sequence[Sequence[int]],
    texts: Sequence[Sequence[int]],
    asked: Sequence[Sequence[int]],
    under: AbstractContextManager[None],
) -> Forced:
    """One pass over each prompt with its continuation from `texts`, whatever the subject itself would have said.

    asked: which tokens of each continuation, from 0, are to be expected. `under`: the splice, with or without an
    intervention on this batch, as a block not yet entered.
    """
    lm, seen = subject.lm, list[tuple[Tensor, Tensor]]()

    def keep(rows: Tensor, where: Tensor) -> Tensor:
        seen.append((rows, where[:, 0]))
        return rows

    ids, mask = lm.pad([[*prompt, *text] for prompt, text in zip(prompts, texts)])
    with under, splice(lm, subject.site, keep):
        logits = lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits
    ((rows, owner),) = seen
    places = [(i, len(prompt) - 1 + n) for i, (prompt, own) in enumerate(zip(prompts, asked)) for n in own]
    text, at = torch.tensor(places, dtype=torch.long).view(-1, 2).unbind(1)
    return Forced(rows, owner, logits[text, at].double().log_softmax(-1).split([len(own) for own in asked]))


def off_slot(slot: Sequence[int]) -> list[int]:
    """The tokens that are part of no mention, by what `slots` says."""
    return [n for n, mention in enumerate(slot) if not mention]


def off_slot_kl(plain: Forced, edited: Forced) -> list[float]:
    """For each text Σ KL(without ‖ with the intervention) of the next token, in nats, wherever that was asked for.

    Both must have read the same: the continuation without the intervention, asked for what is `off_slot` there.
    """
    return [float((p.exp() * (p - q)).sum()) for p, q in zip(plain.log_p, edited.log_p)]


def bystanders(features: Iterable[Feature], source: Feature, target: Feature) -> Feature:
    """All latents of `features` (of any concept) that belong neither to `source` nor to `target`, each once."""
    typical = {latent: size for f in features for latent, size in zip(f.latents, f.typical)}
    others = sorted(set(typical) - {*source.latents, *target.latents})
    return Feature("others", tuple(others), tuple(typical[latent] for latent in others))


def code_change(sae: Sae, plain: Forced, edited: Forced, others: Sequence[Feature]) -> list[float | None]:
    """For each text the mean of |z' − z| / typical over the latents of its own feature of `others`; None without any.

    z and z' are what the Sae reads in its own reconstruction without and with the intervention: how much of what was
    written for one concept looks like others, which it can as far as atoms are not orthogonal. The mean is over the
    tokens whose reconstruction the intervention changes; 0 where there are none.
    """
    touched = (plain.rows != edited.rows).any(1)
    change = (sae.encode(edited.rows[touched]) - sae.encode(plain.rows[touched])).abs()
    found: list[float | None] = []
    for i, feature in enumerate(others):
        if not feature.latents:
            found.append(None)
            continue
        own = change[plain.owner[touched] == i][:, list(feature.latents)].double()
        found.append(float((own / torch.tensor(feature.typical).to(own)).mean()) if own.numel() else 0.0)
    return found


NEAREST, FEWEST = 0.05, 10
"""Share, and least number, of the live latents of no value from which a random one is drawn: those nearest in rate."""


def random_latents(
    features: Mapping[str, Feature], sae: Sae, strength: Strength, fired: Tensor, seed: int
) -> dict[str, Feature]:
    """For each value as many latents of no value, which fire about as often and write as much as its own at `strength`.

    The control for `swap`, to be written at strength 1. fired (F,): how often each latent fires in held-out text. For
    each of a value's latents one is drawn, by a generator keyed by the value, from the live ones that are nearest to it
    in the logarithm of that; together they are scaled to write a vector as long. Where nothing is live, nothing is.
    """
    valued = {latent for feature in features.values() for latent in feature.latents}
    live = [latent for latent in fired.nonzero().flatten().tolist() if latent not in valued]
    rate, atoms = fired.double().clamp_min(1).log().tolist(), sae.W_dec.cpu()
    found = {}
    for name, feature in features.items():
        rng, drawn = generator(seed, "swap control", name), list[int]()
        for own in feature.latents[: len(live)]:
            free = sorted(set(live) - set(drawn), key=lambda latent: (abs(rate[latent] - rate[own]), latent))
            near = free[: max(FEWEST, int(NEAREST * len(live)))]
            drawn.append(near[int(torch.randint(len(near), (), generator=rng))])
        written = strength.codes(feature, sae)[:, None] * atoms[list(feature.latents)]
        codes = written.norm(dim=1)[: len(drawn)] / atoms[drawn].norm(dim=1).clamp_min(1e-8)
        codes *= written.sum(0).norm() / (codes @ atoms[drawn]).norm().clamp_min(1e-8)
        found[name] = Feature(name, tuple(drawn), tuple(codes.tolist()))
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


def means(items: Sequence[Item]) -> list[Row]:
    """Every metric of every condition of swaps, over its items."""
    rows: list[Row] = []
    for case, group in groupby(items, key=lambda item: item.case):
        own = list(group)
        answered = all(item.kept is not None for item in own)
        for metric in ("success", "named", "dropped", "exact", *(("kept", "success_and_kept") if answered else ())):
            rows.append(clustered_proportion("swap", metric, case, [getattr(item, metric) for item in own], roles(own)))
        if not answered:
            rows += not_applicable("swap", "kept", "text has no answers", case)
        for metric in ("rouge_l", "acted", "others"):
            known = [item for item in own if getattr(item, metric) is not None]
            each = [getattr(item, metric) for item in known]
            found = [clustered_mean("swap", metric, case, each, roles(known))] if known else None
            rows += found or not_applicable("swap", metric, "no other value has latents", case)
        rows += _divergence(case, [item for item in own if item.tokens])
    return rows


def roles(items: Sequence[Item]) -> Roles:
    """The clusters of items, by role."""
    return list(zip(*(item.roles for item in items)))


def _divergence(case: str, own: Sequence[Item]) -> list[Row]:
    """Nats per token."""
    if not own:
        return not_applicable("swap", "kl", "nothing but names is said", case)
    return [clustered_mean("swap", "kl", case, [item.kl for item in own], roles(own), [item.tokens for item in own])]
