"""What several parts of the report take from a subject's rows: swaps, ablations, steering."""

from __future__ import annotations

from stages._report.subjects import Row, Subject


def best_swap(subject: Subject) -> str | None:
    """The case `swap/<strength>` at the strength that the validation split chose; None if nothing was swapped."""
    strength = subject.row("swap", "strength", "chosen").value
    return None if strength is None else f"swap/{strength:g}"


def control_swap(subject: Subject, control: str) -> str:
    """The case of one condition beside the swap, such as `random`; empty if there is none."""
    return next(iter(subject.cases("swap", "success", f"{control}/")), "")


def doses(subject: Subject) -> dict[str, tuple[Row, Row]]:
    """{case: (off-slot divergence, success)} of the swap at every strength above 0, weakest first."""
    kl, success = (subject.cases("swap", metric, "swap/") for metric in ("kl", "success"))
    strengths = {case: float(case.removeprefix("swap/")) for case in kl}
    return {
        case: (kl[case], success[case]) for case in sorted(strengths, key=lambda c: strengths[c]) if strengths[case]
    }


def ablations(subject: Subject, kind: str = "ablate") -> dict[tuple[str, str], float]:
    """(language whose latents are removed, language of the text) -> rise of the cross-entropy in nats per token.

    kind: what is removed: what it keeps, in the first way or another, or a control such as `random`.
    """
    rows = ablation_rows(subject, kind)
    return {pair: row.value for pair, row in rows.items() if row.value is not None}


def ablation_rows(subject: Subject, kind: str) -> dict[tuple[str, str], Row]:
    """The same with intervals."""
    found = {}
    for case, row in subject.cases("language_ablation", "delta_ce", f"{kind} ").items():
        own, text = case.removeprefix(f"{kind} ").split("/on ")
        found[own, text] = row
    return found


def steering(subject: Subject, metric: str) -> dict[str, dict[float, float]]:
    """Language -> {strength: value} of one steering metric ("accuracy" or "ce"), strengths ascending."""
    found: dict[str, dict[float, float]] = {}
    for case, row in subject.cases("steering", metric).items():
        language, strength = case.rsplit("/", 1)
        found.setdefault(language, {})[float(strength)] = row.value or 0.0
    return {language: dict(sorted(curve.items())) for language, curve in found.items()}
