"""What all questions share: the registry, picking blocks, and intervals."""

import ast
import inspect
from dataclasses import replace

import pytest
import torch

from sieve import evals
from sieve.clusters import student
from sieve.evals import question, questions
from sieve.evals.case import Case, clustered_mean, clustered_proportion, not_applicable, proportion, weighted_mean
from sieve.provenance import generator
from tests.planted import no_concepts, planted_case


def test_every_question_has_settings_and_run():
    """A question is a module with `Settings` (its numbers, nothing more allowed) and `run(case, settings)`."""
    assert {"swap", "ceiling", "reconstruction", "fidelity", "steering"} <= set(questions())
    for name in questions():
        module = question(name)
        assert list(inspect.signature(module.run).parameters) == ["case", "settings"]
        assert module.Settings.__pydantic_config__ == {"extra": "forbid", "strict": True}
        assert module.__doc__ and module.Settings.__doc__ and module.run.__doc__


def test_every_row_of_a_question_bears_its_name():
    """No module answers in the name of another: the first argument of every row is the module's own name."""
    for name in questions():
        calls = [
            node.args[0].value
            for node in ast.walk(ast.parse(inspect.getsource(question(name))))
            if isinstance(node, ast.Call)
            and getattr(node.func, "id", "")
            in {"Row", "proportion", "clustered_proportion", "clustered_mean", "weighted_mean", "not_applicable"}
        ]
        assert calls and set(calls) == {name}


def test_an_unknown_question_lists_those_that_exist():
    """The message names every question that can be asked."""
    with pytest.raises(ValueError, match="there is no question 'x'") as error:
        question("x")
    assert all(name in str(error.value) for name in questions())
    for shared in evals.SHARED:
        with pytest.raises(ValueError, match=f"no question '{shared}'"):
            question(shared)


def test_adding_a_file_is_enough(tmp_path, monkeypatch):
    """A module put beside the others is a question, without any list to be changed."""
    (tmp_path / "wondering.py").write_text(
        "Settings = dict\ndef run(case, settings):\n    return []\n", encoding="utf-8"
    )
    monkeypatch.setattr(evals, "__path__", [*evals.__path__, str(tmp_path)])
    assert "wondering" in questions()
    assert question("wondering").run(None, None) == []


def test_pick_takes_the_first_of_a_kind_split_and_language(subject, blocks):
    """Blocks come in their own order, limited in number, and never from another split."""
    case = Case(subject, blocks, {}, no_concepts(subject), 0, 4)
    for kind, split, language in (("text", "test", "de"), ("text", "train", None), ("problem", "test", None)):
        found = [b for b in blocks if b.kind == kind and b.split == split and language in (None, b.language)]
        assert case.pick(kind, split, None, language) == found
        assert case.pick(kind, split, 3, language) == found[:3]
        assert len(found) > 3


def test_batches_hold_every_block_once(subject, blocks):
    """At most `batch` documents at a time, each with its own ids where the mask is 1."""
    case = Case(subject, blocks, {}, no_concepts(subject), 0, 4)
    seen = []
    for numbers, ids, mask in case.batches(blocks[:10]):
        assert len(numbers) <= 4
        assert [tuple(row[m.bool()].tolist()) for row, m in zip(ids, mask)] == [blocks[n].ids for n in numbers]
        seen += numbers
    assert sorted(seen) == list(range(10))


def test_features_are_those_of_every_concept():
    """The judged concept's come first, then those of the concepts beside it, so that all but two can be bystanders."""
    case = planted_case()
    own = [choice.feature for choice in case.concepts.choices]
    other = replace(case.concepts, concept="place", choices=case.concepts.choices[:2])
    assert case.features == own
    assert replace(case, also=[other]).features == [*own, *own[:2]]


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_wilson_interval_against_known_values(hits, n, low, high):
    """Textbook values of the Wilson 95 % interval."""
    row = proportion("q", "m", "c", [True] * hits + [False] * (n - hits))
    assert (row.value, row.n) == (hits / n, n)
    assert (row.low, row.high) == pytest.approx((low, high), abs=5e-4)


def test_weighted_mean_weighs_documents_by_their_tokens():
    """The value is Σ sums / Σ weights, not the mean of the documents' means."""
    row = weighted_mean("q", "m", "c", torch.tensor([10.0, 2.0]).double(), torch.tensor([1.0, 3.0]).double(), 0)
    assert row.value == 3.0
    assert row.low == pytest.approx(2 / 3) and row.high == 10.0


def test_bootstrap_interval_is_that_of_the_normal_theory():
    """For many equal documents the interval is close to ± 1.96 standard errors, and constant data have none."""
    sums = 5 + torch.randn(400, generator=generator(0, "normal"), dtype=torch.float64)
    row = weighted_mean("q", "m", "c", sums, torch.ones(400).double(), 0)
    error = 1.96 * float(sums.std()) / 20
    assert row.value - row.low == pytest.approx(error, rel=0.15)
    assert row.high - row.value == pytest.approx(error, rel=0.15)
    flat = weighted_mean("q", "m", "c", 2 * torch.ones(9).double(), torch.ones(9).double(), 0)
    assert (flat.low, flat.value, flat.high) == (2, 2, 2)


def test_bootstrap_is_keyed_by_the_rows_name():
    """The same row gives the same interval; another case or seed draws anew."""
    sums, weights = torch.arange(20.0).double(), torch.ones(20).double()
    first = weighted_mean("q", "m", "c", sums, weights, 0)
    assert weighted_mean("q", "m", "c", sums, weights, 0) == first
    assert weighted_mean("q", "m", "d", sums, weights, 0).low != first.low
    assert weighted_mean("q", "m", "c", sums, weights, 1).low != first.low


def test_not_applicable_says_why():
    """One row without a value, with the reason."""
    (row,) = not_applicable("q", "m", "there is no text", "text")
    assert (row.value, row.case, row.n) == (None, "text", 0)
    assert row.note == "not applicable: there is no text"


def test_pairs_come_from_the_split_that_is_asked_for():
    """Pairs of a split are made of that split's documents, with targets of the training text."""
    case = planted_case()
    for split in ("valid", "test"):
        found = case.pairs(split, 9)
        assert len(found) == 9
        assert {p.doc for p in found} <= {b.doc for b in case.pick("problem", split)}
        assert {p.target for p in found} == set(case.concepts.words)


def test_text_is_used_where_there_are_no_problems():
    """Without problems the pairs are made of texts; without values there are none, and a note says so."""
    case = planted_case()
    texts = [replace(b, kind="text", prompt=0) for b in case.blocks]
    assert len(replace(case, blocks=texts).pairs("test", 5)) == 5
    none = replace(case, concepts=no_concepts(case.subject))
    assert none.pairs("test", 5) == []
    assert "0 value(s) of 'name'" in none.no_pairs("swap", "test")[0].note
    assert "test split" in case.no_pairs("swap", "test")[0].note


@pytest.mark.parametrize("way", [0, 1])
def test_items_that_stand_or_fall_together_widen_the_interval(way):
    """Ten clusters of twelve equal answers tell as much as ten answers; of clusters of mixed answers
    nothing is lost but what ten clusters leave in doubt (Student's t).

    It is all the same whether they are those of the first kind or of the second, whose own are mixed.
    """
    tens, twelves = [f"g{i // 12}" for i in range(120)], [f"h{i % 12}" for i in range(120)]
    clusters = (tens, twelves) if way == 0 else (twelves, tens)
    together = clustered_proportion("q", "m", "c", [i // 12 < 5 for i in range(120)], clusters)
    apart = clustered_proportion("q", "m", "c", [(i + i // 12) % 2 == 0 for i in range(120)], clusters)
    ten, all_of_them = (proportion("q", "m", "c", [True, False] * half) for half in (5, 60))
    assert together.value == apart.value == 0.5 and together.n == 120
    ten_low = 0.5 - student(9) / 6  # ten answers, five of them right
    assert (together.low, together.high) == pytest.approx((ten_low, 1 - ten_low))
    assert together.low < ten.low and together.high > ten.high
    assert apart.high - apart.low == pytest.approx(1.22 * (all_of_them.high - all_of_them.low), rel=0.02)


def test_a_share_without_failures_is_not_certain():
    """Where all hit, no cluster knows a miss, and Wilson's interval of as many items as there are clusters stands."""
    for count in (10, 300):
        clusters = [str(i % 10) for i in range(count)], ["one"] * count
        row = clustered_proportion("q", "m", "c", [True] * count, clusters)
        assert (row.low, row.high) == pytest.approx((0.7225, 1.0), abs=5e-4)
        assert row.n == count


def test_a_clustered_mean_may_be_a_ratio():
    """With weights it is Σ values / Σ weights; n counts items."""
    row = clustered_mean("q", "m", "c", [10.0, 2.0], (["a", "b"], ["c", "c"]), [1, 3])
    assert (row.value, row.n) == (3.0, 2)
    assert row.low == pytest.approx(2 / 3) and row.high == 10
