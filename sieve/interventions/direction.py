"""A direction among a site's activations that knows where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from sieve.dictionary.sae import LineageError
from sieve.provenance import read_tensors, write_tensors


@dataclass(frozen=True)
class Direction:
    """`vector` (D,) has unit length; `norm`, the unit of strength, is the median norm of a text token at `site`.

    `origin`: how it was found, such as mode, thresholds, seed and sample sizes.
    """

    vector: Tensor
    norm: float
    name: str
    site: str
    model: str
    sae: str
    origin: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        meta = {
            "kind": "direction",
            "name": self.name,
            "norm": self.norm,
            "site": self.site,
            "model": self.model,
            "sae": self.sae,
            "origin": dict(self.origin),
        }
        write_tensors(path, {"vector": self.vector}, meta)

    @classmethod
    def load(cls, path: Path) -> Direction:
        """Read a file written by `save`. ValueError when it is something else."""
        tensors, meta = read_tensors(path)
        if meta.pop("kind", None) != "direction":
            raise ValueError(f"{path} holds no direction; give one of the files that the filter stage wrote")
        return cls(tensors["vector"], **meta)

    def require(self, model: str, sae: str | None = None) -> None:
        """LineageError unless it was found in the network `model`, and with `sae` if one is given (digests)."""
        if self.model != model:
            raise LineageError(
                f"direction '{self.name}' was found in model {self.model[:12]}, but the model given is {model[:12]}; "
                "give the model it was found in"
            )
        if sae is not None and self.sae != sae:
            raise LineageError(
                f"direction '{self.name}' was found with the SAE {self.sae[:12]}, but the SAE given is {sae[:12]}; "
                "give the subject it was found in"
            )
