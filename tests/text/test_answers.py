"""Reading what a model wrote."""

import pytest

from sieve.text.answers import mentions, parse_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Anna has 3 + 4 = 7 apples. Answer: 7", "7"),
        ("Answer: 12.", "12"),
        ("Answer: -3", "-3"),
        ("Answer:\n2.50 left", "2.50"),
        ("Answer: 5. Problem: Ben has 9. Answer: 8", "5"),
        ("It is 3, no, 4", "4"),
        ("5-3=2", "2"),
        ("Answer: none of the 6", "6"),
        (" Anna has 3. Answer: 7. Answer: 8", "7"),
        ("Answer: 12\nProblem: Leo has 3 apples.", "12"),
        ("Answer:5", "5"),
        ("Answer: 7.5", "7.5"),
        ("first 3 and then 8-4", "4"),
        ("Answer: seven of 9", "9"),
        ("nothing", None),
        ("", None),
    ],
)
def test_answers(text, answer):
    """The first number stated after 'Answer:' counts, or else the last number, or else nothing."""
    assert parse_answer(text) == answer


def test_every_problems_solution_states_its_answer(problems):
    """The answer parsed from a problem's own solution is its answer."""
    assert [parse_answer(p["solution"]) for p in problems] == [p["answer"] for p in problems]


@pytest.mark.parametrize(
    ("text", "word", "found"),
    [
        ("Rob has one.", "Rob", True),
        ("Robin has one.", "Rob", False),
        ("McRob has one.", "Rob", False),
        ("Rob's one.", "Rob", True),
        ("rob has one.", "Rob", False),
        ("Петя и Петяна", "Петя", True),
        ("Петяна", "Петя", False),
        ("with Rob.", "Rob", True),
        ("Robé", "Rob", False),
        ("у короля", "король", False),
        ("король, да", "король", True),
        ("a.b", "a.b", True),
        ("axb", "a.b", False),
        ("", "Rob", False),
    ],
)
def test_mentions_are_whole_words(text, word, found):
    """A word is mentioned where it stands as a whole word, in its own letter case, in any alphabet."""
    assert mentions(text, word) is found
