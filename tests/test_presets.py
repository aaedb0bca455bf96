"""The presets for other text and other models, whole: every stage, with a tiny random model standing in for a big one.

What a preset says stays as it is – its files, columns, questions, kinds of subjects, LoRA targets, losses – and only
sizes shrink. Files and models have the shape of those that the presets' README.md names.
"""

from __future__ import annotations

import json
import re
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
import torch
from ruamel.yaml import YAML
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from sieve.model.pretrain import save_network, save_tokenizer, train_tokenizer
from sieve.text.world import generate_documents
from tests.conftest import ROOT
from tests.in_process import make_project, run_all

WRITTEN = ("de", "el", "en", "es")
SMALL = {
    # what is made
    "asked": 4, "latents": 32, "k": 4, "steps": 3, "batch": 8, "rank": 2, "alpha": 4, "rows": 800, "shard_batches": 2,
    "vocabulary": 500, "hidden": 16, "heads": 2, "layers": 2, "mlp": 24, "tokens": 3000, "batch_tokens": 1536,
    "columns": 8,
    # what is asked
    "documents": 24, "sequences": 20, "candidates": 2, "probes": 1, "pairs": 2, "problems": 3, "new_tokens": 3,
    "prompts": 2, "judge_documents": 12, "per_latent": 1, "strengths": 2, "draws": 1, "resamples": 1,
    "translations": 4,
}  # fmt: skip


def shrunken(value: Any, key: str = "") -> Any:
    """The same structure with no number larger than SMALL says, no list of strengths longer, every site in layer 0."""
    if isinstance(value, dict):
        return {name: shrunken(inner, name) for name, inner in value.items()}
    if isinstance(value, list) and key in SMALL:
        return value[: SMALL[key]]
    if isinstance(value, list):
        return list(dict.fromkeys(map(shrunken, value)))
    if isinstance(value, str):
        return re.sub(r"^(\w+_(?:post|mid|out|act|z))_\d+$", r"\1_0", value)
    return min(value, SMALL[key]) if key in SMALL else value


def params_of(name: str) -> dict[str, Any]:
    """A preset's params, shrunken; of its subjects the last that is made, and those that it comes from."""
    params = YAML(typ="safe", pure=True).load(ROOT / f"presets/{name}/params.yaml")
    chain, subject = list[str](), ""
    for stage in ("adapt", "orthogonalize", "train"):
        if made := params[stage]["subjects"]:
            subject = subject or list(made)[-1]
            params[stage]["subjects"] = {subject: made[subject]}
            chain, subject = [subject, *chain], made[subject].get("sae", "")
    params["subjects"], params["contrasts"] = chain, {}
    files = params["dataset"]["files"]
    files["languages"] = [language for language in files["languages"] if language in WRITTEN][:3]
    params["dataset"] |= {"valid": 0.25, "test": 0.25}  # so that a few dozen documents are in every split
    return shrunken(params)


def write_text(door: Path, names: list[str]) -> None:
    """xquad/LANGUAGE.jsonl, lingua/LANGUAGE.txt and gsm8k/{train,test}_en.jsonl, as the README.md lays them out."""
    documents = generate_documents(40, (3, 4), 0, dict.fromkeys(WRITTEN, 1.0))
    for folder in ("xquad", "lingua", "gsm8k"):
        (door / folder).mkdir()
    for language in WRITTEN:
        own = [d for d in documents if d.language == language]
        rows = [{"id": f"k{d.parallel}", "lang": language, "context": d.text, "questions": []} for d in own[:20]]
        (door / f"xquad/{language}.jsonl").write_text("".join(map(line, rows)), encoding="utf-8")
        (door / f"lingua/{language}.txt").write_text("".join(f"{d.text}\n" for d in own[20:]), encoding="utf-8")
    told = [d.text for d in generate_documents(64, (3, 4), 1, {"en": 1.0})]
    problems = [problem(story, name, 3 + i % 5, 2 + i % 4) for i, (story, name) in enumerate(zip(told, cycle(names)))]
    for name, rows in {"train": problems[:60], "test": problems[60:]}.items():
        (door / f"gsm8k/{name}_en.jsonl").write_text("".join(map(line, rows)), encoding="utf-8")


def line(row: dict[str, Any]) -> str:
    """One line of a .jsonl file."""
    return json.dumps(row, ensure_ascii=False) + "\n"


def problem(story: str, name: str, one: int, other: int) -> dict[str, str]:
    """A word problem in GSM8K's form, with a story before it, so that no two are alike."""
    question = f"{story} {name} has {one} apples. Then {name} finds {other} more. How many apples does {name} have?"
    solution = f"{name} has {one}+{other}=<<{one}+{other}={one + other}>>{one + other} apples.\n#### {one + other}"
    return {"question": question, "answer": solution}


def write_model(door: Path, text: Path, family: str) -> None:
    """A random model of two layers in Hugging Face's form, with a tokenizer that treats BOS as the family's does."""
    said = [row for path in sorted(text.rglob("*_en.jsonl")) for row in path.read_text(encoding="utf-8").splitlines()]
    tokenizer = train_tokenizer(said, 600)
    if family == "gpt2":
        tokenizer.backend_tokenizer.post_processor = None
    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    sizes = {"vocab_size": len(tokenizer), "num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16} | ids
    heads = {"intermediate_size": 24, "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 768}
    makers = {
        "gpt2": lambda: GPT2LMHeadModel(GPT2Config(n_positions=768, **sizes)),
        "llama": lambda: LlamaForCausalLM(LlamaConfig(**sizes, **heads)),
        "gemma3": lambda: Gemma3ForCausalLM(Gemma3TextConfig(**sizes, **heads, sliding_window=32)),
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_network(door / "made", makers[family]())
    save_tokenizer(door / "made/tokenizer", tokenizer)
    for path in [*(door / "made").glob("*.*"), *(door / "made/tokenizer").iterdir()]:
        path.rename(door / path.name)


def names_of(params: dict[str, Any]) -> list[str]:
    """The first few values of the preset's concept."""
    return list(islice(params["dataset"]["files"]["words"]["name"], 4))


@pytest.mark.parametrize(
    ("name", "family"),
    [("real-languages", ""), ("gemma-3-1b", "gemma3"), ("llama-3.1-8b", "llama"), ("gpt2", "gpt2")],
)
def test_whole_graph(tmp_path, monkeypatch, name, family):
    """Every stage ends well, from files and a model in the preset's form to the report, for a subject of each kind."""
    params = params_of(name)
    project = make_project(tmp_path, params)
    write_text(project / "data/input/text", names_of(params))
    if family:
        write_model(project / "data/input/model", project / "data/input/text", family)
    summary = run_all(project, monkeypatch)

    card = json.loads((project / "data/dataset/card.json").read_text(encoding="utf-8"))
    languages = params["dataset"]["files"]["languages"]
    assert (project / "data/report/index.html").stat().st_size and len(languages) == 3
    assert all(card[f"texts.{language}.test"] for language in languages)
    assert {f"model.bits_per_byte.{language}" for language in languages} <= summary.keys()
    swaps = "swap" in params["evaluate"]["questions"]
    for subject in params["subjects"]:
        asked = ("fvu", "l0", "answers", "swap_success") if swaps else ("fvu", "l0", "kept_latents")
        figures = {key: summary[f"{subject}.{key}"] for key in asked}
        assert None not in figures.values(), figures
        assert not swaps or summary[f"{subject}.swap_pairs"] == 2


@pytest.mark.parametrize("name", sorted(path.parent.name for path in ROOT.glob("presets/*/params.yaml")))
def test_every_preset_keeps_its_structure_when_it_is_shrunken(name):
    """Shrinking removes no key and turns no number into something else."""

    def shape(value: Any) -> Any:
        return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else type(value)

    params = YAML(typ="safe", pure=True).load(ROOT / f"presets/{name}/params.yaml")
    assert shape(shrunken(params)) == shape(params)
