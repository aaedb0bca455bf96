"""LangFIR: counted activity, the filter, and what it finds in a planted dictionary."""

import pytest
import torch

from sieve.dictionary.gates import TopK
from sieve.dictionary.sae import Sae
from sieve.features.langfir import Activity, activity, language_direction, select
from sieve.model.language_model import LanguageModel
from sieve.provenance import generator
from sieve.subject import Subject
from tests.planted import WIDTH, WORDS, planted_lm


@pytest.fixture(scope="module")
def sequences(blocks):
    """Documents of very different lengths, one of them of one token besides BOS."""
    return [*(b.ids[: 4 + 7 * i] for i, b in enumerate(blocks[:6])), blocks[6].ids[:2]]


def by_hand(subject, sequences):
    """The same figures, one document at a time and one token at a time."""
    fires, sums, present, norms, tokens = [0] * 64, [0.0] * 64, [0] * 64, [], 0
    for ids in sequences:
        reading = subject.read(*subject.lm.pad([list(ids)]))
        heard = set()
        for z, row in list(zip(reading.z.tolist(), reading.rows))[1:]:
            tokens += 1
            norms.append(float(row.norm()))
            for j, value in enumerate(z):
                fires[j] += value != 0
                sums[j] += value
                heard |= {j} if value != 0 else set()
        for j in heard:
            present[j] += 1
    return (
        tokens,
        [[x / n for x in xs] for xs, n in ((present, len(sequences)), (fires, tokens), (sums, tokens))],
        norms,
    )


def test_activity_against_counting_by_hand(subject, sequences):
    """Special tokens and each first text token left out, shares and means are what a loop over tokens gives."""
    found = activity(subject, sequences, batch=3)
    tokens, (consistency, rate, mean), norms = by_hand(subject, sequences)
    assert (found.sequences, found.tokens) == (len(sequences), tokens)
    assert tokens == sum(len(s) - 2 for s in sequences)  # BOS and the first token
    assert found.consistency.tolist() == pytest.approx(consistency, abs=1e-12)
    assert found.rate.tolist() == pytest.approx(rate, abs=1e-12)
    assert found.mean.tolist() == pytest.approx(mean, rel=1e-4, abs=1e-6)
    assert found.norm == pytest.approx(sorted(norms)[(tokens - 1) // 2], rel=1e-5)


def same(a: Activity, b: Activity) -> bool:
    """Equal counts; means up to the last bits."""
    counts = (a.sequences, a.tokens) == (b.sequences, b.tokens)
    shares = torch.equal(a.consistency, b.consistency) and torch.equal(a.rate, b.rate)
    means = torch.allclose(a.mean, b.mean, rtol=1e-4, atol=1e-6) and a.norm == pytest.approx(b.norm, rel=1e-5)
    return counts and shares and means


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_batch_size_does_not_matter(subject, sequences, batch):
    """Any batch size gives the same activity."""
    assert same(activity(subject, sequences, batch), activity(subject, sequences, 3))


def test_the_side_of_padding_does_not_matter(subject, sequences):
    """Padding on the left finds the same first tokens as padding on the right."""

    class LeftPadded(LanguageModel):
        def pad(self, sequences, side="left", width=None):
            return super().pad(sequences, "left", width)

    lm = subject.lm
    left = Subject(LeftPadded(lm.network, lm.tokenizer, lm.digest), subject.sae, adapted=False)
    assert same(activity(left, sequences, 4), activity(subject, sequences, 4))


def test_nothing_usable_is_refused(subject, blocks):
    """Sequences of BOS and one token leave no position to look at."""
    with pytest.raises(ValueError, match="longer text"):
        activity(subject, [blocks[0].ids[:2], blocks[1].ids[:1]], 2)


def planted(consistency, rate):
    """An activity of 10 sequences and 100 tokens."""
    share, rates = torch.tensor(consistency), torch.tensor(rate)
    return Activity(10, 100, share.double(), rates.double(), rates.double(), 1.0)


def test_select_keeps_exactly_the_planted_latents():
    """Kept: consistent and quiet on random tokens, with both limits included; every other kind explains itself."""
    #               kept  rare  noisy at tau at kappa dead
    target = planted([0.9, 0.2, 0.9, 0.5, 0.9, 0.0], [0.4, 0.4, 0.4, 0.4, 0.4, 0.0])
    random = planted([0.1, 0.0, 1.0, 0.0, 1.0, 0.0], [0.1, 0.0, 0.3, 0.0, 0.2, 0.0])
    found = select(target, random, tau=0.5, kappa=0.5)
    assert found.active.tolist() == [True] * 5 + [False]
    assert found.consistent.tolist() == [True, False, True, True, True, False]
    assert found.random.tolist() == [False, False, True, False, False, False]
    assert found.kept.tolist() == [True, False, False, True, True, False]


def test_a_dead_latent_is_never_kept():
    """Not even when no consistency is asked for: it has no activation to make a direction of."""
    dead = planted([0.0, 1.0], [0.0, 1.0])
    assert select(dead, planted([0.0, 0.0], [0.0, 0.0]), tau=0.0, kappa=0.5).kept.tolist() == [False, True]


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
    target = activity(subject, draws((*words, "coins"), 12, words[0]), 5)
    random = activity(subject, draws(WORDS[3:], 12, "noise"), 5)
    kept = select(target, random, tau=1.0, kappa=0.5)
    assert kept.consistent.nonzero().flatten().tolist() == [expected, 2, 3]
    assert kept.kept.nonzero().flatten().tolist() == [expected, 3]  # the shared word is indeed not random
    assert kept.random.nonzero().flatten().tolist() == [2]


def test_direction_is_the_mean_written_vector(subject, sequences):
    """Σ mean_j · d_j over kept latents, of unit length, with its lineage and its unit of strength."""
    found = activity(subject, sequences, 4)
    kept = torch.zeros(64, dtype=torch.bool)
    kept[[2, 9, 33]] = True
    direction = language_direction(subject, found, kept, "es")
    expected = sum(float(found.mean[j]) * subject.sae.W_dec[j] for j in (2, 9, 33))
    torch.testing.assert_close(direction.vector, expected / expected.norm())
    assert float(direction.vector.norm()) == pytest.approx(1, abs=1e-6)
    assert (direction.norm, direction.site, direction.model) == (found.norm, subject.site, subject.lm.digest)


def test_no_direction_without_latents(subject, sequences):
    """Nothing kept, nothing to steer with."""
    assert language_direction(subject, activity(subject, sequences, 4), torch.zeros(64, dtype=torch.bool), "es") is None
