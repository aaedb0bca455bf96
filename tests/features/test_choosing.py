"""The choice of a concept's latents by effect, in a model whose causes are known."""

import math
from dataclasses import replace

import pytest
import torch

from sieve.features.choosing import assign, choose, log_probability, mean_codes
from sieve.features.concepts import Settings, probe, surfaces
from sieve.subject import Subject
from tests.planted import (
    DIGITS,
    MARKER,
    NAME,
    NAMES,
    SAID,
    WORDS,
    planted_blocks,
    planted_lm,
    planted_problem,
    planted_sae,
)  # fmt: skip


def settings(candidates, latents, probes, position="concept"):
    """How names are chosen; the number of documents is the caller's business."""
    return Settings("name", position, 0, candidates, probes, latents)


@pytest.mark.parametrize("batch", [1, 7])
def test_mean_codes_against_reading_one_by_one(subject, blocks, batch):
    """Mean and rate at mentions and firings anywhere are what loops over documents and mentions give."""
    group = [b for b in blocks if b.kind == "problem"][:12] + [b for b in blocks if b.kind == "text"][:3]
    values = sorted({m.value for b in group for m in b.mentions if m.concept == "object"})[1:]
    mean, rate, total = mean_codes(subject, group, "object", "concept", values, batch)
    seen, everywhere = {v: [] for v in values}, torch.zeros(64)
    for block in group:
        z = subject.read(*subject.lm.pad([list(block.ids)])).z
        everywhere += (z != 0).sum(0)
        for m in block.mentions:
            if m.concept == "object" and m.value in seen:
                seen[m.value].append(z[m.last - 1])  # BOS is not among the rows
    for i, value in enumerate(values):
        codes = torch.stack(seen[value]).double()
        torch.testing.assert_close(mean[i], codes.mean(0), rtol=1e-4, atol=1e-6)
        assert torch.equal(rate[i], (codes != 0).double().mean(0))
    assert torch.equal(total, everywhere.double())


@pytest.mark.parametrize("batch", [1, 3, 50])
def test_log_probability_against_one_forward_pass_each(subject, blocks, batch):
    """The summed log-probability of the tokens after the probe, with one latent overwritten at its places only."""
    found = [probe(b, "name") for b in blocks if b.kind == "problem"][:4]
    words = surfaces(blocks, "name")
    trials = [(p, words[w], latent, 6.0) for p, w in zip(found, sorted(words)) for latent in (-1, 11, 40)]
    expected = []
    for p, target, latent, value in trials:

        def overwrite(z, where, places=p.places, latent=latent, value=value):
            z = z.clone()
            for row, (_, position) in enumerate(where.tolist()):
                if latent >= 0 and position in places:
                    z[row, latent] = value
            return z

        with subject.spliced(overwrite), torch.no_grad():
            ids = torch.tensor([[*p.ids, *target]])
            logits = subject.lm.network(input_ids=ids).logits[0].log_softmax(-1)
        expected.append(sum(float(logits[len(p.ids) - 1 + k, token]) for k, token in enumerate(target)))
    assert log_probability(subject, trials, batch).tolist() == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert len({round(e, 3) for e in expected}) == len(expected)


def planted(site: str = "resid_post_0") -> Subject:
    """The planted model read by its planted dictionary, at first where names are still at their mentions."""
    lm = planted_lm()
    return Subject(lm, planted_sae(lm, site), adapted=False)


def test_the_causal_latent_is_chosen_and_not_the_more_selective_one():
    """Of a marker that is twice as selective and the latent that the model reads, the latter is taken."""
    for i, choice in enumerate(choose(planted(), planted_blocks(), settings(2, 2, 3), 5).choices):
        assert choice.feature.name == NAMES[i]
        assert choice.feature.latents == (NAME + i,)
        assert choice.feature.typical == pytest.approx((1.0,))
        assert (choice.precision, choice.recall) == pytest.approx((1.0, 1.0))


def test_a_latent_speaks_for_one_value_only():
    """The largest effect gets the latent, whoever comes later the next best; what is within the noise gets nothing."""
    ranked = torch.tensor([[7, 3], [7, 5], [3, 7]])
    effects = torch.tensor([[2.0, 1.0], [3.0, 0.5], [1e-5, 2.5]], dtype=torch.float64)
    assert assign(effects, ranked, 1) == [[3], [7], []]
    assert assign(effects, ranked, 2) == [[3], [7, 5], []]


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_a_value_whose_latents_do_nothing_gets_an_empty_feature(batch):
    """With only the marker to choose from, nothing is chosen, whatever the batch size does to the last bits."""
    subject = planted()
    mean = mean_codes(subject, planted_blocks(), "name", "concept", NAMES, 8)[0]
    for i, choice in enumerate(choose(subject, planted_blocks(), settings(1, 2, 3), batch).choices):
        assert int(mean[i].argmax()) == MARKER + i
        assert choice.feature.latents == choice.feature.typical == ()
        assert (choice.precision, choice.recall) == (0.0, 0.0)
        assert choice.effect == pytest.approx(0, abs=1e-5)


def say(counts: dict[str, int], digit: str, length: int, name: str) -> float:
    """Log-probability of `name` after a planted prompt of `length` tokens that holds names and one digit so often."""
    logits = [30 + 20 * counts.get(n, 0) / length for n in NAMES]
    logits += [20 * (d == digit) / length for d in DIGITS] + [0.0] * (len(WORDS) - 8)
    return logits[NAMES.index(name)] - math.log(sum(math.exp(x) for x in logits))


def test_the_effect_is_gain_when_written_plus_loss_when_silenced():
    """In the planted model the effect has a closed form, and few probes serve every value alike."""
    train = [planted_problem(0, name, "1", "train") for name in NAMES]
    prompt = train[0].prompt
    loss = say({"Anna": 2}, "1", prompt, "Anna") - say({}, "1", prompt, "Anna")
    gain = say({"Ben": 2, "Anna": 2}, "1", prompt, "Anna") - say({"Ben": 2}, "1", prompt, "Anna")
    for choice in choose(planted(), train, settings(2, 1, 3), 4).choices:
        assert choice.effect == pytest.approx(gain + loss, rel=1e-4)


def test_precision_and_recall_are_of_labelled_tokens():
    """A latent that fires on other tokens too, or not on every mention, says so."""
    subject = planted()
    encoder = subject.sae.W_enc.clone()
    encoder[24 + WORDS.index("has") % 8, NAME] = 1.0  # Anna's latent fires on every 'has' as well
    wide = Subject(subject.lm, replace(subject.sae, W_enc=encoder), adapted=False)
    blocks = [planted_problem(n, NAMES[n % 4], "1", "train") for n in range(8)]
    anna = choose(wide, blocks, settings(3, 1, 2), 8).choices[0]
    mentions = sum(m.value == "Anna" for b in blocks for m in b.mentions)
    assert anna.feature.latents == (NAME,)
    assert anna.precision == pytest.approx(mentions / (mentions + len(blocks)))
    assert anna.recall == 1.0


def test_an_effect_must_be_larger_than_rounding():
    """A latent that moves a log-probability by a millionth of a nat is not chosen."""
    subject = planted()
    for i in range(4):
        subject.lm.network.model.layers[1].self_attn.o_proj.weight[SAID + i, MARKER + i] = 1e-5
    for choice in choose(subject, planted_blocks(), settings(1, 1, 3), 8).choices:
        assert choice.effect == 0
        assert choice.feature.latents == ()


def test_at_position_last_the_latents_that_say_the_name_are_chosen():
    """Behind the attention, the latents of what was copied to the last token are found, with their values there."""
    subject = planted("resid_post_1")
    found = choose(subject, planted_blocks(), settings(4, 1, 3, "last"), 8)
    assert [c.feature.latents for c in found.choices] == [(SAID + i,) for i in range(4)]
    assert (found.site, found.position, found.model, found.sae) == (
        "resid_post_1", "last", subject.lm.digest, subject.sae.digest,
    )  # fmt: skip
    for choice in found.choices:
        own = [b for b in planted_blocks() if b.mentions[0].value == choice.feature.name]
        copied = [20 * sum(m.last < b.prompt for m in b.mentions) / b.prompt for b in own]
        assert choice.feature.typical == pytest.approx((sum(copied) / len(copied),), rel=1e-5)


def test_without_probes_nothing_is_chosen():
    """Values that are mentioned once only cannot be tried out, so none of their latents is taken."""
    blocks = [replace(b, mentions=b.mentions[:1]) for b in planted_blocks()]
    found = choose(planted(), blocks, settings(2, 1, 3), 8)
    assert {c.feature.latents for c in found.choices} == {()} and len(found.choices) == 4
