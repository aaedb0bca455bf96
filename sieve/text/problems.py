"""Word problems in English whose every mention of a name, a thing or a place can be found and replaced."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from sieve.provenance.randomness import seed_for
from sieve.text.document import Span
from sieve.text.templates import TEMPLATES, VALUES, Template, surface
from sieve.text.world import keyed_random

SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Problem:
    """One word problem; the whole document is `prompt + solution`, and `concepts` are spans in it.

    `prompt` is "Problem: ...\\nSolution:", `solution` is " {name} .... Answer: {answer}". `numbers` are those that the
    question gives, in order; `concepts` holds every mention of the name, the object or animal, and the place.
    """

    doc: str
    prompt: str
    solution: str
    answer: str
    language: str
    template: str
    numbers: tuple[int, ...]
    concepts: tuple[Span, ...]


def generate_problems(count: int, seed: int) -> list[Problem]:
    """`count` problems; problem i depends on `seed` and i only. A negative count is a ValueError."""
    if count < 0:
        raise ValueError(f"count={count}: give the number of problems to generate, 0 or more")
    problems = []
    for index in range(count):
        rng = keyed_random(seed, "problem", index)
        template = TEMPLATES[rng.choice(tuple(TEMPLATES))]
        numbers = rng.choice(template.numbers)
        values = {concept: rng.choice(VALUES[concept]) for concept in template.concepts}
        problems.append(_render(f"problem/{index:06d}", template, numbers, values))
    return problems


def with_value(problem: Problem, concept: str, value: str) -> Problem:
    """The same problem with `value` for `concept` everywhere; ValueError if that concept or value is impossible."""
    values = {span.concept: span.value for span in problem.concepts}
    if concept not in values:
        raise ValueError(f"{problem.doc} has no {concept}; it has {sorted(values)}")
    if value not in VALUES[concept]:
        raise ValueError(f"'{value}' is no {concept} of the problems; choose from {list(VALUES[concept])}")
    return _render(problem.doc, TEMPLATES[problem.template], problem.numbers, {**values, concept: value})


def problem_key(problem: Problem) -> tuple[str, tuple[int, ...]]:
    """What makes a problem a new calculation: its template and its numbers, not its name, thing or place."""
    return problem.template, problem.numbers


def split_of(key: tuple, seed: int, valid: float, test: float) -> str:
    """'train', 'valid' or 'test', the same for equal keys; `valid` and `test` are shares of all keys.

    Shares below 0 or above 1 in sum are a ValueError.
    """
    if valid < 0 or test < 0 or valid + test > 1:
        raise ValueError(f"valid={valid}, test={test}: give shares of at least 0 whose sum is at most 1")
    position = seed_for(seed, "split", json.dumps(key)) / 2**63
    if position < valid:
        return "valid"
    return "test" if position < valid + test else "train"


def _render(doc: str, template: Template, numbers: tuple[int, ...], values: dict[str, str]) -> Problem:
    steps = template.results(*numbers)
    counts = dict(zip("abc", numbers)) | dict(zip("mn"[-len(steps) :], steps))
    answer = str(steps[-1])
    prompt, asked = _fill(f"Problem: {template.question}\nSolution:", values, counts, 0)
    solution, solved = _fill(f" {template.solution}. Answer: {answer}", values, counts, len(prompt))
    return Problem(doc, prompt, solution, answer, "en", template.name, numbers, (*asked, *solved))


def _fill(pattern: str, values: dict[str, str], counts: dict[str, int], offset: int) -> tuple[str, list[Span]]:
    """Fill the slots of `pattern`; spans count characters from `offset` before its beginning."""
    text, spans = "", []
    for position, part in enumerate(SLOT.split(pattern)):
        if position % 2 == 0:
            text += part
        elif part in counts:
            text += str(counts[part])
        else:
            word = surface(part, values[part])
            start = offset + len(text)
            spans.append(Span(part, values[part], start, start + len(word)))
            text += word
    return text, spans
