"""fetch: fill the doors data/input/text and data/input/model with copies of local files.

    python -m tools.fetch --text stories.json --text more/ --model some-model/

--text   a .txt file (one document per line), a .jsonl file (one object per line), a .json file that holds a list of
         strings (becomes .jsonl with the column `text`), or a folder of such
--model  a Hugging Face folder of a causal LM with safetensors weights and a tokenizer.json

What was in a door before is replaced, except its README.md; when anything is wrong, both doors stay as they were.
"""

from __future__ import annotations

import argparse
import json
import shutil
from contextlib import ExitStack
from pathlib import Path

from sieve.model.language_model import check_folder
from sieve.provenance import publish, read_json
from tools._project import project_root, run

TEXT, MODEL = Path("data/input/text"), Path("data/input/model")
TEXT_SUFFIXES = (".json", ".jsonl", ".txt")
INDEX = "model.safetensors.index.json"
MODEL_FILES = (
    "config.json",
    "generation_config.json",
    INDEX,
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
)

Plan = dict[str, Path]


def fetch(root: Path, texts: list[Path], model: Path | None) -> list[Path]:
    """Fill the doors of the project at `root`; returns what now lies in them. After an error nothing has changed."""
    plans = {TEXT: plan_texts(texts)} if texts else {}
    if model:
        plans[MODEL] = plan_model(model)
    with ExitStack() as stack:
        for door, plan in plans.items():
            _fill(stack.enter_context(publish(root / door)), root / door, plan)
    return [root / door / name for door, plan in plans.items() for name in sorted(plan)]


def plan_texts(sources: list[Path]) -> Plan:
    """Name in the door -> source. ValueError for what is no text, and for two sources of one name."""
    plan: Plan = {}
    for given in sources:
        for name, source in _text_files(given):
            target = str(Path(name).with_suffix(".jsonl")) if source.suffix == ".json" else name
            if target in plan:
                raise ValueError(f"{plan[target]} and {source} would both become {TEXT / target}; rename one of them")
            plan[target] = source
    return plan


def _text_files(given: Path) -> list[tuple[str, Path]]:
    if not given.exists():
        raise FileNotFoundError(f"--text {given} does not exist")
    inside = sorted(given.rglob("*")) if given.is_dir() else [given]
    found = [path for path in inside if path.suffix in TEXT_SUFFIXES and path.is_file()]
    if not found:
        expected = f"a {', '.join(TEXT_SUFFIXES)} file or a folder of such"
        raise ValueError(f"--text {given} holds no text that can be read here; expected {expected}")
    return [(path.relative_to(given if given.is_dir() else given.parent).as_posix(), path) for path in found]


def plan_model(folder: Path) -> Plan:
    """Name in the door -> source. ValueError when the folder cannot be opened safely or lacks one of its shards."""
    check_folder(folder)
    names = {path.name for path in folder.glob("*.safetensors")}
    if (folder / INDEX).is_file():
        missing = sorted(set(read_json(folder / INDEX)["weight_map"].values()) - names)
        if missing:
            raise ValueError(f"{folder} lacks {', '.join(missing)}, which its {INDEX} names; complete the folder")
    names |= {name for name in MODEL_FILES if (folder / name).is_file()}
    return {name: folder / name for name in names}


def _fill(folder: Path, door: Path, plan: Plan) -> None:
    folder.mkdir()
    if (door / "README.md").is_file():
        shutil.copyfile(door / "README.md", folder / "README.md")
    for name, source in plan.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".json" and name.endswith(".jsonl"):
            (folder / name).write_text(_lines(source), encoding="utf-8", newline="\n")
        else:
            shutil.copyfile(source, folder / name)  # a copy: DVC makes what it links read-only


def _lines(source: Path) -> str:
    """A .json list of strings as .jsonl."""
    try:
        values = read_json(source)
    except ValueError as error:
        raise ValueError(f"{source} is not JSON in UTF-8 ({error}); expected a list of strings") from None
    if not isinstance(values, list):
        kind = type(values).__name__
        raise ValueError(f"{source} holds a JSON {kind}; expected a list of strings, or give .jsonl or .txt")
    wrong = next((i for i, value in enumerate(values) if not isinstance(value, str)), None)
    if wrong is not None:
        raise ValueError(f"{source}: entry {wrong} is a {type(values[wrong]).__name__}; expected a list of strings")
    return "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in values)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, action="append", default=[], metavar="PATH", help="any number of times")
    parser.add_argument("--model", type=Path, metavar="PATH")
    given = parser.parse_args()
    if not given.text and not given.model:
        parser.error("nothing to fetch: give --text, --model or both")
    root = project_root()
    for path in fetch(root, given.text, given.model):
        print(f"{path.relative_to(root)}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    run(main)
