"""How high is the patch ceiling where swaps are judged: on the test pairs, at this subject's own site and position?

Where a concept can be turned at all was asked before anything was trained, on validation pairs
(`sieve.features.ceiling`); this is what success stands beside.
"""

from __future__ import annotations

from dataclasses import dataclass

from sieve.evals.case import Case, Row, proportion
from sieve.features.ceiling import Asked, Spot, patched
from sieve.features.concepts import written


@dataclass(frozen=True)
class Settings:
    """How many pairs, how many tokens to look for the target in."""

    pairs: int
    new_tokens: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        """ValueError tells all that can't be asked."""
        counts = {"pairs": self.pairs, "new_tokens": self.new_tokens}
        wrong = [f"{name} is {count}; must be at least 1" for name, count in counts.items() if count < 1]
        if wrong:
            raise ValueError("; ".join(wrong))


def run(case: Case, settings: Settings) -> list[Row]:
    """success with the true activations in the original model (`patched`), and with their reconstructions (`subject`).

    In the second everything else goes through the Sae too. Pairs are the first of the test split's: of those that swaps
    are judged on, if these are as many.
    """
    subject, spot = case.subject, Spot(case.subject.site, case.concepts.position)
    names = written(subject.lm, case.concepts.words)
    found = [Asked(p, names[p.source], names[p.target]) for p in case.pairs("test", settings.pairs)]
    if not found:
        return case.no_pairs("ceiling", "test")
    with subject.original():
        (true,) = patched(subject.lm, found, [spot], settings.new_tokens, case.batch)
    (rebuilt,) = patched(subject.lm, found, [spot], settings.new_tokens, case.batch, through=subject)
    return [proportion("ceiling", "success", "patched", true), proportion("ceiling", "success", "subject", rebuilt)]
