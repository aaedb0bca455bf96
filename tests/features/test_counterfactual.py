"""Pairs of prompts that differ in one value, against problems that are generated anew with that value."""

from collections import Counter

import pytest

from sieve.features.concepts import surfaces
from sieve.features.counterfactual import pairs
from sieve.text.blocks import Block, Mention
from sieve.text.problems import generate_problems, with_value


@pytest.fixture(scope="module")
def problem_blocks(blocks):
    """All word problems as tokens."""
    return [b for b in blocks if b.kind == "problem"]


@pytest.mark.parametrize("concept", ["name", "animal", "object", "place"])
def test_the_twin_is_the_problem_told_about_the_target(lm, problem_blocks, concept):
    """A twin is, token by token, the same problem generated with the other value, up to where its solution says it."""
    problems = {p.doc: p for p in generate_problems(60, 0)}
    found = pairs(problem_blocks, concept, surfaces(problem_blocks, concept), 60)
    assert len(found) > 10
    for pair in found:
        told = with_value(problems[pair.doc], concept, pair.target)
        assert lm.tokenizer(_until_said(told, concept))["input_ids"] == list(pair.twin_ids)
        assert lm.tokenizer(_until_said(problems[pair.doc], concept))["input_ids"] == list(pair.ids)
        assert pair.answer == told.answer


def _until_said(problem, concept):
    """A problem's text up to the solution's first mention, without the space before it."""
    said = next(s.start for s in problem.concepts if s.concept == concept and s.start >= len(problem.prompt))
    return (problem.prompt + problem.solution)[:said].removesuffix(" ")


def test_places_line_up(problem_blocks):
    """Places hold, mention by mention, the same number of last tokens of the source's word and of the target's."""
    words = surfaces(problem_blocks, "name")
    lengths = set()
    for pair in pairs(problem_blocks, "name", words, 60):
        own, new = words[pair.source], words[pair.target]
        common = min(len(own), len(new))
        count = len(pair.places) // common
        lengths.add((len(own), len(new)))
        assert len(pair.places) == len(pair.twin_places) == count * common and count > 1
        assert tuple(pair.ids[i] for i in pair.places) == own[-common:] * count
        assert tuple(pair.twin_ids[i] for i in pair.twin_places) == new[-common:] * count
    assert len(lengths) > 2


def test_one_pair_a_block_and_targets_take_turns(problem_blocks):
    """No block has two pairs, sources are never targets, and for each source all others come before one comes again."""
    found = pairs(problem_blocks, "name", surfaces(problem_blocks, "name"), 24)
    assert len(found) == 24 == len({pair.doc for pair in found})
    assert all(pair.source != pair.target for pair in found)
    used = Counter(pair.target for pair in found)
    assert len(used) >= 15 and max(used.values()) <= 2
    many = pairs([*problem_blocks] * 30, "name", surfaces(problem_blocks, "name"), 10**6)
    for source in {pair.source for pair in many}:
        turns = Counter(pair.target for pair in many if pair.source == source).values()
        assert max(turns) - min(turns) <= 1


def test_a_target_does_not_occur_in_its_source():
    """A value that the prompt already mentions is no target: naming it would prove nothing."""
    marks = (Mention("name", "a", 1, 1), Mention("name", "b", 2, 2), Mention("name", "a", 5, 5))
    block = Block("d", "problem", "en", "test", -1, 4, "7", tuple(range(8)), marks)
    words = {"a": (1,), "b": (2,), "c": (90, 91)}
    (pair,) = pairs([block], "name", words, 5)
    assert (pair.source, pair.target, pair.ids, pair.twin_ids) == ("a", "c", (0, 1, 2, 3, 4), (0, 90, 91, 2, 3, 4))
    assert (pair.places, pair.twin_places) == ((1,), (2,))
    assert pairs([block], "name", {"a": (1,), "b": (2,)}, 5) == []


def test_values_unknown_to_training_make_no_pair(problem_blocks):
    """A source that the training text never mentions has no latents to drop."""
    words = surfaces(problem_blocks, "name")
    known = dict(list(words.items())[:5])
    assert {pair.source for pair in pairs(problem_blocks, "name", known, 60)} <= set(known)


def test_a_text_is_cut_before_its_last_mention():
    """Text has no solution: the prompt runs up to the mention that is to be said."""
    marks = (Mention("name", "a", 1, 2), Mention("name", "a", 5, 6))
    block = Block("d", "text", "en", "test", -1, 0, "", tuple(range(10)), marks)
    (pair,) = pairs([block], "name", {"a": (1, 2), "b": (77,)}, 5)
    assert (pair.ids, pair.twin_ids) == ((0, 1, 2, 3, 4), (0, 77, 3, 4))
    assert (pair.places, pair.twin_places) == ((2,), (1,))


def test_one_value_makes_no_pairs(problem_blocks):
    """With a single value there is nothing to exchange."""
    with pytest.raises(ValueError, match="needs at least two"):
        pairs(problem_blocks, "name", {"Anna": (5,)}, 5)
