"""Solving counted against hand-judged texts and in a model that solves everything."""

from dataclasses import replace

import pytest

from sieve.evals import solving
from sieve.model import skill
from sieve.subject import Subject
from tests.planted import DIGIT, NAME, planted_case


@pytest.fixture(scope="module")
def case():
    """The planted model, which solves every planted problem."""
    return planted_case()


def figures(case, problems=12):
    """{(metric, case): value}."""
    return {(r.metric, r.case): r.value for r in solving.run(case, solving.Settings(problems, 4))}


def test_a_model_that_solves_everything_does_so_through_a_perfect_splice(case):
    """All answers right and all names copied, with and without the reconstruction."""
    names = [(metric, name) for name in ("original", "spliced") for metric in ("answer", "copied")]
    assert figures(case) == dict.fromkeys(names, 1.0)


@pytest.mark.parametrize(("axes", "lost"), [(NAME, "copied"), (DIGIT, "answer")])
def test_what_the_dictionary_loses_is_lost_through_the_splice_only(case, axes, lost):
    """Without the latents of names (digits), names (answers) are guessed, a quarter rightly; everything else stays."""
    decoder = case.subject.sae.W_dec.clone()
    decoder[axes : axes + 4] = 0
    found = figures(
        replace(case, subject=Subject(case.subject.lm, replace(case.subject.sae, W_dec=decoder), adapted=False))
    )
    assert found.pop((lost, "spliced")) == 0.25
    assert set(found.values()) == {1.0}


def test_counts_against_hand_judged_texts(case, monkeypatch):
    """The stated answer counts, or else the last number; a name counts as a whole word."""
    judged = {  # of Anna, whose answer is 1
        "Anna has coins . Answer: 1": (True, True),
        "Ben Answer: 1": (True, False),
        "Anna Answer: 2": (False, True),
        "Anna has 1": (True, True),
        "Answer:": (False, False),
        "": (False, False),
    }
    blocks = [replace(case.blocks[0], split="test")] * len(judged)
    ids = [case.subject.lm.tokenizer(text, add_special_tokens=False)["input_ids"] for text in judged]
    monkeypatch.setattr(skill, "continue_ids", lambda lm, prompts, new_tokens: [ids.pop(0) for _ in prompts])
    rows = {r.metric: r for r in solving.measure(replace(case, batch=4), blocks, 4, "original")}
    assert rows["answer"].value == pytest.approx(sum(a for a, _ in judged.values()) / 6)
    assert rows["copied"].value == pytest.approx(sum(c for _, c in judged.values()) / 6)
    assert rows["answer"].n == rows["copied"].n == 6


def test_problems_without_names_have_no_copied(case):
    """A share of nothing is not reported."""
    nameless = replace(case, blocks=[replace(b, mentions=()) for b in case.blocks])
    assert {metric for metric, _ in figures(nameless)} == {"answer"}


def test_without_problems_it_does_not_apply(case):
    """One row that says so."""
    (row,) = solving.run(replace(case, blocks=[]), solving.Settings(3, 4))
    assert row.value is None and "no problems" in row.note
