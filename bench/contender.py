"""Who takes part: one training step at a time, as its users run it. Here sieve; the others are in `bench.peers`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from bench._problem import DEAD_AFTER, Shape, Start
from sieve import training
from sieve.dictionary.kernels import Precision
from sieve.dictionary.variants import topk
from sieve.provenance import generator
from stages._numerics import declared


class Contender:
    """A dictionary in training. `matmul` and `deterministic` are what its own users run it with, unless told."""

    matmul = "highest"
    deterministic = False
    optimiser: torch.optim.Optimizer

    def step(self, batch: Tensor) -> None:
        """Everything that happens in one step of training on a batch (B, D)."""
        raise NotImplementedError

    def reconstruct(self, x: Tensor) -> Tensor:
        """x (B, D) -> x̂ (B, D)."""
        raise NotImplementedError

    @contextmanager
    def numerics(self, matmul: str | None) -> Iterator[None]:
        """Within the block torch is set as this contender's users have it, but for what `matmul` says."""
        torch.set_float32_matmul_precision(matmul or self.matmul)
        torch.use_deterministic_algorithms(self.deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        yield
        torch.use_deterministic_algorithms(False)

    @torch.no_grad()
    def fvu(self, rows: Tensor) -> float:
        """Share of the variance of rows (N, D) about their mean that is not explained."""
        left = sum(float((x - self.reconstruct(x)).square().sum()) for x in rows.split(1024))
        return left / float((rows - rows.mean(0)).square().sum())

    @property
    def optimiser_bytes(self) -> int:
        """What the optimiser remembers."""
        tensors = [t for state in self.optimiser.state.values() for t in state.values() if isinstance(t, Tensor)]
        return sum(t.numel() * t.element_size() for t in tensors)


class Sieve(Contender):
    """sieve's TopK with AuxK, by the step of `sieve.training.fit` itself."""

    matmul = declared(Path(__file__).parents[1] / "env/numerics.lock")[0]["matmul"]
    deterministic = True

    def __init__(self, shape: Shape, start: Start, precision: Precision = "fp32") -> None:
        weight = 1 / 32 if shape.aux else 0.0
        settings = topk.Settings(k=shape.k, aux_weight=weight, dead_after=DEAD_AFTER, precision=precision)
        self.variant = topk.Variant(settings, shape.latents, start.centre[None], generator(0, "bench"))
        weights, self.lr = self.variant.weights, shape.lr
        with torch.no_grad():
            weights.W_dec.copy_(start.atoms)
            weights.W_enc.copy_(start.encoder)
            weights.b_dec.copy_(start.centre)
        self.variant.dead.silent[start.dead] = 2 * DEAD_AFTER
        # as in sieve.dictionary.fit
        self.optimiser = torch.optim.Adam(self.variant.parameters(), lr=self.lr, betas=(0.9, 0.999), fused=True)

    def step(self, batch: Tensor) -> None:
        training.fit(self.variant, [self.optimiser], lambda _: batch, 1, lambda _: self.lr, lambda *_: None)

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.variant.freeze("", "").reconstruct(x)
