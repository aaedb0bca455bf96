"""How alike features are by what they seem to be about: what pulls them apart should make their explanations differ.

arXiv 2602.04718 has a language model describe each feature's top contexts, embeds the descriptions and takes the mean
cosine over all pairs: `explanation_cosine`, with a local model for either step. `context_tfidf_cosine` needs no model
and compares the words of the contexts themselves. It is a figure of its own and no estimate of the other: contexts may
share words and not what they mean, or the reverse.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from sieve.features.examples import Example, token_text
from sieve.model.generate import continue_ids
from sieve.model.language_model import (
    LanguageModel,
    ModelFolderError,
    check_folder,
    model_digest,
    open_tokenizer,
    quiet,
)
from sieve.subject import Subject
from sieve.text.blocks import Block

Embed = Callable[[Sequence[str]], Tensor]
"""texts (N) -> vectors (N, E)."""
QUESTION = (
    "Here are texts in which one feature of a language model is active, most of all at the word in double brackets. "
    "Say in at most 20 words what those words and their contexts have in common. Give that description only."
)
PREFIXES = tuple(
    f"{what} {does}"
    for what, does in product(
        ("this feature", "the feature", "this neuron", "the neuron", "it"),
        (
            "activates on",
            "activates for",
            "fires on",
            "fires for",
            "is active on",
            "responds to",
            "detects",
            "represents",
        ),
    )
)


@dataclass(frozen=True)
class Context:
    """Tokens around the one, at index `peak`, where a feature is strongest."""

    tokens: tuple[str, ...]
    peak: int

    @classmethod
    def of(cls, example: Example, radius: int = 10) -> Context:
        """The strongest token of an example (the first of equals) with up to `radius` tokens on both sides.

        Ten is published.
        """
        peak = max(range(len(example.tokens)), key=lambda i: (example.activations[i], -i))
        start = max(0, peak - radius)
        return cls(example.tokens[start : peak + radius + 1], peak - start)

    @property
    def marked(self) -> str:
        """The text in one line, with the strongest token in double brackets: 'has 3 [[apples]] and'."""
        token = self.tokens[self.peak]
        word = token.strip() or token
        pieces = [*self.tokens[: self.peak], token.replace(word, f"[[{word}]]", 1), *self.tokens[self.peak + 1 :]]
        return " ".join("".join(pieces).split())


def top_contexts(
    subject: Subject, blocks: Sequence[Block], latents: Sequence[int], count: int, batch: int, radius: int = 10
) -> list[list[Context]]:
    """For each of `latents` the contexts in which it is strongest, one per document and `count` at most.

    Strongest first; ties go to the earlier document and the earlier token. What is silent everywhere has none.
    """
    found: list[list[tuple[float, Context]]] = [[] for _ in latents]
    for start in range(0, len(blocks), batch):
        group = blocks[start : start + batch]
        reading = subject.read(*subject.lm.pad([list(block.ids) for block in group]))
        codes = reading.z[:, list(latents)].cpu().split(reading.text.sum(1).tolist())
        for block, text, z in zip(group, reading.text.tolist(), codes):
            tokens = [token for token, own in zip(block.ids, text) if own]
            peaks, places = z.max(0) if len(z) else (torch.zeros(len(latents)),) * 2
            for own_found, peak, place in zip(found, peaks.tolist(), places.tolist()):
                if peak > 0:
                    own_found.append((peak, _around(subject.lm, tokens, place, radius)))
        for own_found in found:
            own_found.sort(key=lambda item: -item[0])
            del own_found[count:]
    return [[context for _, context in own_found] for own_found in found]


def _around(lm: LanguageModel, tokens: Sequence[int], place: int, radius: int) -> Context:
    start = max(0, place - radius)
    return Context(tuple(token_text(lm, token) for token in tokens[start : place + radius + 1]), place - start)


def explain(
    lm: LanguageModel, features: Sequence[Sequence[Context]], new_tokens: int = 30, batch: int = 8
) -> list[str]:
    """A short description of each feature's contexts: the first line of a causal LM's greedy answer to QUESTION.

    An instruction model is asked through its own chat template. ValueError when question and answer exceed its context.
    """
    prompts = [_prompt(lm, contexts) for contexts in features]
    longest = max(map(len, prompts), default=0) + new_tokens
    if longest > lm.context:
        raise ValueError(
            f"a question and its answer take {longest} tokens, but this model's context is {lm.context}; "
            "give fewer or shorter contexts per feature, or another model"
        )
    found: list[list[int]] = []
    for start in range(0, len(prompts), batch):
        found += continue_ids(lm, prompts[start : start + batch], new_tokens)
    texts = [lm.tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in found]
    return [text.strip().partition("\n")[0].strip() for text in texts]


def _prompt(lm: LanguageModel, contexts: Sequence[Context]) -> list[int]:
    """The ids of what is asked about one feature."""
    text = "\n".join([QUESTION, *(f"- {context.marked}" for context in contexts)])
    if getattr(lm.tokenizer, "chat_template", None):
        said = [{"role": "user", "content": text}]
        return list(lm.tokenizer.apply_chat_template(said, add_generation_prompt=True, return_dict=False))
    return lm.encode([f"{text}\nDescription:"])[0]


def open_embedder(folder: Path, device: str | torch.device = "cpu", batch: int = 32) -> Embed:
    """Texts to vectors by the model in a local folder: the mean of its last hidden state over a text's tokens.

    Sentence encoders are used so (Reimers & Gurevych 2019, arXiv 1908.10084), and a causal LM can be. Special tokens
    that the tokenizer adds count. ModelFolderError as for `open_model`; ValueError for a text without a token.
    """
    from transformers import AutoModel

    check_folder(folder)
    with quiet():
        opened: Any = AutoModel.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=torch.float32,
            output_loading_info=True,
        )  # fmt: skip
    network, report = opened
    if missing := sorted(name for name in report["missing_keys"] if "pooler" not in name):  # which is not read here
        raise ModelFolderError(f"{folder} has no weights for {', '.join(missing[:3])}; save the whole model")
    network.to(device).eval().requires_grad_(False)
    lm = LanguageModel(network, open_tokenizer(folder), model_digest(folder))

    @torch.no_grad()
    def embed(texts: Sequence[str]) -> Tensor:
        encoded = lm.encode(list(texts))
        if not all(encoded):
            raise ValueError(f"text {encoded.index([])} has no token to embed; leave it out")
        found = [torch.zeros(0, lm.width)]
        for start in range(0, len(encoded), batch):
            ids, mask = lm.pad(encoded[start : start + batch])
            hidden = network(input_ids=ids, attention_mask=mask).last_hidden_state
            found.append(((hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)).cpu())
        return torch.cat(found)

    return embed


def without_prefix(text: str, prefixes: Sequence[str] = PREFIXES) -> str:
    """The text without the longest of `prefixes` that it begins with, in whatever letter case.

    (The published code lowers the text and not the prefixes, so that its phrases, which all texts share, stay.)
    """
    found = [prefix for prefix in prefixes if text[: len(prefix)].lower() == prefix.lower()]
    return text[max(map(len, found), default=0) :].lstrip(" :")


def explanation_cosine(
    explanations: Sequence[str], embed: Embed, prefixes: Sequence[str] = PREFIXES, centre: bool = False
) -> float:
    """Mean cosine over all pairs of features between the embeddings of their explanations, less `prefixes`.

    centre: subtract the mean embedding first, so that what all explanations share does not count (published: off).
    ValueError for fewer than two features.
    """
    vectors = embed([without_prefix(text, prefixes) for text in explanations]).double()
    return mean_cosine(vectors - vectors.mean(0) if centre else vectors)


def mean_cosine(vectors: Tensor) -> float:
    """Mean cosine over all pairs of rows (N, E), from ‖Σ u‖² = Σ ‖u‖² + 2 Σ_{i<j} ⟨u_i, u_j⟩; a row of zeros has 0.

    ValueError for fewer than two rows.
    """
    unit, count = normalize(vectors.double(), dim=1), len(vectors)
    if count < 2:
        raise ValueError(f"there is no pair among {count} feature(s); give at least two")
    return float(unit.sum(0).square().sum() - unit.square().sum()) / (count * (count - 1))


def context_tfidf_cosine(features: Sequence[Sequence[Context]]) -> float:
    """Mean cosine over all pairs of features between the tf-idf vectors of their contexts' tokens.

    All contexts of a feature are one document, of N: a token that occurs n times in it and in d documents weighs
    n · (ln((1 + N) / (1 + d)) + 1), the smooth form, so that equal documents have cosine 1. ValueError for a feature
    without contexts and for fewer than two features.
    """
    counts = [Counter(token for context in contexts for token in context.tokens) for contexts in features]
    if not all(counts):
        raise ValueError(f"feature {next(i for i, own in enumerate(counts) if not own)} has no contexts; leave it out")
    documents = Counter(token for own in counts for token in own)
    place = {token: i for i, token in enumerate(documents)}
    vectors = torch.zeros(len(counts), len(place), dtype=torch.float64)
    for row, own in zip(vectors, counts):
        weights = [n * (math.log((1 + len(counts)) / (1 + documents[token])) + 1) for token, n in own.items()]
        row[[place[token] for token in own]] = torch.tensor(weights, dtype=torch.float64)
    return mean_cosine(vectors)
