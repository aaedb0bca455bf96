"""JumpReLU with a tanh penalty (Conerly et al., transformer-circuits.pub/2025/january-update): learned thresholds.

z = p where p > θ, else 0, with p = (x − b_dec) W_enc + b_enc and θ = exp(t). Atoms are free, and `freeze` moves their
lengths into codes and thresholds. Summed over D and F, mean over rows:

    L = ‖x − x̂‖² + λ Σ_i tanh(c z_i ‖W_dec,i‖) + λ_P Σ_i ReLU(θ_i − p_i) ‖W_dec,i‖

or, with a target for L0, λ (L0/L0* − 1)² in place of the tanh. Rows have a variance of 1 per dimension, so the first
term is about D where nothing is explained: a latent is worth its λ in a row of which it explains that much, and what
suits λ grows with D (for the target λ = D is the usual 1 of rows of length 1). Published: λ = 20, risen over all steps,
c = 4, λ_P = 3e-6, ε = 2, t = 0.1 at the start, rows of length √D. Trained with all B × F pre-activations in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sieve.dictionary.fit import Dictionary
from sieve.dictionary.gates import Threshold
from sieve.dictionary.sae import Sae
from sieve.dictionary.sparsity import Coded, Error, HeldL0, coded, lengths, own_l0, pre_activations, thresholds
from sieve.dictionary.weights import CHUNK, DeadLatents, Weights, ramp, spread


@dataclass(frozen=True)
class Settings:
    """λ, and over how many steps it rises from 0; L0* or None; c; λ_P; bandwidth ε of the kernel; t at the start, and
    the share of rows in which each latent fires then (published: 10,000/F); rows without firing after which a latent
    counts as dead (a figure: what brings it back is λ_P).
    """

    sparsity: float
    ramp_steps: int
    target_l0: float | None
    tanh_scale: float
    pre_activation: float
    bandwidth: float
    log_threshold: float
    start_rate: float
    dead_after: int

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


class JumpReLU(torch.autograd.Function):
    """p (B, F), t (F,), ε -> z (B, F) and L0, the mean number of active latents of a row.

    Pseudo-derivatives by t, where |p − θ| < ε/2:  ∂z/∂t = −θ/ε,  ∂[p > θ]/∂t = −1/ε.  That is the published form. The
    other in use goes on through θ = exp(t) and has another θ in both: but for λ_P's small part, a latent's gradient has
    another length there and the same sign, and Adam takes the length out. p is what comes in, before the gate, so that
    an entry just below θ counts as much as one just above. L0 has no derivative by p.
    """

    @staticmethod
    def forward(ctx: Any, pre: Tensor, t: Tensor, bandwidth: float) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        theta = t.exp()
        active = pre > theta
        ctx.save_for_backward(theta, active, (pre - theta).abs() < bandwidth / 2)
        ctx.bandwidth = bandwidth
        return torch.where(active, pre, 0), active.sum() / len(pre)

    @staticmethod
    def backward(ctx: Any, of_z: Tensor, of_l0: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        theta, active, near = ctx.saved_tensors
        of_t = theta * torch.where(near, of_z, 0).sum(0) + of_l0 / len(near) * near.sum(0)
        return torch.where(active, of_z, 0), -of_t / ctx.bandwidth, None


class Variant(Dictionary):
    """See `sieve.dictionary.variants`."""

    def __init__(self, settings: Settings, latents: int, rows: Tensor, generator: torch.Generator) -> None:
        self.settings = settings
        self.weights = Weights(latents, rows, generator)
        self.t = nn.Parameter(torch.full_like(self.weights.b_enc, settings.log_threshold))
        self.dead = DeadLatents(latents, settings.dead_after, rows.device)
        self.steps = 0
        self._start(rows)

    @torch.no_grad()
    def _start(self, rows: Tensor) -> None:
        """W_enc = (D/F) W_decᵀ, so that all latents together would rebuild x; b_enc so that each fires at its rate."""
        w = self.weights
        w.W_enc.mul_(rows.shape[1] / len(w.b_enc))
        count = min(max(1, round(self.settings.start_rate * len(rows))), len(rows) - 1)
        centred = rows - w.b_dec
        for columns, b_enc, t in zip(w.W_enc.split(CHUNK, dim=1), w.b_enc.split(CHUNK), self.t.split(CHUNK)):
            last_in, first_out = (centred @ columns).topk(count + 1, dim=0).values[-2:]
            b_enc.copy_(t.exp() - (last_in + first_out) / 2)

    def parameters(self) -> list[Tensor]:
        return [*self.weights.parameters(), self.t]

    def loss(self, x: Tensor) -> tuple[Tensor, dict[str, float]]:
        own, w = self.settings, self.weights
        pre = w.pre_activations(x)
        z, l0 = JumpReLU.apply(pre, self.t, own.bandwidth)
        error = (x - z @ w.W_dec - w.b_dec).square().sum()
        norms = w.W_dec.norm(dim=1)
        if own.target_l0 is None:
            penalty = (own.tanh_scale * z * norms).tanh().sum() / len(x)
        else:
            penalty = (l0 / own.target_l0 - 1).square()
        missing = ((self.t.exp() - pre).relu() * norms).sum()
        self.dead.count((z != 0).any(0), len(x))
        fvu = error / spread(x)
        figures = {"fvu": fvu.item(), "l0": l0.item(), "dead": float(self.dead.mask.sum())}
        sparsity = own.sparsity * ramp(self.steps, own.ramp_steps)
        return (error + own.pre_activation * missing) / len(x) + sparsity * penalty, figures

    def after_step(self) -> None:
        self.steps += 1

    def counters(self) -> dict[str, Tensor]:
        return {"silent": self.dead.silent, "steps": torch.tensor(self.steps)}

    def restore(self, counters: dict[str, Tensor]) -> None:
        self.dead.silent = counters["silent"].to(self.dead.silent.device)
        self.steps = int(counters["steps"])

    def freeze(self, site: str, model: str) -> Sae:
        return self.weights.folded(self.t.exp(), site, model)


class Sparsity(HeldL0):
    """Thresholds are trained on by the same kernel, and L0* (L0/L0* − 1)² holds L0: the form with a target, λ = L0*.

    So one latent more costs 2(L0/L0* − 1), be they few or many: at an error of about 1 a latent is worth so little that
    L0 ends within a few percent of L0*. Thresholds and ε stay those of unit atoms, as the frozen dictionary has them:
    compared are p‖W_dec,i‖ and exp(t). So no latent is turned on by shorter atoms with longer codes, which change
    nothing else; in use θ = exp(t)/‖W_dec,i‖.
    """

    def __init__(self, sae: Sae, settings: Mapping[str, Any], rows: Tensor, error: Error) -> None:
        theta = thresholds(sae, "jumprelu")
        if not (theta > 0).all():
            raise ValueError(
                f"thresholds go down to {theta.min():g}, but JumpReLU's are exp(t), above 0; "
                "give the convention that belongs to the dictionary"
            )
        self.l0, self.bandwidth = own_l0(sae, rows), settings["bandwidth"]
        self.t = nn.Parameter((theta * lengths(sae)).log())

    def parameters(self) -> list[Tensor]:
        return [self.t]

    def code(self, sae: Sae, x: Tensor) -> Coded:
        long = lengths(sae).detach()
        contributions, l0 = JumpReLU.apply(pre_activations(sae, x) * long, self.t, self.bandwidth)
        return coded(sae, contributions / long, self.l0 * (l0 / self.l0 - 1).square())

    def gate(self, sae: Sae) -> Threshold:
        return Threshold((self.t.exp() / lengths(sae)).detach())
