"""capture: tokens a second of the activations stage, from blocks to finished shards, beside bare forward passes.

    python -m bench capture [--json FILE]

A small Llama with random weights reads blocks of random tokens of random lengths; what leaves the first half of its
layers is kept. Beside the stage's own function: the same batches through the network, stopped at that layer and
nothing kept, and through `model(..., output_hidden_states=True)`. All three in fp32, by turns, in one process that
keeps its memory as a stage does.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench._output import parser, table, write
from bench._problem import Shape
from bench._timing import alternate, medians, quiet
from bench._worker import product
from sieve.model.language_model import LanguageModel
from sieve.model.pretrain import PretrainConfig, new_network, train_tokenizer
from sieve.provenance import Work, generator
from sieve.provenance.publish import remove
from sieve.text.blocks import Block
from stages._numerics import keep_memory
from stages._params import Activations
from stages.activations import write as write_shards

SHARD_BATCHES = 8  # several shards, as in a real run
SPECIAL = 3  # ids below it are no text
NAMES = ("sieve, capture and shards", "bare, stopped at the site", "output_hidden_states=True")


def model(given: Namespace) -> LanguageModel:
    """A Llama with random weights, and a tokenizer that is only asked for its special ids."""
    sizes = PretrainConfig(
        vocabulary=given.vocabulary, hidden=given.hidden, layers=given.layers, heads=given.heads, mlp=4 * given.hidden,
        context=given.context, tokens=0, problem_share=0.0, language_alpha=1.0, batch_tokens=1, lr=0.0, warmup=0.0,
        weight_decay=0.0, precision="fp32",
    )  # fmt: skip
    tokenizer = train_tokenizer([], 259)
    return LanguageModel(new_network(sizes, tokenizer, 0).eval().requires_grad_(False), tokenizer, "random")


def random_blocks(given: Namespace) -> list[Block]:
    """Blocks of a quarter to all of the context, by length as the stage has them."""
    draw = generator(0, "bench", "blocks")
    lengths = torch.randint(given.context // 4, given.context + 1, (given.blocks,), generator=draw).sort().values
    tokens = [torch.randint(SPECIAL, given.vocabulary, (n,), generator=draw).tolist() for n in lengths.tolist()]
    return [Block(str(i), "text", "", "train", i, 0, "", tuple(ids), ()) for i, ids in enumerate(tokens)]


class _Stop(Exception):
    pass


def contenders(
    lm: LanguageModel, blocks: list[Block], layer: int, batch: int, folder: Path
) -> dict[str, Callable[[], None]]:
    """The three ways through the same tokens."""
    groups = [blocks[i : i + batch] for i in range(0, len(blocks), batch)]
    batches = [lm.pad([list(block.ids) for block in group]) for group in groups]
    count = sum(len(block.ids) for block in blocks)

    def sieve() -> None:
        remove(folder)  # what the last run wrote: its memory is free for what this one writes
        site = f"resid_post_{layer}"
        asked = Activations(sites=[site], rows=count, batch=batch, shard_batches=SHARD_BATCHES, precision="fp32")
        with contextlib.redirect_stdout(io.StringIO()):
            write_shards(lm, blocks, {site: site}, Work(folder / "work", print), folder / "out", asked)

    @torch.no_grad()
    def stopped() -> None:
        def stop(*_: object) -> None:
            raise _Stop

        handle = lm.network.model.layers[layer].register_forward_hook(stop)
        for ids, mask in batches:
            with contextlib.suppress(_Stop):
                lm.network(input_ids=ids, attention_mask=mask, use_cache=False)
        handle.remove()

    @torch.no_grad()
    def hidden_states() -> None:
        for ids, mask in batches:
            found: Sequence[Tensor] = lm.network(
                ids, attention_mask=mask, use_cache=False, output_hidden_states=True
            ).hidden_states
            assert len(found) > layer

    return dict(zip(NAMES, (sieve, stopped, hidden_states)))


def main() -> None:
    """See the module's docstring."""
    found = parser(__doc__)
    for name, value in (
        ("hidden", 192), ("layers", 5), ("heads", 6), ("vocabulary", 4096), ("context", 128), ("blocks", 2048),
        ("batch", 64), ("samples", 6),
    ):  # fmt: skip
        found.add_argument(f"--{name}", type=int, default=value)
    given = found.parse_args()
    keep_memory()
    lm, blocks = model(given), random_blocks(given)
    tokens = sum(len(block.ids) for block in blocks)
    with tempfile.TemporaryDirectory() as folder:
        ways = contenders(lm, blocks, given.layers // 2 - 1, given.batch, Path(folder) / "captured")
        samples = alternate(ways, product(Shape(256, 8192, 4096, 32), "highest"), given.samples)
    seconds, kept = medians(samples), [sample.name for sample in quiet(samples)]
    rows = [
        [name, f"{tokens / seconds[name]:,.0f}" if name in seconds else "—", str(kept.count(name))] for name in NAMES
    ]
    ours, stopped, hidden = (seconds.get(name) for name in NAMES)
    ratios = {
        "capture_stopped": stopped / ours if stopped and ours else None,
        "capture_hidden_states": hidden / ours if hidden and ours else None,
    }
    print(f"{lm.network.num_parameters():,} parameters, {tokens:,} tokens\n")
    print(table(["", "tokens/s", "quiet"], rows))
    print(
        "\n"
        + table(
            ["ratio", "sieve over it"], [[name, f"{value:.2f}" if value else "—"] for name, value in ratios.items()]
        )
    )
    write(given.json, "capture", {"seconds": seconds, "tokens": tokens}, ratios)
