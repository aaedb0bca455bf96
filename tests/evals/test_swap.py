"""The swap question in a model whose causes are planted, and its metrics against hand-judged texts."""

from dataclasses import replace

import pytest

from sieve.evals import swap
from sieve.evals.case import Case
from sieve.features.counterfactual import Pair
from sieve.interventions.swap import Feature
from sieve.model.generate import continue_ids
from sieve.subject import Subject
from tests.planted import KIND, MARKER, NAME, NAMES, SAID, no_concepts, planted_case

SETTINGS = swap.Settings(pairs=12, new_tokens=4, strengths=[1.0, 2.0])


@pytest.fixture(scope="module")
def case():
    """The planted model with its dictionary, and 24 problems."""
    return planted_case()


@pytest.fixture(scope="module")
def rows(case):
    """All answers."""
    return swap.run(case, SETTINGS)


def figures(rows):
    """{(metric, case): value}."""
    return {(r.metric, r.case): r.value for r in rows}


@pytest.mark.parametrize("strength", ["1", "2"])
def test_planted_names_are_swapped_and_nothing_else(rows, strength):
    """With the latents that the model reads, every swap succeeds, drops the source and keeps every other word."""
    found = figures(rows)
    for metric in ("success", "dropped", "kept", "success_and_kept", "overlap"):
        assert found[metric, f"swap/{strength}"] == 1


def test_unswapped_is_the_spliced_model(rows, case):
    """'none' names the source, answers right, and is the spliced model's continuation word by word."""
    found = figures(rows)
    expected = {"success": 0, "dropped": 0, "kept": 1, "success_and_kept": 0, "overlap": 1}
    assert {metric: found[metric, "none"] for metric in expected} == expected
    pair = case.pairs("test", 12)
    lm = case.subject.lm
    with case.subject.spliced():
        alone = [lm.tokenizer.decode(continue_ids(lm, [list(p.ids)], 4)[0]) for p in pair]
    assert swap.continuations(case, pair, {}, None, 4) == alone


def test_unswapped_goes_through_the_dictionary(case):
    """With a dictionary that takes ':' for a digit, after which the text ends, 'none' says nothing either."""
    decoder = case.subject.sae.W_dec.clone()
    decoder[KIND] = decoder[KIND + 3]
    mistaken = Subject(case.subject.lm, replace(case.subject.sae, W_dec=decoder), adapted=False)
    found = figures(swap.run(replace(case, subject=mistaken), SETTINGS))
    assert (found["dropped", "none"], found["kept", "none"], found["overlap", "none"]) == (1, 0, 1)


def test_every_condition_counts_every_pair(rows):
    """n is the number of pairs everywhere, and there are two controls."""
    conditions = [r for r in rows if r.metric not in {"effect", "precision", "recall", "strength"}]
    assert {r.n for r in conditions} == {12}
    assert {r.case for r in conditions} == {"none", "swap/1", "swap/2", "random/1", "other/1"}


def test_another_names_latents_say_that_name(rows):
    """Written instead of the target's, the next name's latents never say the target; a third of them are the source."""
    found = figures(rows)
    assert (found["success", "other/1"], found["dropped", "other/1"], found["kept", "other/1"]) == (0, 8 / 12, 1)
    features = {n: Feature(n, (i,), (1.0,)) for i, n in enumerate("bac")}
    assert {n: f.name for n, f in swap.other_features(features).items()} == {"a": "b", "b": "c", "c": "a"}


def test_latents_without_effect_swap_nothing():
    """Left with the markers, which nothing reads, no feature is found and nothing is swapped."""
    found = figures(swap.run(planted_case(candidates=1), SETTINGS))
    assert (found["success", "swap/1"], found["overlap", "swap/1"], found["dropped", "swap/2"]) == (0, 1, 0)


def test_names_are_swapped_where_they_are_said():
    """Behind the attention, where nothing at the mentions helps, latents labelled at the last token swap every name."""
    late = planted_case("resid_post_1", "last")
    assert {f.latents for c in late.concepts.choices for f in [c.feature]} == {(SAID + i,) for i in range(4)}
    found = figures(swap.run(late, SETTINGS))
    assert (found["success", "swap/2"], found["success_and_kept", "swap/2"], found["success", "none"]) == (1, 1, 0)


def test_the_strength_is_chosen_on_validation_pairs(case, rows, monkeypatch):
    """Other test problems leave the chosen strength; where strengths differ, it is the best one on validation pairs."""
    assert figures(rows)["strength", "chosen"] == 1  # both succeed, so the weaker one
    asked = []

    def scores(case, found, features, edit, new_tokens):
        asked.append({case.blocks[int(p.doc[2:])].split for p in found})
        good = edit is not None and edit[1] == (4.0 if asked[-1] == {"valid"} else 2.0)
        return [f"{p.target if good else p.source} Answer: {p.answer}" for p in found]

    monkeypatch.setattr(swap, "continuations", scores)
    found = figures(swap.run(case, replace(SETTINGS, strengths=[1.0, 2.0, 4.0])))
    assert found["strength", "chosen"] == 4
    assert (found["success", "swap/2"], found["success", "swap/4"]) == (1, 0)  # test pairs have no say
    assert {c for _, c in found if c.startswith("random")} == {"random/4"}
    assert {frozenset(a) for a in asked} == {frozenset({"valid"}), frozenset({"test"})}


def test_the_answer_counts_when_the_strength_is_chosen(case, monkeypatch):
    """A strength that names the target and ruins the answer is not chosen."""

    def scores(case, found, features, edit, new_tokens):
        ruined = edit is not None and edit[1] == 2.0
        return [
            f"{p.target} Answer: {'9' if ruined else p.answer}" if not i or ruined else "" for i, p in enumerate(found)
        ]

    monkeypatch.setattr(swap, "continuations", scores)
    assert figures(swap.run(case, SETTINGS))["strength", "chosen"] == 1


def test_where_nothing_is_solved_the_target_alone_counts(case, monkeypatch):
    """With no answer right at any strength, the strength that says the target most often is chosen, not the weakest."""

    def scores(case, found, features, edit, new_tokens):
        return [p.target if edit is not None and edit[1] == 2.0 else "" for p in found]

    monkeypatch.setattr(swap, "continuations", scores)
    assert figures(swap.run(case, SETTINGS))["strength", "chosen"] == 2


@pytest.mark.parametrize("batch", [1, 64])
def test_batch_size_does_not_matter(case, rows, batch):
    """Each prompt of a batch gets its own pair's swap."""
    again = {k: v for k, v in figures(swap.run(replace(case, batch=batch), SETTINGS)).items() if k[0] != "effect"}
    assert again == pytest.approx({k: v for k, v in figures(rows).items() if k[0] != "effect"})


def test_the_control_writes_as_much_with_live_latents_of_no_value(subject, blocks):
    """Control latents fire on the text, are distinct, belong to no value, and write vectors of the same length."""
    lengths = [1.0 + 0.1 * j for j in range(64)]
    decoder = subject.sae.W_dec * subject.sae.W_dec.new_tensor(lengths)[:, None]
    louder = Subject(subject.lm, replace(subject.sae, W_dec=decoder), adapted=False)
    held_out, train = (replace(b, split=split) for b, split in zip(blocks, ("valid", "train")))
    case = Case(louder, [held_out, train], {}, no_concepts(louder), 0, 8)
    live = set((subject.read(*subject.lm.pad([list(held_out.ids)])).z != 0).any(0).nonzero().flatten().tolist())
    assert len(live) < 64
    chosen = {n: Feature(n, (2 * i, 2 * i + 1), (3.0, 0.5)) for i, n in enumerate(NAMES)}
    for name, feature in swap.random_features(case, chosen).items():
        assert set(feature.latents) <= live - set(range(8))
        assert len(set(feature.latents)) == 2
        written = [t * lengths[j] for t, j in zip(feature.typical, feature.latents)]
        assert written == pytest.approx([t * lengths[j] for t, j in zip((3.0, 0.5), chosen[name].latents)], rel=1e-5)


def test_the_control_writes_nothing_for_an_empty_feature(case):
    """A value without latents has a control without latents."""
    chosen = {"Anna": Feature("Anna", (), ()), "Ben": Feature("Ben", (MARKER, NAME), (1.0, 1.0))}
    found = swap.random_features(case, chosen)
    assert found["Anna"].latents == () and len(found["Ben"].latents) == 2


JUDGED = [  # source, target, answer; the continuation; success, dropped, kept
    ("apple", "book", "7", " Anna has 3 + 4 = 7 books. Answer: 7", True, True, True),
    ("apple", "book", "7", " Anna has 3 + 4 = 8 books. Answer: 8", True, True, False),
    ("apple", "book", "7", " Anna has 7 apples and books. Answer: 7", True, False, True),
    ("apple", "book", "7", " Anna has 7 bookshelves. Answer: 7", False, True, True),
    ("apple", "book", "7", " Anna has 3 + 4 = 7 apples. Answer: 7", False, False, True),
]


def test_metrics_against_hand_judged_texts():
    """Whole words as they are written (a plural is not its key), the computed answer, the rest of the text."""
    found = [Pair("d", source, target, (), (), (), (), answer) for source, target, answer, *_ in JUDGED]
    texts = [text for _, _, _, text, *_ in JUDGED]
    plain = [" Anna has 3 + 4 = 7 apples. Answer: 7"] * 5
    rows = figures(swap.judge("c", found, texts, plain, {"apple": "apples", "book": "books"}, 0))
    assert rows["success", "c"] == pytest.approx(3 / 5)
    assert rows["dropped", "c"] == pytest.approx(3 / 5)
    assert rows["kept", "c"] == pytest.approx(4 / 5)
    assert rows["success_and_kept", "c"] == pytest.approx(2 / 5)
    only = [
        figures(swap.judge("c", [p], [t], [plain[0]], {"apple": "apples", "book": "books"}, 0))["overlap", "c"]
        for p, t in zip(found, texts)
    ]
    assert only[0] == only[4] == 1  # punctuation does not hide the name
    assert 0 < only[1] < 1


def test_text_without_answers_has_no_kept(case):
    """Where nothing is computed, 'kept' does not apply and says so."""
    rows = swap.run(replace(case, blocks=[replace(b, kind="text", answer="", prompt=0) for b in case.blocks]), SETTINGS)
    kept = [r for r in rows if r.metric == "kept"]
    assert [r.case for r in kept] == ["none", "swap/1", "swap/2", "random/1", "other/1"]
    assert all(r.value is None and "no answers" in r.note for r in kept)
    assert figures(rows)["success", "swap/1"] == 1


def test_not_applicable_without_values_or_pairs(case):
    """Nothing can be exchanged where there are no values, and no strength chosen where nothing is held out for it."""
    for changed, why in (
        (replace(case, concepts=no_concepts(case.subject)), "0 value(s)"),
        (replace(case, blocks=[b for b in case.blocks if b.split != "valid"]), "valid split"),
        (replace(case, blocks=[b for b in case.blocks if b.split != "test"]), "test split"),
    ):
        (row,) = swap.run(changed, SETTINGS)
        assert row.value is None and why in row.note
