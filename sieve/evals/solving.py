"""Does the model still solve held-out word problems when it has to think through the reconstruction?"""

from __future__ import annotations

from dataclasses import dataclass

from sieve.evals.case import Case, Row, not_applicable, proportion
from sieve.model.skill import solve
from sieve.text.blocks import Block


@dataclass(frozen=True)
class Settings:
    """How many held-out problems, and how many tokens a solution may take."""

    problems: int
    new_tokens: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def run(case: Case, settings: Settings) -> list[Row]:
    """answer: share of right answers; copied: share of solutions that name the person; without and with the splice."""
    blocks = case.pick("problem", "test", settings.problems)
    if not blocks:
        return not_applicable("solving", "answer", "there are no problems in the test split")
    rows = []
    for name, context in (("original", case.subject.original), ("spliced", case.subject.spliced)):
        with context():
            rows += measure(case, blocks, settings.new_tokens, name)
    return rows


def measure(case: Case, blocks: list[Block], new_tokens: int, name: str) -> list[Row]:
    """Greedy solutions under what is in force, judged by the computed answer and the first name of the question."""
    names = [next((m.value for m in b.mentions if m.concept == "name" and m.last < b.prompt), "") for b in blocks]
    prompts = [b.ids[: b.prompt] for b in blocks]
    right, copied = solve(case.subject.lm, prompts, [b.answer for b in blocks], names, new_tokens, case.batch)
    rows = [proportion("solving", "answer", name, right)]
    named = [hit for hit, who in zip(copied, names) if who]
    return rows + ([proportion("solving", "copied", name, named)] if named else [])
