"""What every question is given, the rows (and items) that it answers with, and intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from sieve.bootstrap import bootstrap
from sieve.clusters import Roles, fewest_clusters, mean_interval
from sieve.features.concepts import Concepts
from sieve.features.counterfactual import Pair, no_pairs, pairs, told
from sieve.intervals import wilson
from sieve.interventions.direction import Direction
from sieve.interventions.swap import Feature
from sieve.model.batches import alike
from sieve.provenance import generator
from sieve.subject import Subject
from sieve.text.blocks import Block


@dataclass(frozen=True)
class Language:
    """What the filter kept for one language: latents (m,) and, if there are any, their direction.

    filtered: the consistent latents that it dropped. All by what they are on average, strongest first.
    """

    latents: tuple[int, ...]
    direction: Direction | None
    filtered: tuple[int, ...] = ()


@dataclass(frozen=True)
class Case:
    """One subject and the data to ask about; `blocks` hold all splits, questions take what they need.

    Swaps are judged on `concepts`; `also` holds what was chosen for other concepts.
    """

    subject: Subject
    blocks: Sequence[Block]
    languages: Mapping[str, Language]
    concepts: Concepts
    seed: int
    batch: int
    also: Sequence[Concepts] = ()

    @property
    def features(self) -> list[Feature]:
        """The causal picks of all values of all concepts, those of the judged concept first."""
        return [choice.feature for found in (self.concepts, *self.also) for choice in found.choices]

    def pick(self, kind: str, split: str, count: int | None = None, language: str | None = None) -> list[Block]:
        """The first `count` blocks of a kind and split (and language), in their own order."""
        found = [b for b in self.blocks if b.kind == kind and b.split == split and language in (None, b.language)]
        return found[:count]

    @property
    def told(self) -> list[str]:
        """Languages of held-out text that the filter was asked about, sorted; none where there are fewer than two."""
        found = sorted({b.language for b in self.pick("text", "test")} & set(self.languages))
        return found if len(found) > 1 else []

    def pairs(self, split: str, count: int) -> list[Pair]:
        """Up to `count` counterfactual pairs of the judged concept in problems, or in texts where there are none."""
        words = self.concepts.words
        return pairs(told(self.blocks, split), self.concepts.concept, words, count) if len(words) > 1 else []

    def no_pairs(self, question: str, split: str) -> list[Row]:
        """The one line of a question that needs pairs where there are none."""
        return not_applicable(question, "success", no_pairs(self.concepts.concept, len(self.concepts.words), split))

    def batches(self, blocks: Sequence[Block]) -> Iterator[tuple[list[int], Tensor, Tensor]]:
        """(numbers of the `blocks`, ids, mask), at most `batch` documents at a time, about equally long."""
        for numbers in alike([block.ids for block in blocks], self.batch):
            yield numbers, *self.subject.lm.pad([list(blocks[n].ids) for n in numbers])


@dataclass(frozen=True)
class Row:
    """One number: `value` is None where the question does not apply and `note` says why.

    low, high: a 95 % interval; n: items.
    """

    question: str
    metric: str
    case: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    note: str = ""


@dataclass(frozen=True)
class Item:
    """What one pair came to under one condition: what rows are means of, so that subjects can be compared pair by pair.

    `strength` is None where nothing is written, `kept` where there is no answer. The others are explained where they
    are measured, in `sieve.evals.swap`; `kl` is a sum over `tokens`. `frame` is the prompt without
    words of any concept, which problems with one calculation share; `prompt`, and what was `said`, are for people.
    """

    condition: str
    strength: float | None
    doc: str
    source: str
    target: str
    frame: str
    prompt: str
    said: str
    named: bool
    dropped: bool
    kept: bool | None
    exact: bool
    rouge_l: float
    kl: float
    tokens: int
    others: float | None
    acted: int

    @property
    def case(self) -> str:
        """The case of the rows that this item has a part in."""
        return self.condition if self.strength is None else f"{self.condition}/{self.strength:g}"

    @property
    def roles(self) -> tuple[str, str, tuple[str]]:
        """The clusters that it shares with other items: its values and, as another sort of thing, its frame."""
        return self.source, self.target, (self.frame,)

    @property
    def success(self) -> bool:
        """The target is named and the source is not."""
        return self.named and self.dropped

    @property
    def success_and_kept(self) -> bool | None:
        """Success with the answer right; None where there is no answer."""
        return None if self.kept is None else self.success and self.kept


def not_applicable(question: str, metric: str, why: str, case: str = "") -> list[Row]:
    """The one line of a question, or of one of its cases, that does not apply."""
    return [Row(question, metric, case, None, note=f"not applicable: {why}")]


def proportion(question: str, metric: str, case: str, hits: Sequence[bool]) -> Row:
    """A share with its Wilson 95 % interval."""
    return Row(question, metric, case, sum(hits) / len(hits), *wilson(hits), len(hits))


def clustered_mean(
    question: str,
    metric: str,
    case: str,
    values: Sequence[float],
    roles: Roles,
    weights: Sequence[float] | None = None,
) -> Row:
    """The mean of items that share clusters, such as pairs with one source; see `sieve.clusters`.

    With `weights`, items are sums, and the mean is Σ values / Σ weights.
    """
    return Row(question, metric, case, *mean_interval(values, roles, weights), len(values))


def clustered_proportion(question: str, metric: str, case: str, hits: Sequence[bool], roles: Roles) -> Row:
    """A share of items that share clusters.

    The interval is Wilson's, which holds for few items and at shares of 0 and 1, or that of clusters, whichever reaches
    further. Where all items agree, clusters know no difference, and count as one item each.
    """
    drawn = clustered_mean(question, metric, case, hits, roles)
    single = proportion(question, metric, case, hits)
    if len(set(hits)) == 1 and roles:
        single = replace(proportion(question, metric, case, list(hits)[: fewest_clusters(roles)]), n=len(hits))
    assert single.low is not None and single.high is not None and drawn.low is not None and drawn.high is not None
    return replace(single, low=min(single.low, drawn.low), high=max(single.high, drawn.high))


def weighted_mean(question: str, metric: str, case: str, sums: Tensor, weights: Tensor, seed: int) -> Row:
    """Σ sums / Σ weights over documents (N,), with a bootstrap over documents.

    The draws are keyed by the row's own name.
    """
    low, high = bootstrap(sums, weights, generator(seed, "bootstrap", question, metric, case))
    return Row(question, metric, case, float(sums.sum() / weights.sum()), low, high, len(sums))
