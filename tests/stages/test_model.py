"""model: what the card says of word problems."""

from sieve.text.problems import generate_problems
from stages import model
from tests.conftest import span_rows


def rows(count: int, split: str, named: int):
    """Word problems, of which the first `named` have their spans; the last names somebody in its solution only."""
    found = [
        {"prompt": p.prompt, "solution": p.solution, "answer": p.answer, "split": split,
         "concepts": span_rows(p.concepts) if i < named else []}
        for i, p in enumerate(generate_problems(count, 0))
    ]  # fmt: skip
    whole = found[-1]["prompt"] + found[-1]["solution"]
    found[-1]["concepts"] = [{"concept": "name", "value": "?", "start": len(whole) - 1, "end": len(whole)}]
    return found


def test_names_are_asked_of_those_who_are_named(lm, monkeypatch):
    """A problem that marks nobody in its question has no name to copy, and no say in that share."""
    asked = []

    def solve(_lm, prompts, answers, names, new_tokens, _batch):
        asked.append((names, new_tokens))
        return [i % 2 == 0 for i in range(len(names))], [name != "" and i < 3 for i, name in enumerate(names)]

    monkeypatch.setattr(model, "solve", solve)
    problems = rows(10, "test", 4)
    figures = model.describe(lm, [], problems, 10, 30)

    (_, (names, room)) = asked  # of the validation split nobody
    assert names[:4] == [next(c["value"] for c in p["concepts"] if c["concept"] == "name") for p in problems[:4]]
    assert names[4:] == [""] * 6
    assert (figures["problem_accuracy"], figures["name_accuracy"]) == (0.5, 0.75)
    assert room == 30
    assert "answers" not in figures and "copied_names" not in figures


def test_problems_that_name_nobody(lm, monkeypatch):
    """Then there is no such figure, and a gate on it stops nobody."""
    monkeypatch.setattr(model, "solve", lambda _lm, prompts, *_: ([False] * len(prompts), [True] * len(prompts)))
    figures = model.describe(lm, [], rows(6, "valid", 0)[:5], 3, 30)

    assert figures["answers"] == 0.0 and "copied_names" not in figures
