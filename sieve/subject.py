"""A subject is what can be asked questions: a language model, an adapter or none, a site and the Sae that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sieve.dictionary.sae import Sae
from sieve.model.adapter import adapter_enabled, load_adapter
from sieve.model.generate import continue_text
from sieve.model.language_model import LanguageModel
from sieve.model.sites import observe, site_width
from sieve.model.splice import RowEdit, splice


@dataclass(frozen=True)
class Reading:
    """Activations (N, D) and codes (N, F) of a batch's N text tokens, in the order of the True entries of `text`."""

    rows: Tensor
    z: Tensor
    text: Tensor


@dataclass
class Subject:
    """Base SAE, orthogonalised SAE and adapted model have this one shape."""

    lm: LanguageModel
    sae: Sae
    adapted: bool

    @property
    def site(self) -> str:
        """Where the Sae reads and writes."""
        return self.sae.site

    @contextmanager
    def original(self) -> Iterator[None]:
        """The model as it came: adapter off, nothing spliced."""
        with adapter_enabled(self.lm.network, False) if self.adapted else nullcontext():
            yield

    @contextmanager
    def spliced(self, edit: RowEdit | None = None) -> Iterator[None]:
        """The model with the reconstruction in place of the site's tensor; `edit` may change the codes first.

        Text tokens only, unless the Sae says that special tokens belong to it too: then BOS has codes like any other.
        """

        def rebuild(rows: Tensor, where: Tensor) -> Tensor:
            z = self.sae.encode(rows)
            return self.sae.decode(edit(z, where) if edit else z)

        with splice(self.lm, self.site, rebuild, self.sae.specials):
            yield

    @torch.no_grad()
    def rows(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Activations (N, D) of a batch's text tokens, and `text` (B, T), True at each; ids and mask (B, T)."""
        hidden = observe(self.lm.network, [self.site], ids, mask)[self.site]
        text = self.lm.is_text(ids) & mask.bool()
        return hidden[text], text

    @torch.no_grad()
    def read(self, ids: Tensor, mask: Tensor) -> Reading:
        """What the Sae sees in one batch: ids and mask (B, T)."""
        rows, text = self.rows(ids, mask)
        return Reading(rows, self.sae.encode(rows), text)

    def generate(self, prompt: str, new_tokens: int = 40) -> str:
        """The greedy continuation of `prompt` under whatever is in force around the call."""
        return continue_text(self.lm, [prompt], new_tokens)[0]


def load_subject(folder: Path, lm: LanguageModel) -> Subject:
    """Open a subject's folder (sae.safetensors, perhaps adapter.safetensors) on the model that it was made with.

    The adapter, if there is one, is injected into `lm.network`. LineageError when model, Sae and adapter were not made
    for each other, SiteError when the model has no such site, ValueError when `lm` carries an adapter already.
    """
    if any("lora_" in name for name, _ in lm.network.named_parameters()):
        raise ValueError("this model carries another subject's adapter already; open the model anew for each subject")
    sae = Sae.load(Path(folder) / "sae.safetensors").to(lm.device)
    sae.require(site_width(lm.network, sae.site), lm.digest)
    adapter = Path(folder) / "adapter.safetensors"
    if adapter.is_file():
        load_adapter(adapter, lm.network, lm.digest, sae.digest)
    return Subject(lm, sae, adapter.is_file())
