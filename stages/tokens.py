"""tokens: every document and problem as one block of token ids, with its mentions of concepts located in tokens.

    python -m stages.tokens --texts … --problems … --tokenizer data/model/tokenizer --blocks data/tokens/blocks.parquet

Reads   texts, problems, the model's tokenizer
Writes  blocks
"""

from __future__ import annotations

from sieve.model.language_model import open_tokenizer
from sieve.provenance import read_table
from sieve.text.blocks import save_blocks, tokenize
from stages._common import Input, Output, Params, publish, run


def main(params: Params, texts: Input, problems: Input, tokenizer: Input, blocks: Output) -> None:
    """Texts first, then problems, each in the order of its table."""
    loaded, context = open_tokenizer(tokenizer), params.tokens.context
    made = tokenize(loaded, read_table(texts).to_pylist(), "text", context)
    made += tokenize(loaded, read_table(problems).to_pylist(), "problem", context)
    with publish(blocks) as path:
        save_blocks(path, made)


if __name__ == "__main__":
    run(main)
