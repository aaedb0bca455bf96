"""From samples to ratios: how many times as fast, how large a share. None where something was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench._problem import Shape
from bench._timing import Sample, medians

FULL = 1e-5  # relative error up to which a product counts as fp32: bf16 has 3e-3, tf32 5e-4, sums in another order 4e-7


def best_backend(backends: Mapping[str, Mapping[str, Any]]) -> str:
    """The fastest matrix product that is as exact as fp32."""
    exact = {name: b["rate"] or 0.0 for name, b in backends.items() if b["error"] <= FULL}
    return max(exact, key=lambda name: exact[name])


def ratios(
    found: Mapping[Shape, Mapping[str, Any]], ours: list[str], peers: list[str], declared: str
) -> dict[str, dict[str, float | None]]:
    """{ratio: {shape: value}}; times: how many times as fast `ours` (fp32, bf16) are; memory: our share of theirs.

    `declared`: our default product; where it is less than fp32, we have no fp32 default to compare.
    """
    fp32, bf16 = ours
    named: dict[str, dict[str, float | None]] = {}
    for shape, measured in found.items():
        taken = {way: medians([Sample(**s) for s in measured[way]]) for way in ("defaults", "tricks")}
        plain, tricks = ({name: t[name] for name in peers if name in t} for t in taken.values())
        held = {
            name: m["peak"] - m["before"] - m["optimiser"] for name, m in measured["memory"].items() if m.get("peak")
        }
        rate = measured["backends"][best_backend(measured["backends"])]["rate"]
        if measured["backends"][declared]["error"] > FULL:
            taken["defaults"].pop(fp32, None)
        values = {
            "best_default_fp32": _over(min(plain.values(), default=None), taken["defaults"].get(fp32)),
            "best_tricks_fp32": _over(min(tricks.values(), default=None), taken["tricks"].get(fp32)),
            "best_default_bf16": _over(min(plain.values(), default=None), taken["defaults"].get(bf16)),
            "best_tricks_bf16": _over(min(tricks.values(), default=None), taken["tricks"].get(bf16)),
            "saelens_fp32": _over(plain.get("SAELens"), taken["defaults"].get(fp32)),
            "roofline_fp32": _over(shape.flop / rate if rate else None, taken["defaults"].get(fp32)),
            "memory": _over(held.get(fp32), min((held[name] for name in peers if name in held), default=None)),
        }
        for name, value in values.items():
            named.setdefault(name, {})[str(shape)] = value
    return named


def _over(top: float | None, bottom: float | None) -> float | None:
    return top / bottom if top and bottom else None
