"""`Sae`: one sparse autoencoder of raw activations, ready for use, however it was trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sieve.dictionary.gates import Gate, Threshold, TopK
from sieve.dictionary.kernels import Codes, Precision, encode
from sieve.provenance import LineageError, digest_bytes, read_tensors, write_tensors


@dataclass(frozen=True)
class Sae:
    """z = gate((x − b_dec) W_enc + b_enc),  x̂ = z W_dec + b_dec,  for raw activations x (B, D).

    W_enc (D, F), b_enc (F,), W_dec (F, D) with atoms as rows, b_dec (D,). `site` and `model` (a digest) say which
    tensor of which network it belongs to, `precision` that of the product by which latents are chosen. `specials`: a
    model was adapted to it with reconstructions in the place of special tokens too, so every splice puts them there.
    """

    W_enc: Tensor
    b_enc: Tensor
    W_dec: Tensor
    b_dec: Tensor
    gate: Gate
    site: str
    model: str
    precision: Precision = "fp32"
    specials: bool = False

    @property
    def width(self) -> int:
        """D, the size of an activation."""
        return self.W_dec.shape[1]

    @property
    def latents(self) -> int:
        """F, the number of atoms."""
        return self.W_dec.shape[0]

    def codes(self, x: Tensor) -> Codes:
        """The non-zeros of z, for x (B, D)."""
        return encode(x, self.W_enc, self.b_enc, self.b_dec, self.gate.choose, self.precision)

    def encode(self, x: Tensor) -> Tensor:
        """x (B, D) -> z (B, F)."""
        return self.codes(x).dense()

    def decode(self, z: Tensor) -> Tensor:
        """z (B, F) -> x̂ (B, D)."""
        return z @ self.W_dec + self.b_dec

    def reconstruct(self, x: Tensor) -> Tensor:
        """x (B, D) -> x̂ (B, D)."""
        return self.codes(x).decode(self.W_dec, self.b_dec)

    def rescaled(self, scale: float) -> Sae:
        """The Sae of activations that are `scale` times as large, with the same codes: exact for every gate."""
        return replace(self, W_enc=self.W_enc / scale, W_dec=self.W_dec * scale, b_dec=self.b_dec * scale)

    def to(self, device: torch.device | str) -> Sae:
        """The same Sae on another device."""
        gate = Threshold(self.gate.theta.to(device)) if isinstance(self.gate, Threshold) else self.gate
        moved = {name: getattr(self, name).to(device) for name in ("W_enc", "b_enc", "W_dec", "b_dec")}
        return replace(self, gate=gate, **moved)

    def detached(self) -> Sae:
        """The same numbers, cut off from any graph and safe to keep while training goes on."""
        return replace(
            self, **{name: getattr(self, name).detach().clone() for name in ("W_enc", "b_enc", "W_dec", "b_dec")}
        )

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the tensors, the gate, the site and the model: the name of this Sae in files made from it."""
        tensors, meta = self._parts()
        lines = [
            f"{name}{digest_bytes(tensors[name].cpu().contiguous().numpy().tobytes())}" for name in sorted(tensors)
        ]
        return digest_bytes(repr((lines, sorted(meta.items()))).encode())

    def _parts(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors = {name: getattr(self, name).detach() for name in ("W_enc", "b_enc", "W_dec", "b_dec")}
        meta: dict[str, Any] = {"kind": "sae", "site": self.site, "model": self.model, "precision": self.precision}
        if self.specials:  # said only then: it is no news of the others, and part of none of their names
            meta["specials"] = True
        if isinstance(self.gate, Threshold):
            return tensors | {"theta": self.gate.theta.detach()}, meta | {"gate": "threshold"}
        return tensors, meta | {"gate": "topk", "k": self.gate.k}

    def save(self, path: Path) -> None:
        """Write one safetensors file; equal Saes give equal bytes."""
        write_tensors(path, *self._parts())

    @classmethod
    def load(cls, path: Path) -> Sae:
        """Read a file written by `save`. ValueError when it is something else."""
        tensors, meta = read_tensors(path)
        if meta.get("kind") != "sae":
            raise ValueError(f"{path} holds a {meta.get('kind')!r}, not an SAE; give the sae.safetensors of a subject")
        tensors["W_enc"] = tensors["W_enc"].T.contiguous().T  # so that a latent's numbers lie together
        gate: Gate = Threshold(tensors.pop("theta")) if meta["gate"] == "threshold" else TopK(meta["k"])
        site, model, precision = (meta[name] for name in ("site", "model", "precision"))
        specials = meta.get("specials", False)
        return cls(**tensors, gate=gate, site=site, model=model, precision=precision, specials=specials)

    def require(self, width: int, model: str) -> None:
        """LineageError unless this Sae was trained on the network `model` (digest) with activations of `width`."""
        if self.width != width:
            raise LineageError(
                f"this SAE takes activations of width {self.width}, but the model's {self.site} has width {width}; "
                "give the model it was trained on"
            )
        if self.model != model:
            raise LineageError(
                f"this SAE was trained on model {self.model[:12]}, but the model given is {model[:12]}; "
                "give the model it was trained on"
            )
