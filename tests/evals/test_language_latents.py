"""How selective and how stable the kept latents are, against planted firings and loops."""

from dataclasses import replace

import pytest
import torch

from sieve.evals import language_latents
from sieve.evals.case import Case, Language
from sieve.evals.language_latents import Settings, auroc, jaccard, kept_share, ratio, script, selective
from sieve.features.activity import Firings, activity
from sieve.features.langfir import Noise, direction_of, select
from sieve.features.langfir import Settings as Filter
from sieve.text.controls import random_like, random_sequences, usable_ids
from tests.planted import no_concepts

SETTINGS = Settings(documents=4, sizes=[4, 6], resamples=2)
SEED = 5  # of the filter's noise, another than the evaluation's
HOW = Filter(sequences=20, mode="token", tau=0.3, kappa=0.6, tau_out=0.05, weights="mean")


@pytest.fixture
def case(subject, blocks):
    """The tiny model with what the filter keeps of its random latents; all of a language's eight texts were used."""
    languages = {}
    for name in ("de", "en", "es", "ru"):
        texts = [b.ids for b in blocks if (b.kind, b.language, b.split) == ("text", name, "train")]
        noise = random_sequences([len(t) for t in texts], [], usable_ids(subject.lm.tokenizer), 0, name)
        target, random = (activity(subject, some, 4) for some in (texts, noise))
        found = select(target, random, HOW)
        direction = direction_of(subject, target, random, found.kept, name, HOW, Noise(0))
        kept, dropped = (tuple(mask.nonzero().flatten().tolist()) for mask in (found.kept, found.random))
        if direction is not None:
            direction = replace(direction, origin=direction.origin | {"sequences": 20})
        languages[name] = Language(kept, direction, dropped)
    return Case(subject, blocks, languages, no_concepts(subject), 0, 4)


def fired(*documents):
    """Firings of so many tokens a document: [(counts of each latent, tokens), ...]."""
    return Firings(torch.tensor([c for c, _ in documents], dtype=torch.int32), torch.tensor([t for _, t in documents]))


OWN = fired(([8, 5, 0], 10), ([6, 5, 0], 10))
OTHER = fired(([1, 5, 0], 10), ([0, 5, 0], 10))
THIRD = fired(([0, 10, 0], 20))


def test_ratio_is_to_the_highest_of_the_others():
    """Rates .7, .5 and 0 against .05, .5 and 0: 14, 1, and none. Of what is silent half a firing is assumed."""
    assert ratio(OWN, [OTHER, THIRD]).tolist() == pytest.approx([0.7 / 0.05, 1.0, 0.0])
    assert ratio(OWN, [THIRD]).tolist() == pytest.approx([0.7 / (0.5 / 20), 1.0, 0.0])


def test_auroc_counts_pairs_of_documents():
    """Always higher is 1, ties are a half."""
    assert auroc(OWN, [OTHER, THIRD], [0, 1, 2]).tolist() == [1.0, 0.5, 0.5]
    mixed = fired(([7, 0, 0], 10))
    assert auroc(OWN, [mixed], [0]).tolist() == [0.5]


def test_selectivity_of_planted_latents():
    """A latent of one language has entropy near 0, one that fires everywhere alike the logarithm of their number."""
    held_out = {"a": OWN, "b": OTHER, "c": THIRD}
    scripts = {"a": "LATIN", "b": "GREEK", "c": "LATIN"}
    first = {r.metric: r.value for r in selective("kept a", "a", [0], held_out, scripts)}
    second = {r.metric: r.value for r in selective("kept a", "a", [1], held_out, scripts)}
    assert first["ratio"] == pytest.approx(14) and first["same_script"] == pytest.approx(28)
    assert first["auroc"] == 1 and first["entropy"] == pytest.approx(0.2449, abs=1e-3)
    assert second["entropy"] == pytest.approx(float(torch.tensor(3.0).log()))
    (alone,) = [r for r in selective("kept b", "b", [0], held_out, scripts) if r.metric == "ratio"]
    assert "same_script" not in {r.metric for r in selective("kept b", "b", [0], held_out, scripts)}
    assert alone.value == pytest.approx(0.05 / 0.7)


def test_kept_share_is_of_live_latents(case):
    """Three of four latents are alive; two languages keep one and two."""
    languages = {"a": Language((0,), None), "b": Language((0, 1), None)}
    case = replace(case, languages=languages)
    held_out = {"a": fired(([1, 1, 0, 0], 5)), "b": fired(([0, 0, 2, 0], 5))}
    assert kept_share(case, held_out) == pytest.approx(1.5 / 3)


def test_jaccard_of_nothing_is_nothing():
    """Two empty sets are not alike, they are no sets."""
    assert jaccard([], []) is None
    assert jaccard([1], []) == 0
    assert jaccard([1, 2, 3], [2, 3, 4]) == 0.5


def test_every_pair_of_languages_overlaps_once(case):
    """German {0, 1} and English {1, 2} share one of three; two empty sets have no row."""
    kept = {"de": (0, 1), "en": (1, 2), "es": (), "ru": ()}
    languages = {name: Language(latents, None) for name, latents in kept.items()}
    rows = [r for r in language_latents.run(replace(case, languages=languages), SETTINGS) if r.metric == "overlap"]
    assert [(r.case, r.value) for r in rows] == [
        ("de/en", pytest.approx(1 / 3)), ("de/es", 0), ("de/ru", 0), ("en/es", 0), ("en/ru", 0),
    ]  # fmt: skip


def test_scripts_are_those_of_the_letters(case):
    """Russian is Cyrillic, the others are Latin."""
    assert {name: script(case, name) for name in case.told} == {
        "de": "LATIN", "en": "LATIN", "es": "LATIN", "ru": "CYRILLIC",
    }  # fmt: skip


def test_every_language_has_its_rows(case):
    """kept_share once; ratio, auroc and entropy of kept and of filtered latents; a note where there are none."""
    rows = language_latents.run(case, SETTINGS)
    keys = [(r.metric, r.case) for r in rows]
    assert len(set(keys)) == len(keys)
    assert keys.count(("kept_share", "")) == 1
    for name in case.told:
        for kind, latents in (("kept", case.languages[name].latents), ("filtered", case.languages[name].filtered)):
            found = [r for r in rows if r.case == f"{kind} {name}"]
            expected = {"ratio", "auroc", "entropy"} | ({"same_script"} if name != "ru" else set())
            assert {r.metric for r in found} == (expected if latents else {"ratio"})
            assert all(r.n == len(latents) for r in found)
            assert all((r.value is None) == (not latents) for r in found)
    assert ("second_domain", "en") in keys and ("second_domain", "de") not in keys


def test_stability_is_zero_to_one_and_full_noise_agrees_with_itself(case):
    """Resampled noise moves a set less the more of it there is; every figure lies between its own least and largest."""
    rows = [r for r in language_latents.run(case, SETTINGS) if r.metric == "jaccard"]
    assert {r.case.split()[0] for r in rows} == {"noise"}  # the filter used all training text there is
    for row in rows:
        assert 0 <= row.low <= row.value <= row.high <= 1 and row.n == 2


@pytest.fixture
def twenty(case, blocks, monkeypatch):
    """German's set from 20 texts and the filter's own noise, with the same texts again to draw other samples from."""
    train = [b for b in blocks if (b.kind, b.language, b.split) == ("text", "de", "train")]
    used = (train * 3)[:20]
    own_noise = random_like(case.subject.lm.tokenizer, [b.ids for b in used], 20, SEED, "de")
    target, random = (activity(case.subject, some, 4) for some in ([b.ids for b in used], own_noise))
    found = select(target, random, HOW)
    direction = direction_of(case.subject, target, random, found.kept, "de", HOW, Noise(SEED))
    kept = Language(tuple(found.kept.nonzero().flatten().tolist()), direction)

    def drawn(fresh):
        more = [replace(b, doc=f"{b.doc} again", language="de") for b in fresh]
        others = [b for b in blocks if b not in train]
        alone = replace(case, blocks=used + more + others, languages=case.languages | {"de": kept})
        rows = language_latents.stability(alone, replace(SETTINGS, sizes=[20]), "de")
        figures = {metric: {r.case: r.value for r in rows if r.metric == metric} for metric in ("jaccard", "size")}
        same = [name for name, share in figures["jaccard"].items() if share == 1]
        assert figures["size"].keys() == figures["jaccard"].keys()
        assert all(figures["size"][name] == len(kept.latents) for name in same)
        return figures["jaccard"]

    return used, own_noise, drawn


def test_stability_of_text_varies_the_text_alone(twenty, blocks):
    """The same texts once more keep the same set, against the filter's own noise; those of another language another."""
    used, _, drawn = twenty
    foreign = [b for b in blocks if (b.kind, b.language, b.split) == ("text", "ru", "train")]
    assert drawn(used)["text 20/de"] == 1
    assert drawn((foreign * 3)[:20])["text 20/de"] < 1


def test_stability_of_noise_varies_the_noise_alone(twenty, monkeypatch):
    """The same noise once more keeps the same set of the filter's own text; noise that is text of the language none."""
    used, own_noise, drawn = twenty
    assert drawn(used)["noise 20/de"] < 1
    monkeypatch.setattr(language_latents, "random_like", lambda *_: own_noise)
    assert drawn([])["noise 20/de"] == 1
    monkeypatch.setattr(language_latents, "random_like", lambda *_: [b.ids for b in used])
    assert drawn([])["noise 20/de"] == 0


def test_the_second_domain_is_problems_beside_other_languages_documents(case, monkeypatch):
    """Rates in the language's own problems over the highest in documents of others: 14 and 1."""
    asked = []
    monkeypatch.setattr(language_latents, "fired", lambda _, sequences: asked.append(list(sequences)) or OWN)
    own = replace(case, languages=case.languages | {"en": Language((0, 1), None)})
    (row,) = language_latents.second_domain(own, SETTINGS, "en", {"en": OWN, "de": OTHER, "es": THIRD})
    assert (row.case, row.value, row.n) == ("en", pytest.approx((14 + 1) / 2), 2)
    assert asked == [[b.ids for b in case.pick("problem", "test", SETTINGS.documents, "en")]] and asked[0]


def test_one_language_is_one_line(case, blocks):
    """Text in one language has nothing to compare with."""
    one = replace(case, blocks=[b for b in blocks if b.language == "en"])
    (row,) = language_latents.run(one, SETTINGS)
    assert row.value is None and "one language" in row.note


def test_draws_depend_on_the_seed_alone(case):
    """Asked again the answers are the same, to the bit."""
    assert language_latents.run(case, SETTINGS) == language_latents.run(case, SETTINGS)
