"""Pages of examples, one per subject: where each latent that evaluation looked at is strongest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stages._report.html import written
from stages._report.subjects import Subject

TEMPLATE = "examples.html.j2"


def pages(subjects: Iterable[Subject]) -> dict[str, str]:
    """{file beside the page: HTML} of every subject that has examples."""
    listed = [subject for subject in subjects if subject.examples]
    return {page_of(s): written(TEMPLATE, subject=s, latents=example_groups(s)) for s in listed}


def page_of(subject: Subject) -> str:
    """Where its page lies beside the report's."""
    return f"examples/{subject.name}.html"


def visible(token: str) -> str:
    """A token with the white space that would vanish in HTML drawn as signs; one leading space stays a space."""
    drawn = token.replace("\r", "␍").replace("\n", "⏎").replace("\t", "⇥")
    if not drawn.strip():
        return "␣" * len(drawn) or "∅"
    return drawn


def example_groups(subject: Subject) -> list[dict[str, Any]]:
    """A subject's examples by label and latent, tokens with their share of that latent's largest activation."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for example in subject.examples:
        groups.setdefault((example["label"], example["latent"]), []).append(example)
    return [_example_group(subject, label, latent, found) for (label, latent), found in groups.items()]


def _example_group(subject: Subject, label: str, latent: int, found: list[dict[str, Any]]) -> dict[str, Any]:
    largest = max((abs(a) for example in found for a in example["activations"]), default=0.0) or 1.0
    about = [row for row in subject.features if row["latent"] == latent and label == f"language {row['language']}"]
    return {
        "label": label,
        "latent": latent,
        "largest": largest,
        "about": about[0] if about else None,
        "examples": [
            {
                "doc": example["doc"],
                "tokens": [
                    (visible(t), a, abs(a) / largest) for t, a in zip(example["tokens"], example["activations"])
                ],
            }
            for example in sorted(found, key=lambda example: example["rank"])
        ],
    }
