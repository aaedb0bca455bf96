"""The swap question in a model whose causes are planted, and its metrics against hand-judged texts."""

from dataclasses import replace
from itertools import product

import pytest

from sieve.evals import isolation, swap
from sieve.evals.case import Case, Item, Row
from sieve.features.concepts import written
from sieve.features.counterfactual import Pair
from sieve.interventions.swap import Feature
from sieve.model.generate import continue_ids
from sieve.subject import Subject
from tests.planted import DIGITS, KIND, NAMES, SAID, WORDS, no_concepts, planted_case
from tests.planted import NAME as NAME_AXIS

SETTINGS = swap.Settings(pairs=12, new_tokens=4, strengths=[1.0, 2.0], kind="typical", success=[0.0, 1.0])
CONDITIONS = ["none", "swap/1", "swap/2", "insert/1", "random/1", "direction/1", "other/1"]


@pytest.fixture(scope="module")
def case():
    """The planted model with its dictionary, and 24 problems."""
    return planted_case()


@pytest.fixture(scope="module")
def answer(case):
    """All rows and items."""
    return swap.run(case, SETTINGS)


def figures(answer):
    """{(metric, case): value}."""
    return {(r.metric, r.case): r.value for r in answer if isinstance(r, Row)}


def items_of(answer):
    """The items alone."""
    return [item for item in answer if isinstance(item, Item)]


def study_of(case):
    """What all conditions share in a case."""
    return swap.Study(case, {}, written(case.subject.lm, case.concepts.words), 4)


@pytest.mark.parametrize("strength", ["1", "2"])
def test_planted_names_are_swapped_and_nothing_else(answer, strength):
    """With the latents that the model reads, every swap succeeds and changes no other token, expectation or code."""
    found, name = figures(answer), f"swap/{strength}"
    for metric in ("success", "named", "dropped", "kept", "success_and_kept", "exact", "rouge_l"):
        assert found[metric, name] == 1
    assert found["kl", name] == pytest.approx(0, abs=1e-6)
    assert found["others", name] == 0


def test_unswapped_is_the_spliced_model(answer, case):
    """'none' names the source, answers right, differs from itself in nothing, and is the spliced model's own text."""
    found = figures(answer)
    nothing = dict.fromkeys(("success", "named", "dropped", "success_and_kept", "kl", "others", "acted"), 0)
    expected = nothing | dict.fromkeys(("kept", "exact", "rouge_l"), 1)
    assert {metric: found[metric, "none"] for metric in expected} == expected
    pair = case.pairs("test", 12)
    with case.subject.spliced():
        alone = [continue_ids(case.subject.lm, [list(p.ids)], 4)[0] for p in pair]
    assert [ids for ids, _ in swap.continuations(study_of(case), pair, None)] == alone


def with_atoms(case, decoder):
    """The same subject and features with another decoder."""
    subject = Subject(case.subject.lm, replace(case.subject.sae, W_dec=decoder), adapted=False)

    def moved(pick):
        return replace(pick, feature=replace(pick.feature, sae=subject.sae.digest))

    choices = tuple(replace(choice, causal=moved(choice.causal)) for choice in case.concepts.choices)
    return replace(case, subject=subject, concepts=replace(case.concepts, choices=choices))


def test_unswapped_goes_through_the_dictionary(case):
    """With a dictionary that takes ':' for a digit, after which the text ends, 'none' says nothing either."""
    decoder = case.subject.sae.W_dec.clone()
    decoder[KIND] = decoder[KIND + 3]
    answer = swap.run(with_atoms(case, decoder), SETTINGS)
    found = figures(answer)
    assert (found["dropped", "none"], found["kept", "none"], found["rouge_l", "none"]) == (1, 0, 1)
    assert found["kl", "swap/1"] is None  # of no token
    assert {item.tokens for item in items_of(answer)} == {0}


def test_every_condition_counts_every_pair(answer):
    """n is the number of pairs everywhere; beside swaps there are an insertion and three controls."""
    conditions = [r for r in answer if isinstance(r, Row)]
    conditions = [r for r in conditions if r.metric != "strength"]
    assert {r.n for r in conditions} == {12}
    assert list(dict.fromkeys(r.case for r in conditions)) == CONDITIONS


def test_every_row_is_the_mean_of_its_items(answer, case):
    """Recomputed from the items alone, divergence over tokens; items come by condition, then in the pairs' order."""
    items, pairs = items_of(answer), case.pairs("test", 12)
    expected = [(name, p.doc, p.source, p.target) for name, p in product(CONDITIONS, pairs)]
    assert [(item.case, item.doc, item.source, item.target) for item in items] == expected
    for row in answer:
        if isinstance(row, Row) and row.case in CONDITIONS:
            own = [item for item in items if item.case == row.case]
            weight = sum(item.tokens for item in own) if row.metric == "kl" else len(own)
            assert row.value == pytest.approx(sum(getattr(item, row.metric) for item in own) / weight)
            assert row.low <= row.value <= row.high


def test_divergence_is_per_token_and_not_per_item(answer):
    """A long continuation counts for as much as it is long."""
    own = [i for i in answer if isinstance(i, Item) and i.case == "swap/1"]
    unlike = [replace(i, kl=float(n), tokens=1 + n) for n, i in enumerate(own)]
    (row,) = isolation._divergence("swap/1", unlike)
    assert row.value == pytest.approx(sum(i.kl for i in unlike) / sum(i.tokens for i in unlike))


@pytest.mark.parametrize("side", ["source", "target"])
def test_what_happens_to_one_name_widens_the_interval(answer, side):
    """Were all pairs with one of three sources, or targets, to fail and no other, that is three of ten names."""
    (first, *_) = items_of(answer)
    items = [replace(first, source=str(a), target=str(b)) for a, b in product(range(10), repeat=2)]
    together = [replace(item, dropped=int(getattr(item, side)) >= 3) for item in items]
    apart = [replace(item, dropped=(int(item.source) + int(item.target)) % 10 >= 3) for item in items]
    own, plain = ({r.metric: r for r in isolation.means(found)}["dropped"] for found in (together, apart))
    assert own.value == plain.value == 0.7
    assert own.high - own.low > 2 * (plain.high - plain.low)


def test_another_names_latents_say_that_name(answer):
    """Written instead of the target's, a third name's latents say neither the target nor the source."""
    found = figures(answer)
    assert (found["success", "other/1"], found["dropped", "other/1"], found["kept", "other/1"]) == (0, 1, 1)
    assert (found["exact", "other/1"], found["others", "other/1"]) == (1, 0)  # but for that name


def test_what_goes_astray_is_neither_of_the_pair():
    """The next value after the target, or the one after that, if it is the source."""
    features = {n: Feature(n, (i,), (1.0,)) for i, n in enumerate("bac")}
    edit = swap.Edit("other", 1.0, features, astray=True)
    said = {f"{a}{b}": edit.says(Pair("d", a, b, (), (), (), (), "", ())) for a in "abc" for b in "abc" if a != b}
    assert said == {"ab": "c", "ac": "b", "ba": "c", "bc": "a", "ca": "b", "cb": "a"}


def test_an_insertion_outweighs_what_is_not_silenced(case):
    """Written twice as strongly beside the source's, the target's latents name it, and acted at every mention."""
    answer = swap.run(case, replace(SETTINGS, strengths=[2.0]))
    assert figures(answer)["success", "insert/2"] == 1
    mentions = {p.doc: len(p.places) for p in case.pairs("test", 12)}
    for name in ("swap/2", "insert/2"):
        assert {item.doc: item.acted for item in items_of(answer) if item.case == name} == mentions


def test_a_swap_acts_where_it_fails_too(case, answer):
    """Where an insertion leaves the source to be said, that is a token on which it acts again."""
    items = [item for item in items_of(answer) if item.case == "insert/1"]
    mentions = {p.doc: len(p.places) for p in case.pairs("test", 12)}
    assert {item.acted - mentions[item.doc] for item in items if item.dropped} == {0}
    assert {item.acted - mentions[item.doc] for item in items if not item.dropped} == {1}


def test_atoms_that_lean_towards_other_names_show(case):
    """An atom with a part in another name's direction writes that too, and its code says so."""
    decoder = case.subject.sae.W_dec.clone()
    decoder[NAME_AXIS] += 0.25 * decoder[NAME_AXIS + 1]
    items = [item for item in items_of(swap.run(with_atoms(case, decoder), SETTINGS)) if item.case == "swap/1"]
    by_target = {name: {item.others for item in items if item.target == name} for name in NAMES[1:]}
    towards = {item.others for item in items if item.target == "Anna" and item.source != "Ben"}
    assert towards and min(towards) > 0.1
    assert by_target["Cora"] | by_target["Dan"] >= {0.0}


def test_where_there_is_no_other_value_none_can_change(case):
    """Of two names neither is beside the pair: the change of others does not apply, it is not 0."""
    two = replace(case.concepts, choices=case.concepts.choices[:2])
    rows = [r for r in swap.run(replace(case, concepts=two), SETTINGS) if isinstance(r, Row) and r.metric == "others"]
    assert rows and all(r.value is None and "no other value" in r.note for r in rows)


def test_latents_without_effect_swap_nothing():
    """Left with the markers, which nothing reads, no feature is found and nothing is swapped."""
    found = figures(swap.run(planted_case(candidates=1), SETTINGS))
    assert (found["success", "swap/1"], found["exact", "swap/1"], found["dropped", "swap/2"]) == (0, 1, 0)
    assert found["acted", "swap/2"] == 0


def test_names_are_swapped_where_they_are_said():
    """Behind the attention, where nothing at the mentions helps, latents labelled at the last token swap every name."""
    late = planted_case("resid_post_1", "last")
    assert {f.latents for c in late.concepts.choices for f in [c.feature]} == {(SAID + i,) for i in range(4)}
    found = figures(swap.run(late, SETTINGS))
    assert (found["success", "swap/2"], found["success_and_kept", "swap/2"], found["success", "none"]) == (1, 1, 0)


def saying(scores):
    """A stand-in for `continuations` which says the words of `scores(study, pair number, pair, edit)`."""

    def continuations(study, found, edit):
        texts = [scores(study, i, p, edit) for i, p in enumerate(found)]
        return [([WORDS.index(word) for word in text.split()], 0) for text in texts]

    return continuations


def test_the_strength_is_chosen_on_validation_pairs(case, answer, monkeypatch):
    """Other test problems leave the chosen strength; where strengths differ, it is the best one on validation pairs."""
    assert figures(answer)["strength", "chosen"] == 1  # both succeed, so the weaker one
    asked = set()

    def scores(study, i, p, edit):
        split = study.case.blocks[int(p.doc[2:])].split
        asked.add((split, edit.strength if edit else None))
        good = edit is not None and edit.strength == (4.0 if split == "valid" else 2.0)
        return f"{p.target if good else p.source} Answer: {p.answer}"

    monkeypatch.setattr(swap, "continuations", saying(scores))
    found = figures(swap.run(case, replace(SETTINGS, strengths=[0.0, 1.0, 2.0, 4.0])))
    assert found["strength", "chosen"] == 4
    assert (found["success", "swap/2"], found["success", "swap/4"]) == (1, 0)  # test pairs have no say
    assert {c for _, c in found if c.startswith("random")} == {"random/4"}
    assert asked == {("valid", s) for s in (1, 2, 4)} | {("test", s) for s in (None, 0, 1, 2, 4)}


def test_the_answer_counts_when_the_strength_is_chosen(case, monkeypatch):
    """A strength that names the target and ruins the answer is not chosen."""

    def scores(study, i, p, edit):
        ruined = edit is not None and edit.strength == 2.0
        digit = next(d for d in DIGITS if d != p.answer) if ruined else p.answer
        return f"{p.target} Answer: {digit}" if not i or ruined else ""

    monkeypatch.setattr(swap, "continuations", saying(scores))
    assert figures(swap.run(case, SETTINGS))["strength", "chosen"] == 1


def test_to_say_both_names_is_no_success(case, monkeypatch):
    """A strength at which the source is said as well is worth nothing, neither chosen nor counted."""

    def scores(study, i, p, edit):
        strong = edit is not None and edit.strength == 2.0
        return f"{p.target} {p.source if strong else ''} Answer: {p.answer}"

    monkeypatch.setattr(swap, "continuations", saying(scores))
    found = figures(swap.run(case, SETTINGS))
    assert found["strength", "chosen"] == 1
    assert (found["named", "swap/2"], found["dropped", "swap/2"], found["success", "swap/2"]) == (1, 0, 0)
    assert found["success", "swap/1"] == found["success_and_kept", "swap/1"] == 1


def test_where_nothing_is_solved_the_target_alone_counts(case, monkeypatch):
    """With no answer right at any strength, the strength that says the target most often is chosen, not the weakest."""
    monkeypatch.setattr(
        swap, "continuations", saying(lambda study, i, p, edit: p.target if edit and edit.strength == 2.0 else "")
    )
    assert figures(swap.run(case, SETTINGS))["strength", "chosen"] == 2


@pytest.mark.parametrize(
    ("wanted", "chosen", "told"),
    [
        ([0.0, 1.0], 4, ""),
        ([0.3, 0.8], 2, ""),
        ([0.0, 0.4], 1, ""),
        ([0.5, 0.6], 2, "no success on validation pairs lies in 0.5 to 0.6; here 0.67"),
        ([0.8, 0.9], 4, "no success on validation pairs lies in 0.8 to 0.9; here 1.00"),
    ],
)
def test_the_strength_leaves_room_for_success_to_be_more_or_less(case, monkeypatch, wanted, chosen, told):
    """Of the strengths whose success lies in the range the best is taken, or the nearest to it, which is then said.

    Here a third of the validation pairs turn at strength 1, two thirds at 2, all at 4.
    """
    share = {1.0: 1, 2.0: 2, 4.0: 3}

    def scores(study, i, p, edit):
        return f"{p.target if edit and i % 3 < share[edit.strength] else p.source} Answer: {p.answer}"

    monkeypatch.setattr(swap, "continuations", saying(scores))
    rows = swap.run(case, replace(SETTINGS, strengths=[1.0, 2.0, 4.0], success=wanted))
    (strength,) = (r for r in rows if isinstance(r, Row) and r.metric == "strength")
    assert (strength.value, strength.note) == (chosen, told)


@pytest.mark.parametrize("kind", ["typical", "residual", "constant"])
def test_strengths_are_of_the_kind_asked_for(case, kind):
    """All swaps are written at strengths of one kind, and controls as much as the swap that was chosen writes."""
    features = {c.feature.name: replace(c.feature, typical=(3.0,)) for c in case.concepts.choices}
    study = study_of(case)._replace(features=features)
    swaps = swap.swaps(study, replace(SETTINGS, kind=kind))
    assert [(edit.strength, edit.how.kind) for edit in swaps] == [(1, kind), (2, kind)]
    _, random, direction, other = swap.controls(study, swaps[1])
    code = 2.0 if kind == "constant" else 6.0
    assert [sum(random.write[name].typical) for name in NAMES] == pytest.approx([code] * 4)  # atoms have length 1
    assert [float(direction.write[name].norm()) for name in NAMES] == pytest.approx([code] * 4)
    assert (random.how.value, random.how.kind, other.how) == (1, "typical", swaps[1].how)


@pytest.mark.parametrize("batch", [1, 64])
def test_batch_size_does_not_matter(case, answer, batch):
    """Each prompt of a batch gets its own pair's swap."""
    again = figures(swap.run(replace(case, batch=batch), SETTINGS))
    assert again == pytest.approx(figures(answer), abs=1e-6)


def test_firings_are_counted_on_held_out_text(subject, blocks):
    """Tokens of the validation split on which a latent is active, document by document."""
    held_out = [replace(b, split="valid") for b in blocks[:5]]
    case = Case(subject, [*held_out, *(replace(b, split="train") for b in blocks[5:])], {}, no_concepts(subject), 0, 2)
    one_by_one = [(subject.read(*subject.lm.pad([list(b.ids)])).z != 0).sum(0) for b in held_out]
    assert swap.firings(case).tolist() == sum(one_by_one).tolist()


JUDGED = [  # source, target, answer; the continuation; named, dropped, kept
    ("apple", "book", "7", " Anna has 3 + 4 = 7 books. Answer: 7", True, True, True),
    ("apple", "book", "7", " Anna has 3 + 4 = 8 books. Answer: 8", True, True, False),
    ("apple", "book", "7", " Anna has 7 apples and books. Answer: 7", True, False, True),
    ("apple", "book", "7", " Anna has 7 bookshelves. Answer: 7", False, True, True),
    ("apple", "book", "7", " Anna has 3 + 4 = 7 apples. Answer: 7", False, False, True),
    ("apple", "book", "", " Anna has 7 books.", True, True, None),
]


@pytest.mark.parametrize(("source", "target", "answer", "text", "named", "dropped", "kept"), JUDGED)
def test_verdicts_on_hand_judged_texts(subject, source, target, answer, text, named, dropped, kept):
    """Whole words as they are written (a plural is not its key), and the computed answer, if there is one."""
    case = Case(subject, [], {}, no_concepts(subject), 0, 1)
    study = swap.Study(case, {}, {"apple": "apples", "book": "books"}, 0)
    ids = subject.lm.tokenizer(text, add_special_tokens=False)["input_ids"]
    pair = Pair("d", source, target, (), (), (), (), answer, ())
    assert swap.verdict(study, pair, ids) == (named, dropped, kept)


def test_text_without_answers_has_no_kept(case):
    """Where nothing is computed, 'kept' does not apply and says so."""
    texts = [replace(b, kind="text", answer="", prompt=0) for b in case.blocks]
    answer = swap.run(replace(case, blocks=texts), SETTINGS)
    kept = [r for r in answer if isinstance(r, Row) and r.metric == "kept"]
    assert [r.case for r in kept] == CONDITIONS
    assert all(r.value is None and "no answers" in r.note for r in kept)
    assert {item.kept for item in items_of(answer)} == {None}
    assert figures(answer)["success", "swap/1"] == 1


def test_not_applicable_without_values_or_pairs(case):
    """Nothing can be exchanged where there are no values, and no strength chosen where nothing is held out for it."""
    for changed, why in (
        (replace(case, concepts=no_concepts(case.subject)), "0 value(s)"),
        (replace(case, blocks=[b for b in case.blocks if b.split != "valid"]), "valid split"),
        (replace(case, blocks=[b for b in case.blocks if b.split != "test"]), "test split"),
    ):
        (row,) = swap.run(changed, SETTINGS)
        assert row.value is None and why in row.note
