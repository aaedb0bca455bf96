"""What changes besides: slots, equal continuations, divergence and other latents' codes, against oracles."""

from dataclasses import replace
from itertools import combinations

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

from sieve.evals.isolation import (
    NAME,
    bystanders,
    code_change,
    common_subsequence,
    forced,
    made_equal,
    off_slot,
    off_slot_kl,
    random_directions,
    random_latents,
    rouge_l_recall,
    slots,
)
from sieve.interventions.swap import Feature, Strength, drop, insert, swap
from sieve.model.generate import continue_ids
from sieve.provenance import generator
from sieve.subject import Subject
from tests.planted import NAME as NAME_AXIS
from tests.planted import NAMES, WORDS, planted_case


def ids_of(lm, text):
    """Token ids without BOS."""
    return lm.tokenizer(text, add_special_tokens=False)["input_ids"]


TEXTS = ["Anna has 3 + 4 = 7 apples.", "Ännä und Анна, Anna!", "Annas Joanna Anna-Lena", "(Anna Anna) Ann"]


@pytest.mark.parametrize("text", TEXTS)
def test_slots_are_the_tokens_of_whole_words(lm, text):
    """By an oracle over bytes: a token is in a mention when one of its bytes is, however word and space are split."""
    words, ids = ["Anna", "Анна", "Ännä", "Anna-Lena"], ids_of(lm, text)
    pieces = [lm.tokenizer.convert_ids_to_tokens(i) for i in ids]  # byte-level: one character of a piece is one byte
    number = [0] * len(text.encode())
    for k, (start, end) in enumerate(spans(text, words), 1):
        number[len(text[:start].encode()) : len(text[:end].encode())] = [k] * len(text[start:end].encode())
    ends = torch.tensor([len(p) for p in pieces]).cumsum(0).tolist()
    assert ends[-1] == len(number)
    expected = [max(number[start:end]) for start, end in zip([0, *ends], ends)]
    assert slots(lm, ids, words) == expected
    assert any(expected)
    assert slots(lm, ids, []) == [0] * len(ids)


def spans(text, words):
    """Where whole words stand, with the space before, by trying every place; of several the longest."""
    found, i = [], 0
    while i < len(text):
        here = [w for w in words if text.startswith(w, i) and not (text[i + len(w) :] + " ")[0].isalnum()]
        if here and not (i and text[i - 1].isalnum()):
            end = i + len(max(here, key=len))
            found.append((i - text[:i].endswith(" "), end))
            i = end
        else:
            i += 1
    return found


def test_continuations_are_equal_once_names_are(lm):
    """Names of different lengths become one symbol; another word, another order or a missing end do not."""
    plain, same, other, short = (
        ids_of(lm, f" {text}")
        for text in (
            "Anna has 3 and Anna 4.",
            "Christopher has 3 and Christopher 4.",
            "Leo has 4 and Leo 3.",
            "Leo has 3",
        )
    )
    names = ["Anna", "Christopher", "Leo"]
    a, b = made_equal(lm, plain, same, names, 999)
    assert a == b and a.count(NAME) == 2 and rouge_l_recall(a, b) == 1
    a, b = made_equal(lm, plain, other, names, 999)
    assert a != b and 0.5 < rouge_l_recall(a, b) < 1
    a, b = made_equal(lm, plain, short, names, 999)
    assert a != b and rouge_l_recall(a, b) == len(b) / len(a)


def test_what_was_cut_off_is_compared_as_far_as_it_goes(lm):
    """A long name pushes the end of a text out: cut, the rest is equal; ended of its own accord, it is not."""
    plain, other = (ids_of(lm, f" {name} has 3 and gets 4 more apples.") for name in ("Anna", "Christopher"))
    limit = len(plain)
    assert len(other) > limit
    for a, b in (
        made_equal(lm, plain, other[:limit], ["Anna", "Christopher"], limit),
        made_equal(lm, other[:limit], plain, ["Anna", "Christopher"], limit)[::-1],
    ):
        assert a == b and NAME in a
    a, b = made_equal(lm, plain, other[: limit - 1], ["Anna", "Christopher"], limit)
    assert a != b and len(b) < len(a)
    assert made_equal(lm, plain, [], ["Anna"], limit) == made_equal(lm, plain, [], ["Anna"], 999)


def test_common_subsequence_against_brute_force():
    """The longest of all subsequences of one that are subsequences of the other, for random short sequences."""

    def within(part, whole):
        rest = iter(whole)
        return all(token in rest for token in part)

    rng = generator(0, "lcs")
    for _ in range(150):
        a, b = (torch.randint(4, (int(torch.randint(8, (), generator=rng)),), generator=rng).tolist() for _ in "ab")
        best = max(n for n in range(len(a) + 1) if any(within(part, b) for part in combinations(a, n)))
        assert common_subsequence(a, b) == best == common_subsequence(b, a)


def test_common_subsequence_of_long_sequences():
    """Beyond 64 tokens as well: interleaved with noise all of it is found, reversed only one of distinct tokens."""
    a = list(range(300))
    noisy = [t for token in a for t in (token, 1000 + token % 7)]
    assert common_subsequence(a, noisy) == 300 == common_subsequence(noisy, a)
    assert common_subsequence(a, a[::-1]) == 1


def test_recall_is_a_share_of_what_was_there():
    """Additions cost nothing, losses their share, and nothing can be lost of nothing."""
    assert rouge_l_recall([1, 2, 3, 4], [9, 1, 2, 9, 3, 4, 9]) == 1
    assert rouge_l_recall([1, 2, 3, 4], [4, 1, 2]) == 0.5
    assert (rouge_l_recall([], [1]), rouge_l_recall([1], [])) == (1, 0)


@pytest.fixture
def running(subject, blocks):
    """Three prompts of different lengths, how their documents go on, latents to drop and latents to write."""
    documents = [b for b in blocks if b.language == "en"][:3]
    prompts, plain = zip(*((list(b.ids[:n]), list(b.ids[n : n + 12])) for b, n in zip(documents, (7, 14, 10))))
    often = (subject.read(*subject.lm.pad(prompts)).z != 0).sum(0).argsort(descending=True).tolist()
    dropped = [Feature(str(j), (j,), (1.0,)) for j in often[:3]]
    return prompts, plain, dropped, [Feature(str(j), (j,), (9.0,)) for j in often[30:33]]


def divergence(subject, prompts, plain, words, under):
    """(nats, tokens) of each prompt: what `off_slot_kl` makes of two passes over the continuations `plain`."""
    asked = [off_slot(slots(subject.lm, text, own)) for text, own in zip(plain, words)]
    reads = [forced(subject, prompts, plain, asked, context) for context in (subject.spliced(), under)]
    return list(zip(off_slot_kl(*reads), map(len, asked)))


def test_divergence_against_one_prompt_at_a_time(subject, running):
    """Summed over distributions taken one by one, of every token of the continuation but those of the slot."""
    prompts, plain, dropped, include = running
    lm = subject.lm
    words = [[lm.tokenizer.decode(text).split()[1].strip(".,")] for text in plain]
    found = divergence(subject, prompts, plain, words, swap(subject, dropped, include))
    for i, (prompt, text) in enumerate(zip(prompts, plain)):
        outside = [n for n, slot in enumerate(slots(lm, text, words[i])) if not slot]
        assert 0 < len(outside) < len(text)
        nats = 0.0
        for n in outside:
            ids = torch.tensor([[*prompt, *text[:n]]])
            with torch.no_grad(), subject.spliced():
                p = Categorical(logits=lm.network(input_ids=ids, use_cache=False).logits[0, -1].double())
            with torch.no_grad(), swap(subject, dropped[i], include[i]):
                q = Categorical(logits=lm.network(input_ids=ids, use_cache=False).logits[0, -1].double())
            nats += float(kl_divergence(p, q))
        assert found[i] == (pytest.approx(nats, rel=1e-3, abs=1e-5), len(outside))
    assert max(nats for nats, _ in found) > 0.1


def test_nothing_diverges_without_an_intervention(subject, running):
    """The same run twice is 0 to the bit, and so are an insertion after the last token, and no token at all."""
    prompts, plain, _, include = running
    for under in (subject.spliced(), insert(subject, include, [200])):
        assert [nats for nats, _ in divergence(subject, prompts, plain, [["x"]] * 3, under)] == [0, 0, 0]
    assert divergence(subject, prompts, [[], *plain[1:]], [["x"]] * 3, subject.spliced())[0] == (0, 0)


def test_what_is_read_is_what_later_layers_see(subject, running):
    """A text's rows are the reconstruction under the intervention, of each text token, however the batch is padded."""
    prompts, plain, dropped, include = running
    read = forced(subject, prompts, plain, [[]] * 3, swap(subject, dropped, include))
    for i, (prompt, text) in enumerate(zip(prompts, plain)):
        with swap(subject, dropped[i], include[i]):
            alone = subject.read(*subject.lm.pad([[*prompt, *text]]))
        torch.testing.assert_close(read.rows[read.owner == i], alone.rows)


def test_a_planted_swap_changes_the_slot_and_nothing_else():
    """Where only the name depends on the name, the divergence is all in the slot."""
    case = planted_case()
    subject, found = case.subject, case.pairs("test", 12)
    prompts = [list(p.ids) for p in found]
    with subject.spliced():
        plain = continue_ids(subject.lm, prompts, 4)
    drop, include = ([case.concepts[value] for value in pair] for pair in zip(*((p.source, p.target) for p in found)))
    outside, everywhere = (
        sum(n for n, _ in divergence(subject, prompts, plain, words, swap(subject, drop, include)))
        for words in ([[p.source] for p in found], [["nobody"]] * 12)
    )
    assert outside < 1e-3 < 1 < everywhere


def leaning(subject, source, other, cosine):
    """The planted subject with the atom of one name leaning towards another's, as long as before."""
    decoder = subject.sae.W_dec.clone()
    a, b = NAME_AXIS + NAMES.index(source), NAME_AXIS + NAMES.index(other)
    decoder[a] = (1 - cosine**2) ** 0.5 * subject.sae.W_dec[a] + cosine * subject.sae.W_dec[b]
    return Subject(subject.lm, replace(subject.sae, W_dec=decoder), adapted=False)


def changes(subject, sequences, others, under):
    """`code_change` of each sequence, from two passes over it."""
    empty = [[]] * len(sequences)
    reads = [forced(subject, sequences, empty, empty, context) for context in (subject.spliced(), under)]
    return code_change(subject.sae, *reads, others)


@pytest.mark.parametrize("cosine", [0.0, 0.25])
def test_codes_of_others_change_as_far_as_atoms_lean_to_them(cosine):
    """Written at 2, an atom with cosine c to another makes that one read 2c: by hand, in units of what is typical."""
    case = planted_case()
    subject = leaning(case.subject, "Ben", "Cora", cosine)
    features = [Feature(name, (NAME_AXIS + i,), (0.5,)) for i, name in enumerate(NAMES)]
    anna, ben, *_ = features
    others = bystanders([*features, Feature("more", (NAME_AXIS, 30), (1.0, 4.0))], anna, ben)
    assert others == Feature("others", (NAME_AXIS + 2, NAME_AXIS + 3, 30), (0.5, 0.5, 4.0))
    said = ["<bos>", "Anna", "wins", ".", "Anna", ":"], ["<bos>", "Dan"]
    prompts = [[WORDS.index(word) for word in words] for words in said]
    under = swap(subject, anna, ben, Strength(2.0, "constant"))
    swapped, silent = changes(subject, prompts, [others, others], under)
    assert swapped == pytest.approx(2 * cosine / 0.5 / 3, abs=1e-6)
    assert silent == 0  # Anna is not there
    nobody = bystanders([anna, ben], anna, ben)
    assert (
        changes(subject, prompts, [nobody, nobody], swap(subject, anna, ben, Strength(2.0, "constant"))) == [None] * 2
    )


def test_a_drop_of_orthogonal_atoms_leaves_other_codes(subject, running):
    """Under an identity of axes nothing else moves; under random atoms it does."""
    case = planted_case()
    found = case.pairs("test", 4)
    features = [c.feature for c in case.concepts.choices]
    others = [bystanders(features, case.concepts[p.source], case.concepts[p.target]) for p in found]
    under = drop(case.subject, [case.concepts[p.source] for p in found])
    assert changes(case.subject, [p.ids for p in found], others, under) == [0] * 4
    prompts, _, dropped, _ = running
    everything = Feature("all", tuple(range(64)), (1.0,) * 64)
    rest = [bystanders([everything], f, f) for f in dropped]
    assert min(changes(subject, prompts, rest, drop(subject, dropped))) > 0


def test_the_random_direction_is_as_long_as_what_is_written(subject):
    """Length by length, for features of one, two and no latents; the direction is the value's own, and the seed's."""
    features = {"a": Feature("a", (3,), (2.0,)), "b": Feature("b", (3,), (2.0,)), "c": Feature("c", (1, 5), (1.0, 4.0))}
    features["d"] = Feature("d", (), ())
    for strength in (Strength(2.0), Strength(2.0, "residual"), Strength(7.0, "constant")):
        found = random_directions(features, subject.sae, strength, 0)
        for name, feature in features.items():
            written = strength.codes(feature, subject.sae) @ subject.sae.W_dec[list(feature.latents)]
            assert float(found[name].norm()) == pytest.approx(float(written.norm()), rel=1e-5)
    again, other = (random_directions(features, subject.sae, strength, seed) for seed in (0, 1))
    assert all(torch.equal(found[name], again[name]) for name in features)
    assert not torch.allclose(found["a"], other["a"]) and not torch.allclose(found["a"], found["b"])


STRENGTHS = (Strength(2.0), Strength(2.0, "residual"), Strength(7.0, "constant"))


@pytest.mark.parametrize("strength", STRENGTHS, ids=lambda strength: strength.kind)
def test_random_latents_are_matched_on_rate_and_on_what_they_write(subject, strength):
    """They are live, no value's, distinct, among the ten nearest in rate, and write a vector of the same length."""
    lengths = torch.linspace(0.5, 3.0, 64)
    sae = replace(subject.sae, W_dec=subject.sae.W_dec * lengths[:, None])
    fired = torch.tensor([2 ** (j % 16) if j % 7 else 0 for j in range(64)])
    features = {
        "a": Feature("a", (1, 30), (3.0, 0.5)),
        "b": Feature("b", (14, 15), (1.0, 1.0)),
        "c": Feature("c", (), ()),
    }
    valued = {1, 30, 14, 15}
    live = [j for j in range(64) if fired[j] and j not in valued]
    for seed in range(20):
        found = random_latents(features, sae, strength, fired, seed)
        for name, feature in features.items():
            latents = found[name].latents
            assert len(set(latents)) == len(feature.latents) and set(latents) <= set(live)
            for own, new in zip(feature.latents, latents):
                apart = [abs(fired[j].clamp_min(1).log2() - fired[own].clamp_min(1).log2()) for j in live]
                assert abs(fired[new].log2() - fired[own].clamp_min(1).log2()) <= sorted(apart)[10]
            own, control = (
                s.codes(f, sae) @ sae.W_dec[list(f.latents)]
                for s, f in ((strength, feature), (Strength(1.0), found[name]))
            )
            assert float(control.norm()) == pytest.approx(float(own.norm()), rel=1e-5)


def test_random_latents_are_the_values_own_and_the_seeds(subject):
    """Drawn anew for each value and seed, the same whoever else is there, and none where nothing is live."""
    fired = torch.arange(64)
    one, two = Feature("one", (40,), (1.0,)), Feature("two", (40,), (1.0,))
    drawn = [random_latents({"one": one, "two": two}, subject.sae, Strength(1.0), fired, seed) for seed in range(8)]
    assert len({found["one"].latents for found in drawn}) > 2
    assert [f["one"].latents for f in drawn] != [f["two"].latents for f in drawn]
    alone = random_latents({"one": one}, subject.sae, Strength(1.0), fired, 0)
    assert alone["one"] == drawn[0]["one"]
    silent = random_latents({"one": one}, subject.sae, Strength(1.0), 0 * fired, 0)
    assert silent["one"] == Feature("one", (), ())
