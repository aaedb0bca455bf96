"""Concept latents: labelled tokens, probes, and a choice by effect in a model whose causes are known."""

import math
from dataclasses import replace

import pytest
import torch

from sieve.features.concepts import Probe, choose, log_probability, mean_codes, probe, surfaces, written
from sieve.subject import Subject
from sieve.text.blocks import Block, Mention
from tests.planted import DIGITS, MARKER, NAME, NAMES, WORDS, planted_blocks, planted_lm, planted_problem, planted_sae


def text_block(ids, mentions, kind="text", prompt=0):
    """A block with mentions (value, first, last) of the concept 'name'."""
    marked = tuple(Mention("name", *m) for m in mentions)
    return Block("d", kind, "en", "train", -1, prompt, "", tuple(ids), marked)


def test_surfaces_are_the_commonest_tokens_of_each_value():
    """Values sorted; the commonest tokens win, ties go to the smaller ids; other concepts are not looked at."""
    blocks = [
        text_block([1, 7, 8, 9, 7, 8], [("b", 1, 2), ("b", 4, 5), ("a", 3, 3)]),
        text_block([1, 5, 4, 6], [("b", 1, 1), ("a", 2, 2)]),
        Block("d", "text", "en", "train", -1, 0, "", (1, 2), (Mention("place", "a", 1, 1),)),
    ]
    assert surfaces(blocks, "name") == {"a": (4,), "b": (7, 8)}
    assert list(surfaces(blocks, "name")) == ["a", "b"]


def test_written_is_how_a_value_reads(lm, blocks):
    """A value's key need not be its word: objects are written in the plural, without the space in front."""
    words = surfaces([b for b in blocks if b.kind == "problem"], "object")
    assert all(text == value + "s" for value, text in written(lm, words).items())
    assert len(words) > 1


def test_a_problems_probe_ends_before_the_solutions_first_mention():
    """The prompt with what follows up to the name; places are the earlier mentions' last tokens, of this value only."""
    ids = range(20)
    block = text_block(ids, [("a", 2, 3), ("b", 5, 5), ("a", 7, 8), ("a", 12, 13), ("a", 15, 16)], "problem", prompt=10)
    assert probe(block, "name") == Probe("d", "a", tuple(range(12)), (3, 8))


def test_a_texts_probe_ends_before_the_last_mention():
    """Text has no solution, so its last mention is the one to say."""
    block = text_block(range(20), [("a", 2, 3), ("b", 5, 5), ("b", 12, 13)])
    assert probe(block, "name") == Probe("d", "b", tuple(range(12)), (5,))


@pytest.mark.parametrize(
    "block",
    [
        text_block(range(9), []),
        text_block(range(9), [("a", 2, 2)]),
        text_block(range(9), [("a", 2, 2), ("b", 4, 4)]),
        text_block(range(9), [("a", 2, 2), ("a", 4, 4)], "problem", prompt=6),
        text_block(range(9), [("a", 2, 2), ("b", 7, 7)], "problem", prompt=6),
    ],
    ids=["none", "once", "once-each", "not-in-solution", "new-in-solution"],
)
def test_no_probe_without_an_earlier_mention(block):
    """Where nothing can be copied there is no probe."""
    assert probe(block, "name") is None


def test_probes_of_real_problems_stop_exactly_at_the_name(lm, blocks):
    """Decoded, a probe is the question up to 'Solution:', and the tokens that come next are the value's own."""
    problems = [b for b in blocks if b.kind == "problem"]
    words = surfaces(problems, "name")
    for block in problems:
        found = probe(block, "name")
        assert lm.tokenizer.decode(list(found.ids)).rstrip().endswith("Solution:")
        assert block.ids[len(found.ids) :][: len(words[found.value])] == words[found.value]
        assert all(block.ids[p] == words[found.value][-1] for p in found.places)


@pytest.mark.parametrize("batch", [1, 7])
def test_mean_codes_against_reading_one_by_one(subject, blocks, batch):
    """Mean and rate at mentions and firings anywhere are what loops over documents and mentions give."""
    group = [b for b in blocks if b.kind == "problem"][:12] + [b for b in blocks if b.kind == "text"][:3]
    values = sorted({m.value for b in group for m in b.mentions if m.concept == "object"})[1:]
    mean, rate, total = mean_codes(subject, group, "object", values, batch)
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


def planted() -> Subject:
    """The planted model read by its planted dictionary at the site where names are still at their mentions."""
    lm = planted_lm()
    return Subject(lm, planted_sae(lm), adapted=False)


def test_the_causal_latent_is_chosen_and_not_the_more_selective_one():
    """Of a marker that is twice as selective and the latent that the model reads, the latter is taken."""
    for i, choice in enumerate(choose(planted(), planted_blocks(), "name", candidates=2, size=2, probes=3, batch=5)):
        assert choice.feature.name == NAMES[i]
        assert choice.feature.latents == (NAME + i,)
        assert choice.feature.typical == pytest.approx((1.0,))
        assert (choice.precision, choice.recall) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_a_value_whose_latents_do_nothing_gets_an_empty_feature(batch):
    """With only the marker to choose from, nothing is chosen, whatever the batch size does to the last bits."""
    subject = planted()
    mean = mean_codes(subject, planted_blocks(), "name", NAMES, 8)[0]
    for i, choice in enumerate(choose(subject, planted_blocks(), "name", candidates=1, size=2, probes=3, batch=batch)):
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
    for choice in choose(planted(), train, "name", candidates=2, size=1, probes=3, batch=4):
        assert choice.effect == pytest.approx(gain + loss, rel=1e-4)


def test_precision_and_recall_are_of_labelled_tokens():
    """A latent that fires on other tokens too, or not on every mention, says so."""
    subject = planted()
    encoder = subject.sae.W_enc.clone()
    encoder[24 + WORDS.index("has") % 8, NAME] = 1.0  # Anna's latent fires on every 'has' as well
    wide = Subject(subject.lm, replace(subject.sae, W_enc=encoder), adapted=False)
    blocks = [planted_problem(n, NAMES[n % 4], "1", "train") for n in range(8)]
    anna = choose(wide, blocks, "name", candidates=3, size=1, probes=2, batch=8)[0]
    mentions = sum(m.value == "Anna" for b in blocks for m in b.mentions)
    assert anna.feature.latents == (NAME,)
    assert anna.precision == pytest.approx(mentions / (mentions + len(blocks)))
    assert anna.recall == 1.0
