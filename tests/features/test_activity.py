"""Counted activity of latents, against loops over tokens."""

import copy

import pytest
import torch

from sieve.features.activity import Activity, activity, firings
from sieve.model.language_model import LanguageModel
from sieve.subject import Subject


@pytest.fixture(scope="module")
def sequences(blocks):
    """Documents of very different lengths, one of them of one token besides BOS."""
    return [*(b.ids[: 4 + 7 * i] for i, b in enumerate(blocks[:6])), blocks[6].ids[:2]]


def usable(sequences):
    """How many have more than BOS and one token."""
    return sum(len(s) > 2 for s in sequences)


def by_hand(subject, sequences):
    """The same figures, one document at a time and one token at a time; and all rows (N, D)."""
    fires, sums, present, seen, tokens = [0] * 64, [0.0] * 64, [0] * 64, [], 0
    for ids in sequences:
        reading = subject.read(*subject.lm.pad([list(ids)]))
        heard = set()
        for z, row in list(zip(reading.z.tolist(), reading.rows))[1:]:
            tokens += 1
            seen.append(row)
            for j, value in enumerate(z):
                fires[j] += value != 0
                sums[j] += value
                heard |= {j} if value != 0 else set()
        for j in heard:
            present[j] += 1
    return (
        tokens,
        [[x / n for x in xs] for xs, n in ((present, usable(sequences)), (fires, tokens), (sums, tokens))],
        torch.stack(seen),
    )


def test_activity_against_counting_by_hand(subject, sequences):
    """Special tokens and each first text token left out, shares and means are what a loop over tokens gives."""
    found = activity(subject, sequences, batch=3)
    tokens, (consistency, rate, mean), rows = by_hand(subject, sequences)
    assert (found.sequences, found.tokens) == (usable(sequences), tokens) == (6, tokens)
    assert tokens == sum(len(s) - 2 for s in sequences)  # BOS and the first token
    assert found.consistency.tolist() == pytest.approx(consistency, abs=1e-12)
    assert found.rate.tolist() == pytest.approx(rate, abs=1e-12)
    assert found.mean.tolist() == pytest.approx(mean, rel=1e-4, abs=1e-6)
    assert found.norm == pytest.approx(sorted(rows.norm(dim=1).tolist())[(tokens - 1) // 2], rel=1e-5)
    torch.testing.assert_close(found.centre, rows.mean(0), rtol=1e-4, atol=1e-5)
    missed = (rows - subject.sae.reconstruct(rows)).square().sum()
    assert found.fvu == pytest.approx(float(missed / (rows - rows.mean(0)).square().sum()), rel=1e-3)


def test_only_the_first_lengths_are_kept(subject, sequences, monkeypatch):
    """The median is that of so many activations as are held at once, however many there are."""
    monkeypatch.setattr("sieve.features.activity.NORMS", 5)
    rows = by_hand(subject, sequences)[2]
    assert activity(subject, sequences, batch=2).norm == pytest.approx(float(rows[:5].norm(dim=1).median()), rel=1e-5)


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


def test_what_is_no_number_is_refused(lm, subject, blocks):
    """An activation that is not finite names the site and the sequence."""
    network = copy.deepcopy(lm.network)
    rare = next(i for i in blocks[2].ids if i not in {*blocks[0].ids, *blocks[1].ids})
    network.get_input_embeddings().weight[rare] = torch.nan
    broken = Subject(LanguageModel(network, lm.tokenizer, lm.digest), subject.sae, adapted=False)
    with pytest.raises(ValueError, match=rf"{subject.site} are not finite in sequence 2"):
        activity(broken, [blocks[0].ids, blocks[1].ids, blocks[2].ids], 2)


def test_a_token_that_the_model_does_not_know_is_named(subject):
    """Ids beyond the embedding, and negative ones, are named with the vocabulary."""
    for wrong in (400, -1):
        with pytest.raises(ValueError, match=rf"token {wrong}, .*knows 0 to 399"):
            activity(subject, [[1, 5, wrong]], 1)


def test_a_sequence_without_usable_tokens_is_none(subject, sequences):
    """Empty ones, and such as are over with their first token, change nothing."""
    found = activity(subject, [[], *sequences, sequences[0][:1]], 4)
    assert same(found, activity(subject, sequences, 4)) and found.sequences == usable(sequences)
    counted = firings(subject, [[], *sequences, sequences[0][:1]], 4).summed()
    assert counted.sequences == usable(sequences) and torch.equal(counted.consistency, found.consistency)


def test_firings_add_up_to_the_activity(subject, sequences):
    """Counted per sequence and summed, in any batch, they are what one pass counts; of some, what a pass over these."""
    found = firings(subject, sequences, 3)
    whole = activity(subject, sequences, 4)
    chosen = torch.tensor([5, 0, 3])
    part = activity(subject, [sequences[i] for i in chosen], 2)

    for summed, expected in ((found.summed(), whole), (found.of(chosen).summed(), part)):
        assert (summed.sequences, summed.tokens) == (expected.sequences, expected.tokens)
        torch.testing.assert_close(summed.rate, expected.rate)
        torch.testing.assert_close(summed.consistency, expected.consistency)
