"""LangFIR: latents that fire in text of one language and not just in any tokens.

Wong, Sajjad, Siddique, arXiv 2604.03532. The paper's thresholds are not public here, so this is the skeleton that it
states with a fully specified reconstruction. With c_j the share of sequences in which latent j fires and r_j its rate
per token, on target text D and on random tokens R:

    sample mode   S = { j :  c_j(D) ≥ tau  and  c_j(R) ≤ tau_out }
    token mode    S = { j :  c_j(D) ≥ tau  and  r_j(R) ≤ kappa · r_j(D) }

Sample mode asks whether a latent fires anywhere in a random sequence. Where the language owns a share p of the
vocabulary, 1 − (1 − p)^T of the sequences of T random tokens hold one of its own, and the latents that know its words
are deleted first: on a small vocabulary it is refused. Token mode works there: latents of any text have rates that are
about equal, those of the language's words about p of their own.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, get_args, get_type_hints

import torch
from torch import Tensor

from sieve.features.activity import Activity, Counts, activity
from sieve.intervals import wilson_upper
from sieve.interventions.direction import Direction
from sieve.model.language_model import LanguageModel
from sieve.subject import Subject
from sieve.text.controls import random_like, usable_ids

FEWEST, STABLE, MANY = 20, 50, 200
"""Sequences below which nothing is found, below which a set is not stable, from which counts speak for themselves."""


class NoLanguageFeatures(LookupError):
    """Nothing was kept, and why: no latent is consistent, or every consistent one fires on random tokens too."""


@dataclass(frozen=True)
class Settings:
    """Sequences per language; mode; least share of them in which a latent fires (`tau`).

    Most that random tokens may excite a latent: rate relative to the target's (`kappa`, token mode), share of sequences
    (`tau_out`, sample mode). weights of atoms in a direction: mean code over all tokens, over those where the latent is
    `firing`, or the mean's `difference` to random tokens.
    """

    sequences: int
    mode: Literal["token", "sample"]
    tau: float
    kappa: float
    tau_out: float
    weights: Literal["mean", "firing", "difference"]

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        for name in ("mode", "weights"):
            known = get_args(get_type_hints(Settings)[name])
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is '{getattr(self, name)}'; there are: {', '.join(known)}")
        if self.sequences < FEWEST:
            raise ValueError(
                f"sequences is {self.sequences}; LangFIR needs at least {FEWEST}, about 100 for stable sets"
            )
        if not (0 <= self.tau <= 1 and 0 <= self.tau_out <= 1 and 0 <= self.kappa < float("inf")):
            raise ValueError(f"tau {self.tau} and tau_out {self.tau_out} are shares, kappa {self.kappa} is at least 0")


@dataclass(frozen=True)
class Noise:
    """How random tokens were drawn: by which seed, and whether parts of characters were left out."""

    seed: int
    exclude_bytes: bool = False

    @classmethod
    def of(cls, direction: Direction) -> Noise:
        """What a direction was found against."""
        return cls(int(direction.origin["seed"]), bool(direction.origin.get("exclude_bytes")))


@dataclass(frozen=True)
class Selection:
    """Boolean masks (F,) of every step, so that an empty result explains itself."""

    active: Tensor
    consistent: Tensor
    random: Tensor
    kept: Tensor


def select(target: Counts, random: Counts, settings: Settings) -> Selection:
    """What is kept, and every step before. `random` marks consistent latents that random tokens excite too.

    With few random sequences a latent may be silent by chance, so then the upper end of its share's 95 % interval is
    compared (Wilson 1927), not the share.
    """
    consistent = (target.consistency >= settings.tau) & (target.rate > 0)
    few = random.sequences < MANY
    if settings.mode == "sample":
        share = wilson_upper(random.consistency, random.sequences) if few else random.consistency
        noisy = consistent & (share > settings.tau_out)
    else:
        share = wilson_upper(random.rate, random.tokens) if few else random.rate
        noisy = consistent & (share > settings.kappa * target.rate)
    return Selection(target.rate > 0, consistent, noisy, consistent & ~noisy)


def vocabulary_share(lm: LanguageModel, sequences: Sequence[Sequence[int]], exclude_bytes: bool = False) -> float:
    """Share of the ids that random tokens are drawn from that occur in `sequences`: how often one is the language's."""
    usable = set(usable_ids(lm.tokenizer, exclude_bytes))
    return len({i for s in sequences for i in s} & usable) / len(usable)


def require_enough(sequences: int, given: int) -> None:
    """ValueError if of the sequences that were `given` fewer than FEWEST have a token to be counted."""
    if sequences < FEWEST:
        raise ValueError(
            f"of {given} different texts {sequences} have a token beyond their first; LangFIR needs at least {FEWEST}, "
            "about 100 for stable sets; give whole sentences"
        )


def require_rare(share: float, tokens: float, language: str = "") -> None:
    """ValueError where sample mode cannot work: most sequences of `tokens` random ones hold one of the language's."""
    hit = 1 - (1 - share) ** tokens
    if hit > 0.5:
        whose = f"'{language}'" if language else "the language"
        raise ValueError(
            f"mode 'sample' cannot work here: {whose} uses {share:.3f} of the "
            f"vocabulary, so {hit:.2f} of random sequences of {tokens:.0f} tokens hold one of its own, and its latents "
            "would be filtered out; use mode 'token'"
        )


def explain(
    target: Activity,
    random: Activity,
    found: Selection,
    share: float,
    settings: Settings,
    against: str = "random tokens",
) -> str:
    """What to know of a selection; nothing if it is a handful, from enough text, against codes that mean something.

    A handful is at most 50, and at most 5 % of all.
    """
    consistent, kept, latents = (int(x.sum()) for x in (found.consistent, found.kept, torch.ones_like(found.kept)))
    remarks = []
    if not consistent:
        best = int(target.consistency.argmax())
        remarks.append(
            f"none of {latents} latents fires in enough sequences (best: {best} in {target.consistency[best]:.2f}); "
            "lower tau, take more or cleaner text, or another layer"
        )
    elif not kept:
        quiet = int((random.rate / target.rate).where(found.consistent, torch.inf).argmin())
        advice = "raise kappa" if settings.mode == "token" else "use mode 'token', or raise tau_out"
        remarks.append(
            f"all {consistent} consistent latents fire on {against} too (least: {quiet}, at "
            f"{random.rate[quiet] / target.rate[quiet]:.2f} of its rate); the language uses {share:.3f} of the "
            f"vocabulary: {advice}"
        )
    elif kept > min(50, 0.05 * latents):
        remarks.append(
            f"{kept} of {latents} latents were kept, which is no handful: look at tau, kappa and the dictionary"
        )
    if settings.mode == "token" and settings.kappa < 2 * share:
        remarks.append(
            f"kappa {settings.kappa:g} is below twice the {share:.3f} of the vocabulary that the language uses, so "
            "latents of nearly all of its tokens are dropped as random; raise it"
        )
    if target.sequences < STABLE:
        remarks.append(f"LangFIR's sets are stable from about 100 sequences on; there are {target.sequences}")
    if random.fvu > 1:
        remarks.append(
            f"on {against} the dictionary is worse than a constant (FVU {random.fvu:.2f}), "
            "so what fires there says little"
        )
    return "; ".join(remarks)


def direction_of(
    subject: Subject,
    target: Activity,
    random: Activity,
    kept: Tensor,
    name: str,
    settings: Settings,
    noise: Noise,
) -> Direction | None:
    """Σ weight_j · atom_j over kept latents, normalised after decoding. None where that is nothing."""
    weight = {
        "mean": target.mean,
        "firing": target.mean / target.rate.clamp_min(1e-12),
        "difference": target.mean - random.mean,
    }[settings.weights]
    vector = weight[kept].float() @ subject.sae.W_dec.cpu()[kept]
    if not float(vector.norm()) > 0:
        return None
    sizes = {"sequences": target.sequences, "random_sequences": random.sequences}
    origin = {name: value for name, value in asdict(settings).items() if name != "sequences"} | sizes | asdict(noise)
    return Direction(
        vector / vector.norm(), target.norm, name, subject.site, subject.lm.digest, subject.sae.digest, origin
    )


def language_direction(
    subject: Subject,
    texts: Sequence[str],
    name: str = "",
    *,
    mode: Literal["token", "sample"] = "token",
    tau: float = 0.5,
    kappa: float = 0.5,
    tau_out: float = 0.05,
    weights: Literal["mean", "firing", "difference"] = "mean",
    seed: int = 0,
    exclude_bytes: bool = False,
    batch: int = 32,
) -> Direction:
    """The direction of the language that `texts` (about 100 sentences) are in: found from them and random tokens alone.

    To be used with `sieve.steer`. Empty texts do not count, repeated ones count once, and long ones as far as the
    model's context reaches. `exclude_bytes` keeps parts of characters out of the random tokens. NoLanguageFeatures
    when nothing is kept; ValueError for too little text, or for thresholds and a mode that cannot work.
    """
    if isinstance(texts, str):
        raise ValueError("texts is one text; give a list of sentences, e.g. text.splitlines()")
    texts = list(dict.fromkeys(text for text in texts if text.strip()))
    settings = Settings(len(texts), mode, tau, kappa, tau_out, weights)
    lm = subject.lm
    sequences = [ids[: lm.context] for ids in lm.encode(texts)]
    # noise is free, and few sequences of it leave doubt
    noise = random_like(lm.tokenizer, sequences, max(len(sequences), MANY), seed, name, exclude_bytes)
    share = vocabulary_share(lm, sequences, exclude_bytes)
    if mode == "sample":
        require_rare(share, sum(map(len, sequences)) / len(sequences), name)
    target, random = (activity(subject, some, batch) for some in (sequences, noise))
    require_enough(target.sequences, len(texts))
    found = select(target, random, settings)
    direction = direction_of(subject, target, random, found.kept, name, settings, Noise(seed, exclude_bytes))
    remark = explain(target, random, found, share, settings)
    if direction is None:
        silent = "the kept latents write nothing; look at the dictionary's atoms" if bool(found.kept.any()) else ""
        raise NoLanguageFeatures("; ".join(filter(None, (silent, remark))))
    if remark:
        warnings.warn(remark, stacklevel=2)
    return direction
