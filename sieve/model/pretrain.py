"""Train a small Llama with its own byte-level BPE: the model of the embedded default."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from sieve.model.language_model import quiet
from sieve.model.muon import Muon
from sieve.model.packing import PROBLEMS, Packed, Plan, Sequences, mixture
from sieve.provenance import Checkpoints, read_json, seed_for, write_json
from sieve.training import Trainable, Watch, fit, warm_cosine

BOS, EOS, PAD = "<bos>", "<eos>", "<pad>"


@dataclass(frozen=True)
class PretrainConfig:
    """Sizes and schedule of the small model.

    `tokens` counts what the loss sees, padding left out; 0 leaves the network as it was initialised. What
    `problem_share` and `language_alpha` do, `mixture` says.
    """

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    mlp: int
    context: int
    tokens: int
    problem_share: float
    language_alpha: float
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

    def __init__(self, network: Any, sequences: Sequences, config: PretrainConfig, pad_id: int) -> None:
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
    texts: Mapping[str, Sequences],
    problems: Sequences,
    network: Any,
    pad_id: int,
    config: PretrainConfig,
    seed: int,
    watch: Watch,
    checkpoints: Checkpoints | None = None,
) -> None:
    """Train `network` in place by next-token prediction on packed documents, in fixed arithmetic order.

    texts, problems: token ids of each document (by language), BOS first and EOS last; either may be empty.
    `watch(tokens done, tokens wanted, figures)` is called after each step.
    """
    parts = {name: texts[name] for name in sorted(texts)} | {PROBLEMS: problems}
    ends = list(accumulate(map(len, parts.values())))
    groups = [range(end - len(part), end) for end, part in zip(ends, parts.values())]
    sequences = [ids[: config.context] for part in parts.values() for ids in part]
    if not sequences:
        raise ValueError("there is no training text; give the dataset documents or problems in its train split")
    share = mixture(texts, problems, config.problem_share, config.language_alpha)
    plan = Plan(
        groups, [share.get(name, 0.0) for name in parts], [len(s) for s in sequences],
        config.tokens, config.batch_tokens, config.context, seed,
    )  # fmt: skip

    def lr_at(step: int) -> float:
        return config.lr * warm_cosine(plan.before[step] / config.tokens, config.warmup, 0.0)

    def show(step: int, _steps: int, figures: dict[str, float]) -> None:
        watch(min(plan.before[step], config.tokens), config.tokens, figures)

    network.train()
    task = _NextToken(network, sequences, config, pad_id)
    fit(
        task, _optimisers(network, config), lambda step: plan.batches[step], len(plan.batches), lr_at, show, checkpoints
    )
    network.eval().requires_grad_(False)


def _optimisers(network: Any, config: PretrainConfig) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the blocks' matrices, AdamW for the embedding and the norms, at one learning rate.

    With AdamW alone eight languages and the problems took several times as many tokens to learn.
    """
    blocks = {id(p) for p in network.model.layers.parameters() if p.dim() == 2}
    matrices = [p for p in network.parameters() if id(p) in blocks]
    others = [p for p in network.parameters() if id(p) not in blocks]
    muon = Muon(matrices, config.lr, config.weight_decay)
    return [muon, torch.optim.AdamW(others, config.lr, (0.9, 0.95), weight_decay=config.weight_decay, fused=True)]
