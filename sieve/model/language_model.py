"""Open a folder in Hugging Face format: safetensors weights and a tokenizer, nothing that executes code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sieve.provenance import digest_folder, read_json

_IDENTITY = ("config.json", "model.safetensors", "model.safetensors.index.json")


class ModelFolderError(ValueError):
    """A folder that cannot be opened safely as a causal language model."""


@dataclass
class LanguageModel:
    """A causal LM, its tokenizer and the digest that names it in every file made from it."""

    network: Any
    tokenizer: Any
    digest: str

    @property
    def width(self) -> int:
        """D, the size of the residual stream."""
        return int(self.network.config.hidden_size)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    @property
    def context(self) -> int:
        """The longest sequence that the network was built for, in tokens."""
        return int(self.network.config.max_position_embeddings)

    @property
    def special_ids(self) -> Tensor:
        """Sorted ids (S,) of BOS, EOS, padding and the like: never captured, never edited."""
        ids = {i for i in self.tokenizer.all_special_ids if i is not None}
        return torch.tensor(sorted(ids), dtype=torch.long, device=self.device)

    @property
    def pad_id(self) -> int:
        """The id used for padding: PAD, else EOS, BOS or any other special token that the network has an embedding for.

        Always a special one, so that padding is never taken for text; ValueError for a tokenizer that has none.
        """
        known, t = int(self.network.config.vocab_size), self.tokenizer
        for i in (t.pad_token_id, t.eos_token_id, t.bos_token_id, *t.all_special_ids):
            if i is not None and i < known:
                return int(i)
        raise ValueError(
            f"padding needs a special token, which is never text, with an id below {known} (the vocabulary); "
            f"this tokenizer has {', '.join(t.all_special_tokens) or 'none'}: make a token that your text does not use "
            "its pad_token, and save it"
        )

    def is_text(self, ids: Tensor) -> Tensor:
        """True where a token is not special, same shape as `ids`."""
        return ~torch.isin(ids, self.special_ids)

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Token ids of each text, with the special tokens that the tokenizer's own rule adds, and no others.

        So a text starts with BOS where the model was trained to see one (Llama, Gemma) and with its first token where
        it was not (GPT-2, GPT-NeoX, Qwen 3).
        """
        return [list(ids) for ids in self.tokenizer(texts, add_special_tokens=True)["input_ids"]] if texts else []

    def pad(
        self, sequences: Sequence[Sequence[int]], side: str = "right", width: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """(ids, mask), both (B, T): sequences padded to `width` or to the longest."""
        width = width or max(len(s) for s in sequences)
        lengths, places = torch.tensor([len(s) for s in sequences])[:, None], torch.arange(width)
        mask = places < lengths if side == "right" else places >= width - lengths
        ids = torch.full(mask.shape, self.pad_id, dtype=torch.long)
        ids[mask] = torch.from_numpy(np.fromiter(chain.from_iterable(sequences), np.int64, int(lengths.sum())))
        return ids.to(self.device), mask.long().to(self.device)


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars of transformers within the block: a library prints nothing."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def check_folder(folder: Path, tokenizer: Path | None = None) -> None:
    """ModelFolderError unless `folder` holds config.json and safetensors, and `tokenizer` (or it) a tokenizer.json."""
    folder, tokenizer = Path(folder), Path(tokenizer or folder)
    if not (folder / "config.json").is_file():
        raise ModelFolderError(f"{folder} holds no config.json; expected a Hugging Face folder of a causal LM")
    if not list(folder.glob("*.safetensors")):
        pickled = sorted(p.name for p in folder.iterdir() if p.suffix in {".bin", ".pt", ".pth", ".ckpt"})
        found = (
            f"it has only pickled weights ({', '.join(pickled)}), which can execute code when opened"
            if pickled
            else "it has no weights"
        )
        raise ModelFolderError(
            f"{folder}: {found}; convert them to safetensors (save_pretrained writes them) and try again"
        )
    if not (tokenizer / "tokenizer.json").is_file():
        raise ModelFolderError(f"{tokenizer} holds no tokenizer.json; save the model's fast tokenizer into that folder")
    if "text_config" in (config := read_json(folder / "config.json")):
        raise ModelFolderError(
            f"{folder} holds a model of more than text ({config.get('model_type')}); take its text model out once: "
            "put model.language_model and lm_head into a Gemma3ForCausalLM made from config.text_config, and save that"
        )


def model_digest(folder: Path) -> str:
    """Hex SHA-256 over config and weight files: what two folders share when they are the same network."""
    shards = (p.name for p in Path(folder).glob("*.safetensors"))
    return digest_folder(folder, {*_IDENTITY, *shards})


def open_model(folder: Path, tokenizer: Path | None = None, device: str | torch.device = "cpu") -> LanguageModel:
    """Open a local folder: weights in fp32, evaluation mode, no gradients. `tokenizer`: its folder, if kept apart."""
    from transformers import AutoModelForCausalLM, GenerationConfig

    check_folder(folder, tokenizer)
    with quiet():
        opened: Any = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=torch.float32,
            output_loading_info=True,
        )  # fmt: skip
    network, report = opened
    if missing := sorted(report["missing_keys"]):
        raise ModelFolderError(
            f"{folder} has no weights for {', '.join(missing[:3])}{' …' * (len(missing) > 3)}, {len(missing)} in all, "
            f"which a {type(network).__name__} needs and would make up at random; save the whole model"
        )
    ends = {name: getattr(network.generation_config, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    network.generation_config = GenerationConfig(**ends)  # a folder's taste in sampling would make greedy not greedy
    network.to(device).eval().requires_grad_(False)
    return LanguageModel(network, open_tokenizer(tokenizer or folder), model_digest(folder))


def open_tokenizer(folder: Path) -> Any:
    """The fast tokenizer kept in a local folder."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
