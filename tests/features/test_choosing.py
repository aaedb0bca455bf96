"""The choice of a concept's latents by effect, in a model whose causes are known."""

import math
from dataclasses import replace

import pytest
import torch

from sieve.features import choosing
from sieve.features.choosing import Trial, grow, log_probability, mean_codes, most_selective
from sieve.features.concepts import Settings, probe, surfaces
from sieve.features.place import Place
from sieve.subject import Subject
from sieve.text.blocks import Mention
from tests.planted import (
    DIGIT,
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

VALUES = [("name", name) for name in NAMES]
MENTIONS = Place("name", "resid_post_0", "concept")

SPARE = torch.arange(4) + 32 + DIGIT
"""Latents of negative digits, which never fire."""


def settings(candidates, latents, probes):
    """How names are chosen; the number of documents is the caller's business."""
    return Settings([], 99, candidates, probes, latents)


def choose(subject, blocks, how, batch, place=MENTIONS):
    """What is chosen for names."""
    return choosing.choose(subject, blocks, place, how, batch)[0]


@pytest.mark.parametrize("batch", [1, 7])
def test_mean_codes_against_reading_one_by_one(subject, blocks, batch):
    """Mean and rate at mentions and firings anywhere are what loops over documents and mentions give."""
    group = [b for b in blocks if b.kind == "problem"][:12] + [b for b in blocks if b.kind == "text"][:3]
    values = sorted({m.value for b in group for m in b.mentions if m.concept == "object"})[1:]
    mean, rate, total = mean_codes(subject, group, [("object", v) for v in values], "concept", batch)
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
    """The summed log-probability of the tokens after the probe, with its latents overwritten at its places only."""
    found = [probe(b, "name") for b in blocks if b.kind == "problem"][:4]
    words = surfaces(blocks, "name")
    sets = {(): (), (11,): (6.0,), (40,): (6.0,), (40, 11, 3): (6.0, 9.0, 4.0)}
    trials = [Trial(p, words[w], *own) for p, w in zip(found, sorted(words)) for own in sets.items()]
    expected = []
    for p, target, latents, codes in trials:

        def overwrite(z, where, places=p.places, latents=latents, codes=codes):
            z = z.clone()
            for row, (_, position) in enumerate(where.tolist()):
                for latent, code in zip(latents, codes):
                    if position in places:
                        z[row, latent] = code
            return z

        with subject.spliced(overwrite), torch.no_grad():
            ids = torch.tensor([[*p.ids, *target]])
            logits = subject.lm.network(input_ids=ids).logits[0].log_softmax(-1)
        expected.append(sum(float(logits[len(p.ids) - 1 + k, token]) for k, token in enumerate(target)))
    assert len({len(t.ids) for t in trials}) > 1
    assert log_probability(subject, trials, batch).tolist() == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert len({round(e, 3) for e in expected}) == len(expected)


def planted(site: str = "resid_post_0") -> Subject:
    """The planted model read by its planted dictionary, at first where names are still at their mentions."""
    lm = planted_lm()
    return Subject(lm, planted_sae(lm, site), adapted=False)


def test_the_causal_latent_is_chosen_and_not_the_more_selective_one():
    """A marker twice as large is the selective pick and does nothing; what the model reads is the causal one."""
    for i, choice in enumerate(choose(planted(), planted_blocks(), settings(2, 2, 3), 5).choices):
        assert choice.feature.name == NAMES[i]
        assert choice.feature.latents == (NAME + i,)
        assert choice.feature.typical == pytest.approx((1.0,))
        assert (choice.causal.precision, choice.causal.recall) == pytest.approx((1.0, 1.0))
        assert choice.selective.feature.latents == (MARKER + i,)
        assert choice.selective.feature.typical == pytest.approx((2.0,))
        assert (choice.selective.precision, choice.selective.recall) == pytest.approx((1.0, 1.0))
        assert choice.selective.effect == pytest.approx(0, abs=1e-5) and choice.causal.effect > 1


def test_the_most_selective_latent_need_not_be_a_candidate():
    """A marker that fires on other tokens too gives way to the latent that fires on the name's alone."""
    subject = planted()
    encoder = subject.sae.W_enc.clone()
    encoder[24 + WORDS.index("has") % 8, MARKER] = 1.0
    wide = Subject(subject.lm, replace(subject.sae, W_enc=encoder), adapted=False)
    anna, ben, *_ = choose(wide, planted_blocks(), settings(1, 1, 3), 8).choices
    assert anna.feature.latents == () and anna.selective.feature.latents == (NAME,)
    assert anna.selective.effect > 1
    assert ben.selective.feature.latents == (MARKER + 1,)


def test_selectivity_is_f1_then_contrast():
    """F1 against its definition in counts; equals go to the larger contrast; what never fires is nobody's."""
    hits, fired, labels = (
        torch.tensor([[3.0, 4, 4, 0], [0, 0, 0, 0]]),
        torch.tensor([3.0, 40, 5, 9]),
        torch.tensor([4.0, 2]),
    )
    precision, recall = hits / fired, hits / labels[:, None]
    f1 = 2 * hits / (fired + labels[:, None])
    contrast = torch.tensor([[1.0, 9, 2, 3], [1, 2, 3, 4]])
    assert f1.argmax(1).tolist()[0] == 2
    assert most_selective(precision, recall, contrast) == [(2,), ()]
    assert most_selective(precision[:, [2, 2]], recall[:, [2, 2]], contrast[:, :2]) == [(1,), ()]


def table(effects):
    """A measure that looks the joint effect of a set of latents up."""
    return lambda sets: [[effects[v][frozenset(own)] for own in row] for v, row in enumerate(sets)]


def of(*sets):
    """{set of latents: effect} of (effect, latent, latent, …)."""
    return {frozenset(latents): effect for effect, *latents in sets}


def test_a_latent_speaks_for_one_value_only():
    """The largest effect gets the latent, whoever comes later the next best; what is within the noise gets nothing."""
    ranked = [[7, 3], [7, 5], [3, 7]]
    effects = [of((2.0, 7), (1.0, 3)), of((3.0, 7), (0.5, 5), (3.5, 7, 5)), of((1e-5, 3), (2.5, 7))]
    assert grow(ranked, 1, table(effects)) == [((3,), 1.0), ((7,), 3.0), ((), 0.0)]
    assert grow(ranked, 2, table(effects)) == [((3,), 1.0), ((7, 5), 3.5), ((), 0.0)]


def test_a_set_grows_by_its_joint_effect():
    """What a latent adds to the others counts, not its own effect; a set that none raises is left as it is."""
    alone = [(3.0, 1), (2.0, 2), (0.5, 3), (-1.0, 4)]
    helped = of(*alone, (2.9, 1, 2), (3.6, 1, 3), (3.2, 1, 4), (3.7, 1, 3, 2), (4.2, 1, 3, 4), (4.2, 1, 3, 4, 2))
    done = of(*alone, (2.9, 1, 2), (3.0, 1, 3), (3.00005, 1, 4))
    for latents, expected in ((1, ((1,), 3.0)), (2, ((1, 3), 3.6)), (3, ((1, 3, 4), 4.2)), (4, ((1, 3, 4), 4.2))):
        assert grow([[1, 2, 3, 4]], latents, table([helped])) == [expected]
        assert grow([[1, 2, 3, 4]], latents, table([done])) == [((1,), 3.0)]


def halved() -> Subject:
    """The planted subject with two latents a name, each of which writes half of what the model reads."""
    subject = planted()
    sae, names = subject.sae, slice(NAME, NAME + 4)
    encoder, decoder = sae.W_enc.clone(), sae.W_dec.clone()
    encoder[:, SPARE] = sae.W_enc[:, names]
    decoder[SPARE] = decoder[names] = sae.W_dec[names] / 2
    return Subject(subject.lm, replace(sae, W_enc=encoder, W_dec=decoder), adapted=False)


def test_half_the_name_each_is_a_set_with_the_effect_of_the_whole():
    """Where two latents write half of what the model reads, both are taken, and their effect is that of the one."""
    found = choose(halved(), planted_blocks(), settings(3, 3, 3), 8).choices
    for i, (one, both) in enumerate(zip(choose(planted(), planted_blocks(), settings(3, 3, 3), 8).choices, found)):
        assert set(both.feature.latents) == {NAME + i, int(SPARE[i])}
        assert both.causal.effect == pytest.approx(one.causal.effect, rel=1e-4)


def test_a_latent_that_is_silent_on_a_value_never_stands_for_it():
    """Without any of her own, Anna isn't said by silencing half of what says Ben, though that makes her likelier."""
    subject = halved()
    encoder = subject.sae.W_enc.clone()
    encoder[:, [NAME, int(SPARE[0])]] = 0
    mute = Subject(subject.lm, replace(subject.sae, W_enc=encoder), adapted=False)
    anna, *others = choose(mute, planted_blocks(), settings(64, 1, 3), 8).choices
    assert anna.feature.latents == ()
    for i, choice in enumerate(others, start=1):
        assert choice.feature.latents in [(NAME + i,), (int(SPARE[i]),)] and choice.feature.typical[0] > 0


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_a_value_whose_latents_do_nothing_gets_an_empty_feature(batch):
    """With only the marker to choose from, nothing is chosen, whatever the batch size does to the last bits."""
    subject = planted()
    mean = mean_codes(subject, planted_blocks(), VALUES, "concept", 8)[0]
    for i, choice in enumerate(choose(subject, planted_blocks(), settings(1, 1, 3), batch).choices):
        assert int(mean[i].argmax()) == MARKER + i
        assert choice.feature.latents == choice.feature.typical == ()
        assert (choice.causal.effect, choice.causal.precision, choice.causal.recall) == (0, 0, 0)
        assert choice.selective.feature.latents == (MARKER + i,)


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
        assert choice.causal.effect == pytest.approx(gain + loss, rel=1e-4)


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
    assert anna.causal.precision == pytest.approx(mentions / (mentions + len(blocks)))
    assert anna.causal.recall == 1.0


def test_an_effect_must_be_larger_than_rounding():
    """A latent that moves a log-probability by a millionth of a nat is not chosen."""
    subject = planted()
    for i in range(4):
        subject.lm.network.model.layers[1].self_attn.o_proj.weight[SAID + i, MARKER + i] = 1e-5
    for choice in choose(subject, planted_blocks(), settings(1, 1, 3), 8).choices:
        assert choice.causal.effect == 0
        assert choice.feature.latents == ()


def test_at_position_last_the_latents_that_say_the_name_are_chosen():
    """Behind the attention, the latents of what was copied to the last token are found, with their values there."""
    subject = planted("resid_post_1")
    found = choose(subject, planted_blocks(), settings(4, 1, 3), 8, replace(MENTIONS, position="last"))
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


def second_named(block):
    """The same problem with every name written as two tokens, of which the name is the last."""
    ids, mentions, prompt = [], [], block.prompt
    for i, token in enumerate(block.ids):
        if WORDS[token] in NAMES:
            ids.append(WORDS.index("more"))
            prompt += i < block.prompt
            mentions.append(Mention("name", WORDS[token], len(ids) - 1, len(ids)))
        ids.append(token)
    return replace(block, ids=tuple(ids), mentions=tuple(mentions), prompt=prompt)


def test_a_word_of_several_tokens_is_labelled_at_its_last():
    """With the same token before every name, the latents of the name itself are found, and both tokens are its ids."""
    blocks = [second_named(b) for b in planted_blocks()]
    for i, choice in enumerate(choose(planted(), blocks, settings(2, 1, 3), 8).choices):
        assert choice.ids == (WORDS.index("more"), WORDS.index(NAMES[i]))
        assert (choice.feature.latents, choice.selective.feature.latents) == ((NAME + i,), (MARKER + i,))
        assert (choice.causal.precision, choice.causal.recall) == (1.0, 1.0)


def test_at_position_last_a_word_of_several_tokens_is_looked_for_before_its_first():
    """What is about to be said stands before the whole word: there every latent of the copied name fires."""
    subject, blocks = planted("resid_post_1"), [second_named(b) for b in planted_blocks()]
    for b in blocks:
        assert WORDS[b.ids[probe(b, "name", "last").places[0]]] == ":"
    mean, rate, _ = mean_codes(subject, blocks, VALUES, "last", 8)
    assert rate[torch.arange(4), SAID + torch.arange(4)].tolist() == [1.0] * 4
    assert (mean[torch.arange(4), SAID + torch.arange(4)] > 0).all()


def test_a_concept_that_nothing_marks_is_refused():
    """Where others are marked it is a misspelling, or too few documents were looked at; both are told."""
    with pytest.raises(
        ValueError, match=r"no value of 'place' is marked in the 36 .* marked are: name; name one of these"
    ):
        choosing.choose(planted(), planted_blocks(), MENTIONS, replace(settings(2, 1, 3), also=["place"]), 8)


def test_without_any_marks_there_are_no_values():
    """Text in which nothing is marked has no concepts to choose for, which is no mistake."""
    blocks = [replace(b, mentions=()) for b in planted_blocks()]
    assert choose(planted(), blocks, settings(2, 1, 3), 8).choices == ()


def test_concepts_do_not_see_each_other():
    """Chosen together with another concept or alone, a concept gets the same."""
    blocks = []
    for b in planted_blocks():
        digits = [Mention("digit", WORDS[i], n, n) for n, i in enumerate(b.ids) if WORDS[i] in DIGITS]
        blocks.append(replace(b, mentions=(*b.mentions, *digits)))
    names, digits = choosing.choose(planted(), blocks, MENTIONS, replace(settings(2, 1, 3), also=["digit"]), 8)
    assert names == choose(planted(), planted_blocks(), settings(2, 1, 3), 8)
    assert [c.feature.latents for c in digits.choices] == [(DIGIT + i,) for i in range(4)]
    (alone,) = choosing.choose(planted(), blocks, replace(MENTIONS, concept="digit"), settings(2, 1, 3), 8)
    assert alone == digits


def test_the_length_of_atoms_is_no_merit():
    """Codes a tenth as large with atoms ten times as long write the same, so the same latents are tried and chosen."""
    lm, blocks = planted_lm(), planted_blocks()
    plain = Subject(lm, planted_sae(lm), adapted=False)
    scale = torch.ones(plain.sae.latents)
    scale[MARKER : MARKER + len(NAMES)] = 10.0
    sae = replace(
        plain.sae, W_enc=plain.sae.W_enc / scale, b_enc=plain.sae.b_enc / scale, W_dec=plain.sae.W_dec * scale[:, None]
    )
    scaled = Subject(lm, sae, adapted=False)
    for candidates in (1, 2):
        one, other = (choose(who, blocks, settings(candidates, 1, 2), 8) for who in (plain, scaled))
        assert [c.feature.latents for c in one.choices] == [c.feature.latents for c in other.choices]
