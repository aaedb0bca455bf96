"""The templates of the word problems: their words, the numbers they allow, and what can fill their slots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

FEMALE_NAMES = ("Anna", "Clara", "Emma", "Helen", "Julia", "Laura", "Lucy", "Maria", "Nina", "Olga", "Sarah", "Vera")
MALE_NAMES = ("Adam", "Daniel", "David", "Felix", "Hugo", "Jacob", "Kevin", "Leo", "Lucas", "Oliver", "Simon", "Thomas")
VALUES: dict[str, tuple[str, ...]] = {
    "name": FEMALE_NAMES + MALE_NAMES,
    "animal": ("bird", "dog", "duck", "goat", "horse", "rabbit"),
    "object": ("apple", "balloon", "book", "card", "coin", "cookie", "flower", "lemon", "marble", "pencil", "shell",
               "stamp"),
    "place": ("beach", "farm", "lake", "market", "park", "zoo"),
}  # fmt: skip
LARGEST = 12


def surface(concept: str, value: str) -> str:
    """How a value is written: names and places as they are, animals and objects in the plural."""
    return value + "s" if concept in ("animal", "object") else value


@dataclass(frozen=True)
class Template:
    """Words with slots for given numbers {a} {b} {c}, results {m} {n} and concepts; `results` computes m and n, or n.

    `numbers` are all tuples of given numbers with which every number is between 2 (nouns are plural) and 12.
    """

    name: str
    concepts: tuple[str, ...]
    question: str
    solution: str
    results: Callable[..., tuple[int, ...]]
    numbers: tuple[tuple[int, ...], ...]


def _template(
    name: str, concepts: str, question: str, solution: str, results: Callable[..., tuple[int, ...]]
) -> Template:
    given = sum(f"{{{letter}}}" in question for letter in "abc")
    allowed = product(range(2, LARGEST + 1), repeat=given)
    numbers = tuple(n for n in allowed if all(2 <= result <= LARGEST for result in results(*n)))
    return Template(name, tuple(concepts.split()), question, solution, results, numbers)


_ALL = (
    _template(
        "gets", "name object",
        "{name} has {a} {object}. {name} gets {b} more {object}. How many {object} does {name} have now?",
        "{name} has {a} + {b} = {n} {object}",
        lambda a, b: (a + b,),
    ),
    _template(
        "gives", "name object",
        "{name} has {a} {object}. {name} gives away {b} {object}. How many {object} does {name} have left?",
        "{name} has {a} - {b} = {n} {object} left",
        lambda a, b: (a - b,),
    ),
    _template(
        "needs", "name object",
        "{name} wants {a} {object}. {name} already has {b} {object}. How many more {object} does {name} need?",
        "{name} needs {a} - {b} = {n} more {object}",
        lambda a, b: (a - b,),
    ),
    _template(
        "sees", "name animal place",
        "{name} goes to the {place}. At the {place} {name} sees {a} {animal} in the morning and {b} {animal} "
        "in the evening. How many {animal} does {name} see?",
        "{name} sees {a} + {b} = {n} {animal} at the {place}",
        lambda a, b: (a + b,),
    ),
    _template(
        "leave", "name animal place",
        "{name} sees {a} {animal} at the {place}. Then {b} {animal} leave. How many {animal} does {name} still see?",
        "{name} still sees {a} - {b} = {n} {animal} at the {place}",
        lambda a, b: (a - b,),
    ),
    _template(
        "finds_loses", "name object place",
        "{name} has {a} {object}. {name} finds {b} {object} at the {place} and then loses {c} {object}. "
        "How many {object} does {name} have now?",
        "{name} has {a} + {b} = {m} {object}, then {m} - {c} = {n} {object}",
        lambda a, b, c: (a + b, a + b - c),
    ),
    _template(
        "three_days", "name animal place",
        "{name} goes to the {place} on three days. {name} sees {a} {animal} on Monday, {b} {animal} on Tuesday and "
        "{c} {animal} on Sunday. How many {animal} does {name} see?",
        "{name} sees {a} + {b} = {m} {animal}, then {m} + {c} = {n} {animal} at the {place}",
        lambda a, b, c: (a + b, a + b + c),
    ),
)  # fmt: skip
TEMPLATES = {template.name: template for template in _ALL}
