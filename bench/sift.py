"""sift: seconds and memory of LangFIR's pass over text, for more and more tokens and latents.

    python -m bench sift [--tokens 1e5 1e7] [--latents 2048 65536] [--json FILE]

A small untrained Llama reads random tokens; a random TopK dictionary reads what leaves its first layer. What is asked
for again is made again, so that no sequence is held: what grows is the pass.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import overload

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from bench._memory import forget_peak, held
from bench._output import MIB, parser, table, write
from sieve.dictionary.gates import TopK
from sieve.dictionary.sae import Sae
from sieve.features.activity import activity
from sieve.model.language_model import LanguageModel
from sieve.provenance import generator
from sieve.subject import Subject

WIDTH, VOCABULARY, LENGTH, BATCH, K = 128, 4096, 64, 64, 32


class Noise(Sequence[list[int]]):
    """Sequences of LENGTH random ids after BOS, each a function of its number."""

    def __init__(self, count: int) -> None:
        self.size = count

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, at: int) -> list[int]: ...
    @overload
    def __getitem__(self, at: slice) -> list[list[int]]: ...
    def __getitem__(self, at: int | slice) -> list[int] | list[list[int]]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(self.size))]
        return [1, *torch.randint(3, VOCABULARY, (LENGTH,), generator=generator(0, "sift", at)).tolist()]


def tokenizer() -> PreTrainedTokenizerBase:
    """Words w0, w1, ... after <pad>, <bos> and <eos>."""
    from tokenizers import Tokenizer, models

    words = {word: i for i, word in enumerate(["<pad>", "<bos>", "<eos>", *(f"w{i}" for i in range(3, VOCABULARY))])}
    core = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>")


def subject(latents: int) -> Subject:
    """A random network and a random dictionary of it."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=2 * LENGTH,
    )  # fmt: skip
    lm = LanguageModel(LlamaForCausalLM(config).eval().requires_grad_(False), tokenizer(), "bench")
    atoms = torch.nn.functional.normalize(torch.randn(latents, WIDTH), dim=1)
    sae = Sae(atoms.T, torch.zeros(latents), atoms, torch.zeros(WIDTH), TopK(K), "resid_post_0", lm.digest)
    return Subject(lm, sae, adapted=False)


def main() -> None:
    """See the module's docstring."""
    found = parser(__doc__)
    found.add_argument("--tokens", type=float, nargs="+", default=[1e5, 1e6])
    found.add_argument("--latents", type=int, nargs="+", default=[2048, 65536])
    given = found.parse_args()
    figures = {}
    for latents in given.latents:
        who = subject(latents)
        activity(who, Noise(BATCH), BATCH)  # what is made once is made here
        for tokens in map(int, given.tokens):
            forget_peak()
            before, start = held("VmRSS"), time.perf_counter()
            activity(who, Noise(tokens // LENGTH), BATCH)
            seconds, peak = time.perf_counter() - start, held("VmHWM")
            memory = peak - before if peak is not None and before is not None else None
            figures[f"{latents}/{tokens}"] = {"seconds": seconds, "bytes": memory}
    lines = [
        [f"{int(name.split('/')[0]):,}", f"{int(name.split('/')[1]):,}", f"{own['seconds']:.1f}",
         "—" if own["bytes"] is None else f"{own['bytes'] / MIB:.0f}"]
        for name, own in figures.items()
    ]  # fmt: skip
    print(table(["latents", "tokens", "seconds", "MiB beyond"], lines))
    write(given.json, "sift", figures, {})


if __name__ == "__main__":
    main()
