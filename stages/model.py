"""model: the causal language model to look into; trained here on the dataset, or opened from data/input/model.

    python -m stages.model --folder data/input/model --texts … --problems … \\
        --network data/model/network --tokenizer data/model/tokenizer --card data/model/card.json

Reads   training text and problems; or a Hugging Face folder (safetensors) in --folder
Writes  network and tokenizer as Hugging Face folders, and a card of what the model can do
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sieve.intervals import wilson
from sieve.model.language_model import LanguageModel, check_folder, model_digest, open_model
from sieve.model.packing import mixture
from sieve.model.pretrain import (
    PretrainConfig,
    new_network,
    pretrain,
    save_network,
    save_tokenizer,
    train_tokenizer,
)
from sieve.model.skill import bits_per_byte, languages_kept, solve
from sieve.provenance import Checkpoints, Work, read_table, write_json
from sieve.text.balance import alike
from sieve.text.blocks import one_token
from sieve.text.identify import Identifier
from sieve.text.ngram import CharacterModel
from stages._common import Input, Output, Params, Progress, publish, run
from stages._params import settings

WEIGHTS = ("config.json", "generation_config.json", "model.safetensors.index.json")
BATCH = 128
DOCUMENTS, JUDGED_BY, PROMPT_TOKENS, NEW_TOKENS = 100, 400, 12, 24  # documents per language; those that teach the judge


def main(
    params: Params,
    work: Work,
    folder: Input,
    texts: Input,
    problems: Input,
    network: Output,
    tokenizer: Output,
    card: Output,
) -> None:
    """Either way the outputs have one shape, and the gates are asked before they appear."""
    rows, sums = read_table(texts).to_pylist(), read_table(problems).to_pylist()
    with publish(network) as network_path, publish(tokenizer) as tokenizer_path, publish(card) as card_path:
        if params.model.kind == "pretrain":
            trained_on = _train(params, rows, sums, network_path, tokenizer_path, Checkpoints(work))
        else:
            trained_on = {}
            _copy(folder, network_path, tokenizer_path)
        lm = open_model(network_path, tokenizer_path)
        asked = params.model.asked
        figures = describe(lm, rows, sums, asked.problems, asked.new_tokens) | trained_on
        _check_gates(params, figures)
        write_json(card_path, figures | {"digest": model_digest(network_path)})


def _train(
    params: Params,
    texts: list[dict[str, Any]],
    problems: list[dict[str, Any]],
    network: Path,
    tokenizer: Path,
    checkpoints: Checkpoints,
) -> dict[str, float]:
    """Returns the shares of the training tokens: `training_share.problems` and `training_share.<language>` of texts."""
    config = settings(PretrainConfig, params.model.pretrain, "model.pretrain")
    learnt = [row for row in texts if row["split"] == "train"]
    documents = [row["text"] for row in learnt]
    solved = [row["prompt"] + row["solution"] for row in problems if row["split"] == "train"]
    # A scarce language would get few words of its own in the vocabulary, and be cut into more tokens than others.
    shown = [documents[i] for i in alike([row["language"] for row in learnt])]
    made = train_tokenizer(shown + solved, config.vocabulary)

    def ids(documents: list[str]) -> list[list[int]]:
        return [[*found, made.eos_token_id] for found in made(documents)["input_ids"]] if documents else []

    by_language = {
        language: ids([row["text"] for row in learnt if row["language"] == language])
        for language in sorted({row["language"] for row in learnt})
    }
    parts = by_language, ids(solved)
    net = new_network(config, made, params.seed.init)
    watch = Progress("training the language model", "token")
    pretrain(*parts, net, made.pad_token_id, config, params.seed.order, watch, checkpoints)
    save_network(network, net)
    save_tokenizer(tokenizer, made)
    share = mixture(*parts, config.problem_share, config.language_alpha)
    return {f"training_share.{name}": share[name] for name in sorted(share)}


def _copy(folder: Path, network: Path, tokenizer: Path) -> None:
    """Weights and config to one folder, tokenizer to the other; nothing else is taken over."""
    check_folder(folder)
    network.mkdir(parents=True)
    tokenizer.mkdir(parents=True)
    for path in sorted(folder.iterdir()):
        if path.suffix == ".safetensors" or path.name in WEIGHTS:
            shutil.copyfile(path, network / path.name)
        elif path.name in {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"}:
            shutil.copyfile(path, tokenizer / path.name)


Rows = list[dict[str, Any]]


def describe(lm: LanguageModel, texts: Rows, problems: Rows, count: int, new_tokens: int) -> dict[str, Any]:
    """The card: size; held-out bits per byte beside an n-gram model's, continuations, problems, all with intervals.

    The gates look at validation problems, `one_token_names` (the share of mentions) at training problems; everything
    else is asked of the test split. Of each, `count` problems are asked, with `new_tokens` for a solution.
    """
    figures: dict[str, Any] = {"parameters": sum(p.numel() for p in lm.network.parameters())}
    figures |= {"vocabulary": len(lm.tokenizer)} | _languages(lm, texts)
    learnt = [row for row in problems if row["split"] == "train"][:count]
    if whole := one_token(lm.tokenizer, learnt, "name"):
        figures["one_token_names"] = sum(whole) / len(whole)
    for split, keys in (("valid", ("answers", "copied_names")), ("test", ("problem_accuracy", "name_accuracy"))):
        asked = [row for row in problems if row["split"] == split][:count]
        for name, hits in zip(keys, _solved(lm, asked, new_tokens)):
            if hits:
                figures |= _share(name, hits) if split == "test" else {name: sum(hits) / len(hits)}
    return figures


def _solved(lm: LanguageModel, asked: Rows, new_tokens: int) -> tuple[list[bool], list[bool]]:
    """(answer right) of each problem and (name copied) of each that names somebody."""
    people = [next((c["value"] for c in row["concepts"] if _named_in_question(c, row)), "") for row in asked]
    prompts, answers = lm.encode([row["prompt"] for row in asked]), [row["answer"] for row in asked]
    right, copied = solve(lm, prompts, answers, people, new_tokens, BATCH)
    return right, [hit for hit, who in zip(copied, people) if who]


def _named_in_question(concept: dict[str, Any], row: dict[str, Any]) -> bool:
    return concept["concept"] == "name" and concept["end"] <= len(row["prompt"])


def _languages(lm: LanguageModel, texts: Rows) -> dict[str, Any]:
    """Bits per byte of each language, by this model and by character n-grams; whether continuations stay in it."""
    figures: dict[str, Any] = {}
    held: dict[str, list[str]] = {}
    known: dict[str, list[str]] = {}
    for row in texts:
        if row["split"] in ("train", "test"):
            (held if row["split"] == "test" else known).setdefault(row["language"], []).append(row["text"])
    languages = sorted(held.keys() & known.keys())
    for language in languages:
        documents = held[language][:DOCUMENTS]
        figures[f"bits_per_byte.{language}"] = bits_per_byte(lm, documents, BATCH)
        figures[f"ngram.bits_per_byte.{language}"] = CharacterModel(known[language]).bits_per_byte(documents)
    if len(languages) > 1:
        judge = Identifier({language: known[language][:JUDGED_BY] for language in languages})
        prompts = [(language, text) for language in languages for text in held[language][:DOCUMENTS]]
        kept = languages_kept(lm, prompts, judge, PROMPT_TOKENS, NEW_TOKENS, BATCH)
        figures |= _share("continuation_language_accuracy", kept)
        for language in languages:
            own = [hit for hit, (name, _) in zip(kept, prompts) if name == language]
            figures[f"continuation_language_accuracy.{language}"] = sum(own) / len(own)
    return figures


def _share(name: str, hits: list[bool]) -> dict[str, float]:
    low, high = wilson(hits)
    return {name: sum(hits) / len(hits), f"{name}_low": low, f"{name}_high": high}


def _check_gates(params: Params, figures: dict[str, Any]) -> None:
    """A model that cannot do the task makes every later number meaningless, so it is refused here."""
    for figure, least, key in (
        ("copied_names", params.model.min_copied, "min_copied"),
        ("answers", params.model.min_answers, "min_answers"),
    ):
        if figures.get(figure, 1.0) < least:
            raise ValueError(
                f"the language model reaches {figure} = {figures[figure]:.3f} on held-out problems, "
                f"below model.{key} = {least}; "
                "train it longer (model.pretrain.tokens), or lower the gate if you know why"
            )


if __name__ == "__main__":
    run(main)
