"""Train a small Llama with its own byte-level BPE: the model of the embedded default."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from sieve.model.language_model import quiet
from sieve.provenance import Checkpoints, generator, read_json, seed_for, write_json
from sieve.training import Trainable, Watch, fit, warm_cosine

BOS, EOS, PAD = "<bos>", "<eos>", "<pad>"


@dataclass(frozen=True)
class PretrainConfig:
    """Sizes and schedule of the small model.

    `tokens` counts what the loss sees, padding left out; 0 leaves the network as it was initialised.
    """

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    mlp: int
    context: int
    tokens: int
    batch_tokens: int
    lr: float
    warmup: float
    weight_decay: float
    precision: Literal["fp32", "bf16"]

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012


def train_tokenizer(texts: list[str], vocabulary: int) -> Any:
    """A byte-level BPE that splits digits one by one and puts BOS in front; a fast tokenizer of `vocabulary` ids."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    core.train_from_iterator(texts, trainer)
    core.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, core.token_to_id(BOS))]),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=BOS, eos_token=EOS, pad_token=PAD, clean_up_tokenization_spaces=False
    )


def save_tokenizer(folder: Path, tokenizer: Any) -> None:
    """tokenizer.json and the few settings that transformers needs, without versions or paths."""
    folder.mkdir(parents=True)
    write_json(folder / "tokenizer.json", json.loads(tokenizer.backend_tokenizer.to_str()))
    names = {f"{name}_token": getattr(tokenizer, f"{name}_token") for name in ("bos", "eos", "pad", "unk")}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    write_json(folder / "tokenizer_config.json", settings | {name: token for name, token in names.items() if token})


def save_network(folder: Path, network: Any) -> None:
    """Weights and config in Hugging Face format, without the library's version: it changes bytes and says nothing."""
    with quiet():
        network.save_pretrained(folder)
    for path in folder.glob("*config.json"):
        write_json(path, {key: value for key, value in read_json(path).items() if key != "transformers_version"})


def pack(lengths: list[int], context: int, seed: int, epoch: int) -> Iterator[list[int]]:
    """Rows of document indices that fit into `context` tokens together, in a keyed shuffle of the epoch.

    A row mixes long and short documents of every kind, as a batch must: batches sorted by length are all of one kind
    and do not train well.
    """
    row: list[int] = []
    room = context
    for index in torch.randperm(len(lengths), generator=generator(seed, "pretrain", epoch)).tolist():
        if lengths[index] > room:
            yield row
            row, room = [], context
        row.append(index)
        room -= lengths[index]
    yield row


class Plan:
    """Which documents make batch s, and how many tokens come before it: both arithmetic on the seed and s."""

    def __init__(self, lengths: list[int], config: PretrainConfig, seed: int) -> None:
        per_batch = max(1, config.batch_tokens // config.context)
        self.batches: list[list[list[int]]] = []
        self.before = [0]  # tokens before each batch, and after the last
        rows: list[list[int]] = []
        epoch = 0
        while self.before[-1] < config.tokens:
            rows += pack(lengths, config.context, seed, epoch)
            epoch += 1
            while len(rows) >= per_batch and self.before[-1] < config.tokens:
                batch, rows = rows[:per_batch], rows[per_batch:]
                self.batches.append(batch)
                self.before.append(self.before[-1] + sum(lengths[i] for row in batch for i in row))


def new_network(config: PretrainConfig, tokenizer: Any, seed: int) -> Any:
    """A freshly initialised Llama of the given sizes; the weights depend on `seed` alone."""
    from transformers import LlamaConfig, LlamaForCausalLM

    settings = LlamaConfig(
        vocab_size=config.vocabulary,
        hidden_size=config.hidden,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.heads,
        intermediate_size=config.mlp,
        max_position_embeddings=config.context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(seed, "pretrain", "init"))
        return LlamaForCausalLM(settings)


class _NextToken(Trainable):
    """A network as the training loop sees it."""

    def __init__(self, network: Any, sequences: list[list[int]], config: PretrainConfig, pad_id: int) -> None:
        self.network, self.sequences, self.config, self.pad_id = network, sequences, config, pad_id
        self.device = next(network.parameters()).device

    def parameters(self) -> list[Tensor]:
        return list(self.network.parameters())

    def loss(self, batch: list[list[int]]) -> tuple[Tensor, dict[str, float]]:
        rows = [[self.sequences[i] for i in row] for row in batch]
        packed = Packed.of(rows, self.config.context, self.pad_id).to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.precision == "bf16"):
            logits = self.network(
                input_ids=packed.ids, attention_mask=packed.mask, position_ids=packed.positions, use_cache=False
            ).logits
        return F.cross_entropy(logits.float().flatten(0, 1), packed.targets.flatten(), ignore_index=-100), {}


def pretrain(
    sequences: list[list[int]],
    network: Any,
    pad_id: int,
    config: PretrainConfig,
    seed: int,
    watch: Watch,
    checkpoints: Checkpoints | None = None,
) -> None:
    """Train `network` in place by next-token prediction on packed documents, in fixed arithmetic order.

    sequences: token ids of each document, BOS first and EOS last. `watch(tokens done, tokens wanted, figures)` is
    called after each step.
    """
    if not sequences:
        raise ValueError("there is no training text; give the dataset documents or problems in its train split")
    sequences = [s[: config.context] for s in sequences]
    plan = Plan([len(s) for s in sequences], config, seed)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.lr, betas=(0.9, 0.95), weight_decay=config.weight_decay, fused=True
    )

    def lr_at(step: int) -> float:
        return config.lr * warm_cosine(plan.before[step] / config.tokens, config.warmup, 0.1)

    def show(step: int, _steps: int, figures: dict[str, float]) -> None:
        watch(min(plan.before[step], config.tokens), config.tokens, figures)

    network.train()
    task = _NextToken(network, sequences, config, pad_id)
    fit(task, optimiser, lambda step: plan.batches[step], len(plan.batches), lr_at, show, checkpoints)
    network.eval().requires_grad_(False)


@dataclass(frozen=True)
class Packed:
    """Documents side by side: ids, targets (the next token, −100 at a document's end and in padding), positions, mask.

    All are (R, T), but mask is (R, 1, T, T). Positions start anew and attention stays within a document
    (block-diagonal), so packing changes nothing but the speed.
    """

    ids: Tensor
    targets: Tensor
    positions: Tensor
    mask: Tensor
    tokens: int

    @classmethod
    def of(cls, rows: list[list[list[int]]], context: int, pad_id: int) -> Packed:
        """Pack rows of documents; each row's documents must fit into `context` together."""
        ids = torch.full((len(rows), context), pad_id, dtype=torch.long)
        targets, owner = torch.full_like(ids, -100), torch.full_like(ids, -1)
        positions = torch.zeros_like(ids)
        for r, documents in enumerate(rows):
            start = 0
            for number, document in enumerate(documents):
                end = start + len(document)
                ids[r, start:end] = torch.tensor(document)
                targets[r, start : end - 1] = ids[r, start + 1 : end]
                positions[r, start:end] = torch.arange(end - start)
                owner[r, start:end] = number
                start = end
        same = (owner[:, None, :, None] == owner[:, None, None, :]).tril()
        return cls(ids, targets, positions, same, int((owner >= 0).sum()))

    def to(self, device: torch.device) -> Packed:
        """The same on another device."""
        return Packed(
            self.ids.to(device), self.targets.to(device), self.positions.to(device), self.mask.to(device), self.tokens
        )
