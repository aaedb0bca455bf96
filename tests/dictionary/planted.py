"""Planted truth: rows that are sparse sums of known atoms, and any variant set up to find them."""

from dataclasses import dataclass, fields
from pathlib import Path

import pyarrow as pa
import torch
from torch import Tensor

from sieve.activations.store import Store, finish_store, write_shard
from sieve.dictionary.fit import FitConfig, Record, fit
from sieve.dictionary.variants import variant, variants
from sieve.provenance import generator

WIDTH, ATOMS, ACTIVE, LATENTS = 16, 20, 2, 32
VALUES = {
    "k": ACTIVE, "aux_weight": 0.03125, "dead_after": 4000, "threshold_decay": 0.99, "precision": "fp32",
    "atoms": "unit", "l1": 1.0, "ramp_steps": 450,
    "sparsity": 0.1, "target_l0": None, "tanh_scale": 4.0, "pre_activation": 3e-6, "bandwidth": 2.0,
    "log_threshold": 0.1, "start_rate": 0.2,
}  # fmt: skip
# Every variant with these values, and where a setting makes another variant of it, that too: (name, what is different).
CASES = {name: (name, {}) for name in variants()} | {
    "relu_l1 free": ("relu_l1", {"atoms": "free"}),
    "jumprelu target": ("jumprelu", {"target_l0": float(ACTIVE), "sparsity": float(WIDTH)}),
}
FREE = {"jumprelu", "jumprelu target", "relu_l1 free"}  # whose atoms have any length while they are trained
FIT = FitConfig(steps=900, batch=256, lr=4e-3, warmup=0.05, decay=0.3)


@dataclass(frozen=True)
class World:
    """Unit atoms (A, D) and rows (N, D): sums of two of them, with coefficients between 2 and 4, and an offset.

    So rows have a variance of about 1 per dimension, as in the stage.
    """

    atoms: Tensor
    rows: Tensor


def world(count: int = 8192, seed: int = 0) -> World:
    """The planted world; the atoms are the same for every `seed`, the rows are not."""
    atoms = torch.nn.functional.normalize(torch.randn(ATOMS, WIDTH, generator=generator(0, "atoms")), dim=1)
    draw = generator(seed, "rows")
    chosen = torch.rand(count, ATOMS, generator=draw).topk(ACTIVE).indices
    codes = torch.zeros(count, ATOMS).scatter(1, chosen, 2 + 2 * torch.rand(count, ACTIVE, generator=draw))
    return World(atoms, codes @ atoms + torch.linspace(-0.3, 0.3, WIDTH))


def write_store(folder: Path, rows: Tensor, site: str = "resid_post_1") -> Store:
    """Rows (N, D) as a site's activations on disk."""
    folder.mkdir(parents=True)
    write_shard(folder / "shard_00000.safetensors", rows, site, "digest", "fp32")
    places = list(range(len(rows)))
    finish_store(folder, [pa.table({"doc": ["d"] * len(rows), "position": places, "token": places})])
    return Store.open(folder)


def settings(case: str, **changes):
    """The settings of a case; a new variant's own numbers get a value in VALUES."""
    name, different = CASES[case]
    known = VALUES | different | changes
    return variant(name).Settings(**{field.name: known[field.name] for field in fields(variant(name).Settings)})


def new(case: str, rows: Tensor, seed: int = 0, latents: int = LATENTS, **changes):
    """A fresh `Variant` of this case."""
    own = settings(case, **changes)
    return variant(CASES[case][0]).Variant(own, latents, rows[:1024], generator(seed, "init"))


def train(subject, rows: Tensor, config: FitConfig = FIT) -> list[Record]:
    """Run the one training loop over consecutive slices of rows."""
    places = len(rows) // config.batch

    def batch_at(step: int) -> Tensor:
        start = step % places * config.batch
        return rows[start : start + config.batch]

    return fit(subject, batch_at, config, lambda *_: None)


def recovered(atoms: Tensor, W_dec: Tensor) -> float:
    """Mean over the planted atoms of the best cosine that any learned atom has with it."""
    return (atoms @ torch.nn.functional.normalize(W_dec.detach(), dim=1).T).max(1).values.mean().item()
