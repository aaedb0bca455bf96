"""LangFIR: the filter, what it finds in a planted dictionary, what it refuses, and the direction it writes."""

import re
from dataclasses import fields, replace

import pytest
import torch

import sieve
from sieve.dictionary.gates import TopK
from sieve.dictionary.sae import LineageError, Sae
from sieve.features.activity import Activity, activity
from sieve.features.langfir import (
    Noise,
    NoLanguageFeatures,
    Settings,
    direction_of,
    explain,
    language_direction,
    require_rare,
    select,
    vocabulary_share,
)
from sieve.intervals import wilson, wilson_upper
from sieve.interventions.direction import Direction
from sieve.provenance import generator
from sieve.subject import Subject
from tests.planted import WIDTH, WORDS, planted_lm

TOKEN = Settings(sequences=20, mode="token", tau=0.5, kappa=0.5, tau_out=0.05, weights="mean")
SAMPLE = replace(TOKEN, mode="sample")


def planted(consistency, rate, sequences=200, fvu=0.5):
    """How often latents fire in so many sequences of ten tokens."""
    counts = (torch.tensor(x, dtype=torch.float64) for x in (consistency, rate))
    return Activity(sequences, 10 * sequences, *counts, torch.zeros(len(rate)), 1.0, torch.zeros(1), fvu)


def test_token_mode_keeps_exactly_the_planted_latents():
    """Kept: consistent and quiet on random tokens, with both limits included; every other kind explains itself."""
    #               kept  rare  noisy at tau at kappa dead
    target = planted([0.9, 0.2, 0.9, 0.5, 0.9, 0.0], [0.4, 0.4, 0.4, 0.4, 0.4, 0.0])
    random = planted([0.1, 0.0, 1.0, 0.0, 1.0, 0.0], [0.1, 0.0, 0.3, 0.0, 0.2, 0.0])
    found = select(target, random, TOKEN)
    assert found.active.tolist() == [True] * 5 + [False]
    assert found.consistent.tolist() == [True, False, True, True, True, False]
    assert found.random.tolist() == [False, False, True, False, False, False]
    assert found.kept.tolist() == [True, False, False, True, True, False]


def test_sample_mode_asks_in_how_many_random_sequences_a_latent_fires():
    """Rates have no say: a latent that is loud in few random sequences stays, one that is faint in many goes."""
    target = planted([0.9, 0.9, 0.9, 0.4], [0.4, 0.4, 0.4, 0.4])
    random = planted([0.04, 0.05, 0.06, 0.0], [0.4, 0.4, 0.001, 0.0])
    assert select(target, random, SAMPLE).kept.tolist() == [True, True, False, False]


@pytest.mark.parametrize(("sequences", "kept"), [(20, False), (60, False), (199, True), (200, True)])
def test_few_random_sequences_must_leave_no_doubt(sequences, kept):
    """Silent in all of 20 sequences says little: a latent stays when even the upper end of its share is low enough."""
    target, random = planted([0.9], [0.4]), planted([0.0], [0.0], sequences)
    assert bool(select(target, random, SAMPLE).kept) == kept


@pytest.mark.parametrize(("sequences", "kept"), [(2, False), (10, False), (199, True), (200, True)])
def test_few_random_tokens_must_leave_no_doubt(sequences, kept):
    """In token mode too: silent on 100 tokens, a latent may fire on more of many than half of its rate on text."""
    target, random = planted([0.9], [0.06]), planted([0.0], [0.0], sequences)
    assert bool(select(target, random, TOKEN).kept) == kept


def test_upper_ends_are_wilsons():
    """The vectorised bound is that of the list of hits."""
    expected = [wilson([True] * hits + [False] * (12 - hits))[1] for hits in range(12)]
    assert wilson_upper(torch.arange(12).double() / 12, 12).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("settings", [TOKEN, SAMPLE])
def test_a_dead_latent_is_never_kept(settings):
    """Not even when no consistency is asked for: it has no activation to make a direction of."""
    dead, silent = planted([0.0, 1.0], [0.0, 1.0]), planted([0.0, 0.0], [0.0, 0.0])
    assert select(dead, silent, replace(settings, tau=0.0)).kept.tolist() == [False, True]


@pytest.mark.parametrize(
    ("target", "random", "says"),
    [
        (([0.1, 0.3], [0.2, 0.2]), ([0.0, 0.0], [0.0, 0.0]), "none of 2 latents .*best: 1 in 0.30.*lower tau"),
        (
            ([0.9, 0.9], [0.2, 0.4]),
            ([1.0, 1.0], [0.2, 0.3]),
            "all 2 consistent .*least: 1, at 0.75.*0.140 of the vocabulary: raise kappa$",
        ),
        (([0.9] * 2 + [0.0] * 40, [0.2] * 42), ([0.0] * 42, [0.0] * 42), "^$"),
        (([0.9] * 3 + [0.0] * 40, [0.2] * 43), ([0.0] * 43, [0.0] * 43), "3 of 43 latents were kept"),
        (([0.9] * 51 + [0.0] * 2000, [0.2] * 2051), ([0.0] * 2051, [0.0] * 2051), "51 of 2051 latents were kept"),
    ],
)
def test_an_empty_or_a_large_set_explains_itself(target, random, says):
    """The remark names the figure that decided and what to turn; a set as it should be needs none."""
    a, b = planted(*target), planted(*random)
    assert re.search(says, explain(a, b, select(a, b, TOKEN), 0.14, TOKEN))


HANDFUL = ([0.9] + [0.0] * 40, [0.2] * 41), ([0.0] * 41, [0.0] * 41)


@pytest.mark.parametrize(
    ("sequences", "fvu", "says"),
    [
        (49, 0.5, "^LangFIR's sets are stable from about 100 sequences on; there are 49$"),
        (50, 1.0, "^$"),
        (50, 1.01, "^on shuffled words the dictionary is worse than a constant .FVU 1.01."),
        (20, 2.0, "there are 20; on shuffled words"),
    ],
)
def test_little_text_and_unreadable_noise_are_remarked(sequences, fvu, says):
    """A set rests on text, and on what random tokens excite: where either says little, that is said."""
    a, b = planted(*HANDFUL[0], sequences), planted(*HANDFUL[1], fvu=fvu)
    assert re.search(says, explain(a, b, select(a, b, TOKEN), 0.14, TOKEN, "shuffled words"))


def test_advice_is_for_the_mode_that_was_used():
    """In sample mode the other mode is the way out, in token mode a threshold; the control is called by its name."""
    a, b = planted([0.9], [0.4]), planted([1.0], [0.4])
    token, sample = (explain(a, b, select(a, b, how), 0.14, how, "shuffled words") for how in (TOKEN, SAMPLE))
    assert "fire on shuffled words too" in token
    assert token.endswith("raise kappa") and sample.endswith("use mode 'token', or raise tau_out")


@pytest.mark.parametrize(
    ("share", "settings", "said"), [(0.3, TOKEN, True), (0.24, TOKEN, False), (0.3, SAMPLE, False)]
)
def test_a_kappa_that_drops_the_language_s_own_words_is_remarked(share, settings, said):
    """A latent of all its words fires on its share of random tokens: in token mode kappa must be well above that."""
    a, b = planted(*HANDFUL[0]), planted(*HANDFUL[1])
    remark = explain(a, b, select(a, b, settings), share, settings)
    assert (f"kappa 0.5 is below twice the {share:.3f} of the vocabulary" in remark) == said


def test_sample_mode_is_refused_on_a_small_vocabulary():
    """Where random sequences nearly all hold a word of the language, the message says so, with the share."""
    with pytest.raises(ValueError, match=r"0\.125 of the vocabulary, so 0\.88 of .* of 16 .*mode 'token'"):
        require_rare(1 / 8, 16)
    with pytest.raises(ValueError, match=r"'es' uses 0\.125"):
        require_rare(1 / 8, 16, "es")
    require_rare(0.001, 64)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"sequences": 19}, "at least 20"),
        ({"tau": 1.5}, "tau 1.5"),
        ({"kappa": -1.0}, "kappa -1"),
        ({"tau_out": 2.0}, "tau_out"),
        ({"mode": "sampel"}, "mode is 'sampel'; there are: token, sample"),
        ({"weights": "men"}, "weights is 'men'; there are: mean, firing, difference"),
    ],
)
def test_thresholds_that_mean_nothing_are_refused(wrong, says):
    """Too few sequences, and thresholds out of range, are named."""
    with pytest.raises(ValueError, match=says):
        replace(TOKEN, **wrong)


ONE, TWO = ("Anna", "Ben", "has"), ("Cora", "Dan", "wins")  # the words of two languages; both have 'coins'


def planted_subject() -> Subject:
    """Latents of a code book: 0 fires on language one's words, 1 on two's, 2 on every word, 3 on 'coins', 4 never."""
    lm = planted_lm()
    codes = torch.zeros(len(WORDS), 5)
    for row, word in enumerate(WORDS):
        codes[row] = torch.tensor([2.0 * (word in ONE), 3.0 * (word in TWO), 1, word == "coins", 0])
    text = [i for i in range(len(WORDS)) if lm.is_text(torch.tensor(i))]
    embedded = lm.network.model.embed_tokens.weight[text]
    encoder = torch.linalg.pinv(embedded) @ codes[text]
    atoms = torch.eye(5, WIDTH) + 0.1
    sae = Sae(encoder, torch.full((5,), -0.01), atoms, torch.zeros(WIDTH), TopK(5), "resid_post_0", lm.digest)
    return Subject(lm, sae, adapted=False)


def draws(words, count, purpose):
    """Sequences of 20 uniform words after BOS."""
    ids = torch.tensor([WORDS.index(word) for word in words])
    rng = generator(0, "planted language", purpose)
    return [[1, *ids[torch.randint(len(ids), (20,), generator=rng)].tolist()] for _ in range(count)]


@pytest.mark.parametrize(("words", "expected"), [(ONE, 0), (TWO, 1)])
def test_finds_the_planted_language_latent(words, expected):
    """Of the latents that fire on a language, only those survive that random tokens do not excite."""
    subject = planted_subject()
    target = activity(subject, draws((*words, "coins"), 20, words[0]), 5)
    random = activity(subject, draws(WORDS[3:], 200, "noise"), 5)
    found = select(target, random, replace(TOKEN, tau=1.0))
    assert found.consistent.nonzero().flatten().tolist() == [expected, 2, 3]
    assert found.kept.nonzero().flatten().tolist() == [expected, 3]  # the shared word is indeed not random
    assert found.random.nonzero().flatten().tolist() == [2]


def test_sample_mode_would_delete_the_planted_latent():
    """The small-vocabulary trap: words of the language are in every random sequence, so nothing is left, or refused."""
    subject, texts = planted_subject(), draws((*ONE, "coins"), 20, "Anna")
    target, random = (activity(subject, some, 5) for some in (texts, draws(WORDS[3:], 200, "noise")))
    assert not select(target, random, SAMPLE).kept.any()
    with pytest.raises(ValueError, match="use mode 'token'"):
        require_rare(vocabulary_share(subject.lm, texts), 20)


@pytest.mark.parametrize("weights", ["mean", "firing", "difference"])
def test_direction_is_the_weighted_sum_of_kept_atoms(weights):
    """Σ weight_j · d_j, of unit length, with its lineage, its unit of strength and how it was found."""
    subject, settings = planted_subject(), replace(TOKEN, weights=weights)
    target, random = (activity(subject, draws(words, 20, words[0]), 4) for words in (ONE, TWO))
    kept = torch.tensor([True, True, True, False, False])
    found = direction_of(subject, target, random, kept, "es", settings, Noise(7))
    each = {
        "mean": target.mean,
        "firing": target.mean / target.rate.clamp_min(1e-12),
        "difference": target.mean - random.mean,
    }[weights]
    expected = sum(float(each[j]) * subject.sae.W_dec[j] for j in range(3))
    torch.testing.assert_close(found.vector, expected / expected.norm())
    assert (found.norm, found.site, found.model, found.sae) == (
        target.norm, subject.site, subject.lm.digest, subject.sae.digest,
    )  # fmt: skip
    assert found.origin["mode"] == "token" and found.origin["seed"] == 7
    assert {field.name for field in fields(Settings)} < set(found.origin)
    assert (found.origin["sequences"], found.origin["random_sequences"]) == (20, 20)


def test_no_direction_without_latents():
    """Nothing kept, nothing to steer with."""
    subject = planted_subject()
    found = activity(subject, draws(ONE, 20, "Anna"), 4)
    assert direction_of(subject, found, found, torch.zeros(5, dtype=torch.bool), "es", TOKEN, Noise(0)) is None


def test_a_direction_keeps_how_it_was_found_and_refuses_another_sae(tmp_path):
    """Saved and loaded it is the same; another network or dictionary is refused."""
    subject = planted_subject()
    found = activity(subject, draws(ONE, 20, "Anna"), 4)
    direction = direction_of(subject, found, found, torch.tensor([True, *[False] * 4]), "es", TOKEN, Noise(0))
    direction.save(tmp_path / "es.safetensors")
    again = Direction.load(tmp_path / "es.safetensors")
    assert torch.equal(again.vector, direction.vector) and again.origin == direction.origin
    again.require(subject.lm.digest, subject.sae.digest)
    with pytest.raises(LineageError, match="found with the SAE"):
        again.require(subject.lm.digest, "another")
    with pytest.raises(LineageError, match="found in model"):
        again.require("another", subject.sae.digest)


def sentences(words, count):
    """Texts in a planted language."""
    return [" ".join(WORDS[i] for i in ids[1:]) for ids in draws(words, count, words[0])]


@pytest.fixture
def vocabulary(monkeypatch):
    """Pretend that a vocabulary of 18 words is large enough to draw noise from."""
    for place in ("sieve.features.langfir", "sieve.text.controls"):
        monkeypatch.setattr(f"{place}.usable_ids", lambda *_: list(range(3, len(WORDS))) * 10)


def test_the_library_finds_a_direction_in_texts_of_one_language(vocabulary):
    """From sentences and random tokens alone it writes the planted latents; a name and a seed are kept."""
    subject = planted_subject()
    found = sieve.language_direction(subject, sentences(ONE, 60), "one", seed=3)
    expected = subject.sae.W_dec[0]  # 'coins' is not said, and the latent of every word is noise
    torch.testing.assert_close(found.vector, expected / expected.norm())
    assert (found.name, found.origin["seed"]) == ("one", 3)


def test_the_library_says_why_it_finds_nothing(vocabulary):
    """Nothing consistent, or everything random: an error with the reason, never an empty direction."""
    with pytest.raises(NoLanguageFeatures, match="random tokens too"):
        language_direction(planted_subject(), sentences(ONE, 60), kappa=0.01)


def test_the_library_draws_enough_noise_to_leave_no_doubt(vocabulary):
    """60 texts are compared with 200 random sequences, 220 with as many as there are."""
    for texts, sequences in ((60, 200), (220, 220)):
        found = language_direction(planted_subject(), sentences(ONE, texts), "one")
        assert (found.origin["sequences"], found.origin["random_sequences"]) == (texts, sequences)


def test_the_library_says_when_nothing_is_consistent(vocabulary):
    """Texts of which each half speaks of something else have no latent in common, where none fires on every word."""
    subject = planted_subject()
    subject.sae.W_enc[:, 2] = 0
    with pytest.raises(NoLanguageFeatures, match="fires in enough sequences"):
        often = [(i, j) for i in range(1, 6) for j in range(1, 7)]
        halves = [" ".join([a] * i + [b] * j) for a, b in (("Anna", "Ben"), ("Cora", "Dan")) for i, j in often]
        language_direction(subject, halves, tau=0.9)


def test_the_library_says_when_what_is_kept_writes_nothing(vocabulary):
    """A kept latent whose atom is zero has no direction."""
    subject = planted_subject()
    subject.sae.W_dec[0] = 0
    with pytest.raises(NoLanguageFeatures, match="the kept latents write nothing"):
        language_direction(subject, sentences(ONE, 60))


def test_the_library_counts_texts_with_something_in_them(vocabulary):
    """Empty lines and repeated texts change nothing, and do not make up for what is missing; a text is no list."""
    subject, texts = planted_subject(), sentences(ONE, 60)
    plain, spaced = (language_direction(subject, t, "one") for t in (texts, [x for t in texts for x in (t, "", t)]))
    assert torch.equal(plain.vector, spaced.vector) and spaced.origin == plain.origin
    with pytest.raises(ValueError, match="sequences is 0"):
        language_direction(subject, [])
    with pytest.raises(ValueError, match="sequences is 12"):
        language_direction(subject, sentences(ONE, 12) + [""] * 60)
    with pytest.raises(ValueError, match=r"of 22 different texts 19 have a token beyond their first; LangFIR needs at"):
        language_direction(subject, [*sentences(ONE, 19), "Anna", "Ben", "Cora"])
    with pytest.raises(ValueError, match="splitlines"):
        language_direction(subject, " ".join(texts))


def test_the_library_reads_as_far_as_the_model_can(vocabulary):
    """What is beyond the context is left out."""
    subject = planted_subject()
    texts = sentences(ONE, 60)
    subject.lm.network.config.max_position_embeddings = 6
    cut = language_direction(subject, texts, "one")
    again = language_direction(subject, [" ".join(t.split()[:5]) for t in texts], "one")
    assert torch.equal(cut.vector, again.vector)


def test_the_library_warns_of_large_sets(vocabulary):
    """One latent of five is no handful of thousands, and it says so."""
    with pytest.warns(UserWarning, match="1 of 5 latents were kept"):
        language_direction(planted_subject(), sentences(ONE, 60))


def test_the_library_warns_of_small_samples(vocabulary):
    """Below 50 sentences sets are not stable; below 20 nothing is found."""
    with pytest.warns(UserWarning, match="about 100 sequences on; there are 30"):
        language_direction(planted_subject(), sentences(ONE, 30))
    with pytest.raises(ValueError, match="sequences is 12"):
        language_direction(planted_subject(), sentences(ONE, 12))


def test_the_library_refuses_sample_mode_where_it_cannot_work(vocabulary):
    """Eighteen words are too few for sample mode."""
    with pytest.raises(ValueError, match="use mode 'token'"):
        language_direction(planted_subject(), sentences(ONE, 60), mode="sample")
