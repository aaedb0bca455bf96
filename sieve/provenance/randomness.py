"""Randomness keyed by what it is for, so that no stream depends on the order in which others were drawn."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def seed_for(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed that depends on `seed` and every part of `purpose` and on nothing else."""
    text = "|".join(str(part).replace("\\", "\\\\").replace("|", "\\|") for part in (seed, *purpose))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *purpose: str | int) -> torch.Generator:
    """A fresh CPU generator for (seed, purpose...).

    Draw on the CPU and move: a device's own stream differs from card to card.
    """
    import torch

    return torch.Generator().manual_seed(seed_for(seed, *purpose))
