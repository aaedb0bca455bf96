"""Train a small Llama with its own byte-level BPE: the model of the embedded default."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, count, islice
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from sieve.model.language_model import quiet
from sieve.provenance import Checkpoints, generator, read_json, seed_for, write_json
from sieve.training import Trainable, Watch, fit, warm_cosine

BOS, EOS, PAD = "<bos>", "<eos>", "<pad>"
Sequences = list[list[int]]  # token ids of documents


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


PROBLEMS = "problems"


def mixture(
    texts: Mapping[str, Sequences], problems: Sequences, problem_share: float, language_alpha: float
) -> dict[str, float]:
    """The share of the training tokens of each language's text, and of "problems"; they sum to 1.

    Problems get `problem_share`, if there are any and not only they; languages share out the rest by their tokens to
    the power of `language_alpha`. Below 1 scarce languages are seen more often (arXiv 1911.02116, equation 1: 0.3).
    """
    of_problems = float(bool(problems)) if not (any(texts.values()) and problems) else problem_share
    sizes = {name: sum(map(len, texts[name])) ** language_alpha for name in sorted(texts) if texts[name]}
    languages = {name: (1 - of_problems) * size / sum(sizes.values()) for name, size in sizes.items()}
    return languages | {PROBLEMS: of_problems}


def draw(groups: Sequence[range], shares: Sequence[float], lengths: Sequence[int], seed: int) -> Iterator[int]:
    """Documents without end: always of the group that is furthest behind its share of the tokens.

    Within a group every document comes once an epoch, in a keyed shuffle. Groups without documents, or without a share,
    take no part. `lengths` are tokens per document, `groups` ranges of their indices.
    """

    def endless(number: int) -> Iterator[int]:
        for epoch in count():
            order = torch.randperm(len(groups[number]), generator=generator(seed, "pretrain", number, epoch))
            yield from (groups[number][i] for i in order.tolist())

    streams = {number: endless(number) for number, group in enumerate(groups) if group and shares[number] > 0}
    done = dict.fromkeys(streams, 0)
    while True:
        number = min(streams, key=lambda n: done[n] / shares[n])
        index = next(streams[number])
        done[number] += lengths[index]
        yield index


OPEN_ROWS = 32  # among which a document looks for the fullest that has room: rows end up 97 % full instead of 76 %


def pack(documents: Iterator[int], lengths: Sequence[int], context: int) -> Iterator[list[int]]:
    """Rows of documents that fit into `context` tokens together.

    A row mixes long and short documents of every kind, as a batch must: batches sorted by length are all of one kind
    and do not train well.
    """
    rows: list[list[int]] = []
    rooms: list[int] = []
    for index in documents:
        length = lengths[index]
        fitting = [(room, row) for row, room in enumerate(rooms) if room >= length]
        if fitting:
            row = min(fitting)[1]
        elif len(rows) < OPEN_ROWS:
            row = len(rows)
            rows.append([])
            rooms.append(context)
        else:
            row = rooms.index(min(rooms))
            yield rows[row]
            rows[row], rooms[row] = [], context
        rows[row].append(index)
        rooms[row] -= length


class Plan:
    """Which documents make batch s, and how many tokens come before it: both arithmetic on the seed and s."""

    def __init__(
        self,
        groups: Sequence[range],
        shares: Sequence[float],
        lengths: Sequence[int],
        config: PretrainConfig,
        seed: int,
    ) -> None:
        rows = pack(draw(groups, shares, lengths, seed), lengths, config.context)
        per_batch = max(1, config.batch_tokens // config.context)
        self.batches: list[list[list[int]]] = []
        self.before = [0]  # tokens before each batch, and after the last
        while self.before[-1] < config.tokens:
            batch = list(islice(rows, per_batch))
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
    plan = Plan(groups, [share.get(name, 0.0) for name in parts], [len(s) for s in sequences], config, seed)

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
    muon = torch.optim.Muon(matrices, config.lr, config.weight_decay, adjust_lr_fn="match_rms_adamw")
    return [muon, torch.optim.AdamW(others, config.lr, (0.9, 0.95), weight_decay=config.weight_decay, fused=True)]


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
