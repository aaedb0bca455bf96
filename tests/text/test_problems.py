"""Word problems: right answers, exact mentions, counterfactuals, and the reading of answers."""

import re
from dataclasses import replace
from fractions import Fraction

import pytest

from sieve.model.pretrain import train_tokenizer
from sieve.text.answers import mentions
from sieve.text.problems import generate_problems, problem_key, split_of, with_value
from sieve.text.templates import FEMALE_NAMES, MALE_NAMES, TEMPLATES, VALUES, surface
from sieve.text.world import generate_documents

PROBLEMS = generate_problems(600, seed=3)
OPERATIONS = {"+": Fraction.__add__, "-": Fraction.__sub__, "*": Fraction.__mul__, "/": Fraction.__truediv__}


def full(problem):
    """The whole document."""
    return problem.prompt + problem.solution


def test_format():
    """The prompt is 'Problem: ...?\\nSolution:' and the solution ' Name ... . Answer: n'."""
    for problem in PROBLEMS:
        assert re.fullmatch(r"Problem: [^\n]+\?\nSolution:", problem.prompt)
        assert re.fullmatch(r" [A-Z][a-z]+ [^\n]+[a-z]\. Answer: [0-9]+", problem.solution)


def test_every_template_occurs():
    """Every template is drawn, and documents are numbered in order."""
    assert {problem.template for problem in PROBLEMS} == set(TEMPLATES)
    assert [problem.doc for problem in PROBLEMS[:2]] == ["problem/000000", "problem/000001"]


def test_answer_is_what_the_worked_expression_gives():
    """Every worked step is true, the last one yields the answer, and no number leaves 0 to 20."""
    for problem in PROBLEMS:
        steps = re.findall(r"(\d+) ([-+*/]) (\d+) = (\d+)", problem.solution)
        assert 1 <= len(steps) <= 2
        for left, operation, right, result in steps:
            assert OPERATIONS[operation](Fraction(left), Fraction(right)) == Fraction(result)
        assert steps[-1][-1] == problem.answer
        assert all(0 <= int(number) <= 20 for number in re.findall(r"\d+", full(problem)))


def test_steps_begin_where_the_last_one_ended():
    """The second step of a problem begins with the result of the first."""
    for problem in PROBLEMS:
        steps = re.findall(r"(\d+) [-+*/] \d+ = (\d+)", problem.solution)
        assert all(steps[i][1] == steps[i + 1][0] for i in range(len(steps) - 1))


def test_numbers_are_those_of_the_question():
    """`numbers` are the numbers of the question, in order, and the worked expression uses each of them."""
    for problem in PROBLEMS:
        assert tuple(int(number) for number in re.findall(r"\d+", problem.prompt)) == problem.numbers
        assert set(map(str, problem.numbers)) <= set(re.findall(r"\d+", problem.solution))


def test_spans_are_every_mention():
    """Spans lie where the surface is, and no mention of a value is without one."""
    for problem in PROBLEMS:
        text = full(problem)
        for span in problem.concepts:
            assert text[span.start : span.end] == surface(span.concept, span.value)
        for concept, value in {(span.concept, span.value) for span in problem.concepts}:
            found = [match.start() for match in re.finditer(rf"\b{surface(concept, value)}\b", text)]
            assert found == [span.start for span in problem.concepts if span.concept == concept]


def test_name_is_the_first_word_of_the_solution():
    """The solution opens with the name, which the prompt says two or three times before."""
    for problem in PROBLEMS:
        name = next(span.value for span in problem.concepts if span.concept == "name")
        assert problem.solution.split()[0] == name
        assert 2 <= len(re.findall(rf"\b{name}\b", problem.prompt)) <= 3


def test_name_stands_alone():
    """A name follows a single space and precedes a space or a mark, so that it is always the same token."""
    for problem in PROBLEMS:
        text = full(problem)
        for span in problem.concepts:
            if span.concept == "name":
                assert re.fullmatch(r"[^ ] ", text[span.start - 2 : span.start])
                assert text[span.end] in " .,?"


def test_every_value_is_one_token():
    """To a tokenizer of modest size that learnt stories and problems, each value is one id of its own, everywhere."""
    texts = [d.text for d in generate_documents(150, (3, 6), 0, dict.fromkeys(("en", "de", "es", "ru"), 1.0))]
    tokenizer = train_tokenizer(texts + [full(problem) for problem in PROBLEMS], 2048)
    encoded = tokenizer([full(problem) for problem in PROBLEMS], return_offsets_mapping=True)
    ids = {}
    for problem, tokens, offsets in zip(PROBLEMS, encoded["input_ids"], encoded["offset_mapping"]):
        for span in problem.concepts:
            said = tuple(i for i, (start, end) in zip(tokens, offsets) if start < span.end and end > span.start)
            ids.setdefault((span.concept, span.value), set()).add(said)
    assert set(ids) == {(concept, value) for concept, values in VALUES.items() for value in values}
    assert all(len(forms) == 1 and len(form) == 1 for forms in ids.values() for form in forms)
    assert len(set.union(*ids.values())) == len(ids)


def test_no_plural_after_one():
    """Every number before a noun is at least two, since nouns are plural."""
    for problem in PROBLEMS:
        assert not re.search(r"\b[01] (more )?[a-z]", full(problem))


def test_names_can_be_told_apart():
    """24 ASCII names, twelve and twelve, none the beginning of another, none a slot value of another kind."""
    names = VALUES["name"]
    assert (len(FEMALE_NAMES), len(MALE_NAMES), len(set(names))) == (12, 12, 24)
    assert all(re.fullmatch("[A-Z][a-z]{2,6}", name) for name in names)
    assert not [(a, b) for a in names for b in names if a != b and b.startswith(a)]
    assert (len(VALUES["animal"]), len(VALUES["place"]), len(VALUES["object"])) == (6, 6, 12)


def test_same_seed_same_problems():
    """Problem i depends on the seed and i, never on how many are made."""
    assert generate_problems(5, 3) == PROBLEMS[:5]
    assert generate_problems(5, 4) != PROBLEMS[:5]


def test_negative_count_is_refused():
    """A negative count is a ValueError."""
    with pytest.raises(ValueError, match="0 or more"):
        generate_problems(-1, 0)


@pytest.mark.parametrize("concept", sorted(VALUES))
def test_with_value_there_and_back(concept):
    """Replacing a value and then restoring it gives the problem back, and in between every mention has changed."""
    tried = 0
    for problem in PROBLEMS:
        old = next((span.value for span in problem.concepts if span.concept == concept), None)
        if old is None:
            continue
        tried += 1
        new = VALUES[concept][VALUES[concept].index(old) - 1]
        changed = with_value(problem, concept, new)
        assert with_value(changed, concept, old) == problem
        assert not mentions(full(changed), surface(concept, old))
        expected = re.sub(rf"\b{surface(concept, old)}\b", surface(concept, new), full(problem))
        assert full(changed) == expected
        assert problem_key(changed) == problem_key(problem)
        assert all(full(changed)[s.start : s.end] == surface(s.concept, s.value) for s in changed.concepts)
    assert tried


def test_with_value_refuses_what_cannot_stand_there():
    """A concept that the problem lacks and a value of another kind are errors that say what is possible."""
    problem = next(problem for problem in PROBLEMS if problem.template == "gets")
    with pytest.raises(ValueError, match="has no animal; it has"):
        with_value(problem, "animal", "duck")
    with pytest.raises(ValueError, match="choose from"):
        with_value(problem, "name", "apple")


def test_splits_have_their_shares():
    """Over all keys the splits have about the shares asked for, and every split is a function of the key."""
    keys = [(template.name, numbers) for template in TEMPLATES.values() for numbers in template.numbers]
    splits = [split_of(key, 0, 0.1, 0.2) for key in keys]
    assert splits == [split_of(key, 0, 0.1, 0.2) for key in keys]
    assert splits != [split_of(key, 1, 0.1, 0.2) for key in keys]
    for split, share in (("train", 0.7), ("valid", 0.1), ("test", 0.2)):
        assert abs(splits.count(split) / len(keys) - share) < 0.03


def test_splits_at_the_edges():
    """Shares of 0 and 1 leave nothing and everything; shares that cannot be are refused."""
    assert {split_of(("gets", (n, 2)), 0, 0.0, 0.0) for n in range(50)} == {"train"}
    assert {split_of(("gets", (n, 2)), 0, 0.0, 1.0) for n in range(50)} == {"test"}
    with pytest.raises(ValueError, match="shares"):
        split_of(("gets", (2, 2)), 0, 0.6, 0.6)


def test_key_ignores_names_and_things():
    """A problem's key holds template and numbers only."""
    problem = PROBLEMS[0]
    assert problem_key(problem) == (problem.template, problem.numbers)
    assert problem_key(replace(problem, doc="problem/999999", concepts=())) == problem_key(problem)
