"""Other projects' TopK dictionaries, each trained by its own trainer's step at its own defaults.

Same start and data for all. The learning rate is `Shape.lr` for those with Adam, without warm-up; it costs no time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from bench._problem import DEAD_AFTER, Shape, Start
from bench.contender import Contender, Sieve

FOREVER = 10**9  # steps of training that are announced


class SaeLens(Contender):
    """SAELens: TopKTrainingSAE and SAETrainer.step. `sparse`: its two options that avoid a dense decoder."""

    def __init__(self, shape: Shape, start: Start, sparse: bool = False) -> None:
        from sae_lens import SAETrainer, TopKTrainingSAE, TopKTrainingSAEConfig
        from sae_lens.config import SAETrainerConfig

        options = {"use_sparse_activations": True, "rescale_acts_by_decoder_norm": False} if sparse else {}
        self.sae = TopKTrainingSAE(TopKTrainingSAEConfig(d_in=shape.width, d_sae=shape.latents, k=shape.k, **options))
        with torch.no_grad():
            self.sae.W_dec.copy_(start.atoms)
            self.sae.W_enc.copy_(start.encoder)
            self.sae.b_dec.copy_(start.centre)
        config = SAETrainerConfig(FOREVER * shape.batch, shape.batch, lr=shape.lr, lr_end=shape.lr)
        self.trainer = SAETrainer(config, self.sae, data_provider=iter(()))
        self.trainer.n_forward_passes_since_fired[start.dead] = DEAD_AFTER
        self.optimiser = self.trainer.optimizer

    def step(self, batch: Tensor) -> None:
        self.trainer.step(batch)
        self.trainer.n_training_steps += 1

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.sae(x)


class DictionaryLearning(Contender):
    """dictionary_learning: TopKTrainer.update."""

    def __init__(self, shape: Shape, start: Start) -> None:
        from dictionary_learning.trainers.top_k import TopKTrainer

        self.trainer = TopKTrainer(
            FOREVER, shape.width, shape.latents, shape.k, layer=0, lm_name="", lr=shape.lr, warmup_steps=0, device="cpu"
        )
        self.done = 1  # its step 0 would move the bias
        with torch.no_grad():
            self.trainer.ae.decoder.weight.copy_(start.atoms.T)
            self.trainer.ae.encoder.weight.copy_(start.encoder.T)
            self.trainer.ae.b_dec.copy_(start.centre)
        self.trainer.num_tokens_since_fired[start.dead] = 2 * DEAD_AFTER
        self.optimiser = self.trainer.optimizer

    def step(self, batch: Tensor) -> None:
        self.trainer.update(self.done, batch)
        self.done += 1

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.trainer.ae(x)


class Sparsify(Contender):
    """sparsify: SparseCoder, and around it what its Trainer does in a step; that one asks for a language model."""

    matmul = "high"  # its Trainer sets it

    def __init__(self, shape: Shape, start: Start, optimiser: str = "signum") -> None:
        from schedulefree import ScheduleFreeWrapper
        from sparsify import SparseCoder, SparseCoderConfig
        from sparsify.sign_sgd import SignSGD

        self.coder = SparseCoder(shape.width, SparseCoderConfig(num_latents=shape.latents, k=shape.k))
        with torch.no_grad():
            self.coder.W_dec.copy_(start.atoms)
            self.coder.encoder.weight.copy_(start.encoder.T)
            self.coder.b_dec.copy_(start.centre)
        self.silent = torch.where(start.dead, 2 * DEAD_AFTER, 0)
        self.aux_weight = 1 / 32 if shape.aux else 0.0
        if optimiser == "adam":
            self.optimiser = torch.optim.Adam(self.coder.parameters(), lr=shape.lr)
        else:  # its default, at its default learning rate
            wrapped = ScheduleFreeWrapper(SignSGD(self.coder.parameters(), lr=25 * shape.lr), momentum=0.95)
            wrapped.train()
            self.optimiser = wrapped

    def step(self, batch: Tensor) -> None:
        coder = self.coder
        coder.set_decoder_norm_to_unit_norm()
        variance = (batch - batch.mean(0)).pow(2).sum()
        dead = self.silent > DEAD_AFTER if self.aux_weight else None
        out = coder(batch, dead_mask=dead, total_variance=variance)
        fired = torch.zeros_like(self.silent, dtype=torch.bool)
        fired[out.latent_indices.flatten()] = True
        out.fvu.item()
        (out.fvu + self.aux_weight * out.auxk_loss).backward()
        coder.remove_gradient_parallel_to_decoder_directions()
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.silent += len(batch)
        self.silent[fired] = 0

    def reconstruct(self, x: Tensor) -> Tensor:
        if hasattr(self.optimiser, "eval"):  # the average that is used is another point than the one that is trained
            self.optimiser.eval()
        return self.coder(x).sae_out


OURS: dict[str, Callable[[Shape, Start], Contender]] = {
    "sieve fp32": Sieve,
    "sieve bf16": partial(Sieve, precision="bf16"),
}
PEERS: dict[str, Callable[[Shape, Start], Contender]] = {
    "SAELens": SaeLens,
    "SAELens, sparse": partial(SaeLens, sparse=True),
    "dictionary_learning": DictionaryLearning,
    "sparsify, Adam": partial(Sparsify, optimiser="adam"),
    "sparsify": Sparsify,
}
CONTENDERS = OURS | PEERS
