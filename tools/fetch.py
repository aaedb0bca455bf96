"""fetch: fill the doors data/input/text and data/input/model with copies of local files, or from a hub.

    python -m tools.fetch --text stories.json more/ --model some-model/
    python -m tools.fetch --text wiki/de.jsonl wiki/en.jsonl --as wiki --keep
    python -m tools.fetch --hub-text owner/name --revision COMMIT --rows 2000 --column text --as de.jsonl --keep
    python -m tools.fetch --hub-model owner/name --revision COMMIT

--text       .txt, .jsonl, .json, .csv, .tsv or .parquet files, and folders of such, whose licences come along
--model      a Hugging Face folder of a causal LM with safetensors weights and a tokenizer.json
--hub-text   a dataset of a hub, of which the first --rows become one .jsonl file
--hub-model  a model of a hub: its safetensors weights, config and tokenizer; no code is taken or run

--as says where in data/input/text: the name of the one file that comes, or the folder that --text goes into.
--revision is a full commit; what may change (main, a tag) is refused. What was in a door before is replaced, except its
README.md, or kept beside with --keep. Where everything came from is written to data/input/sources.json, which belongs
in git. When anything is wrong, both doors and that file stay as they were. The network is used only for a hub.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sieve.model.language_model import check_folder
from sieve.provenance import digest_file, publish, read_json, write_json
from sieve.text.files import is_licence
from sieve.text.rows import SUFFIXES
from tools._hub import Pinned, hub_model, hub_rows
from tools._project import project_root, run

TEXT, MODEL = Path("data/input/text"), Path("data/input/model")
SOURCES = Path("data/input/sources.json")
INDEX = "model.safetensors.index.json"
MODEL_FILES = (
    "config.json",
    "generation_config.json",
    INDEX,
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
)


@dataclass
class Arrival:
    """A file on its way into a door: how it is written to a path, and what to remember of where it comes from."""

    write: Callable[[Path], None]
    origin: dict[str, Any] = field(default_factory=dict)


Plan = dict[str, Arrival]


def fetch(root: Path, plans: dict[Path, Plan], keep: bool = False) -> list[Path]:
    """Fill the doors of the project at `root`; returns what now lies in them. After an error nothing has changed."""
    known = _known(root / SOURCES)
    with ExitStack() as stack:
        sources = stack.enter_context(publish(root / SOURCES))
        for door, plan in plans.items():
            folder = stack.enter_context(publish(root / door))
            kept = _start(folder, root / door, keep)
            for name, arrival in plan.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                arrival.write(folder / name)
                arrival.origin["sha256"] = digest_file(folder / name)
            before = {name: origin for name, origin in known.get(door.name, {}).items() if name in kept}
            known[door.name] = before | {name: arrival.origin for name, arrival in plan.items()}
        write_json(sources, known)
    return [root / door / name for door, plan in plans.items() for name in sorted(plan)]


def _known(path: Path) -> dict[str, Any]:
    try:
        known = read_json(path) if path.is_file() else {}
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}); restore it with git, or remove it") from None
    if not isinstance(known, dict) or not all(isinstance(entries, dict) for entries in known.values()):
        raise ValueError(f"{path} holds something else than files by door; restore it with git, or remove it")
    return known


def plan_texts(given: list[Path], name: str = "") -> Plan:
    """Name in the door -> what comes, as the file `name` or in the folder `name` (none: where it stands by itself).

    ValueError for what is no text, and for two sources of one name.
    """
    plan: Plan = {}
    for source in given:
        for own, path in _text_files(source):
            target = _target(name, own)
            if target in plan:
                raise ValueError(f"{source} would be the second to become {TEXT / target}; rename one of them")
            plan[target] = _copy(path)
    return plan


def _target(name: str, own: str) -> str:
    """What a file that is called `own` is called in the door."""
    _require_inside(name)
    wanted = Path(name).suffix.lower()
    if wanted not in SUFFIXES:
        return (Path(name) / own).as_posix()
    if wanted != Path(own).suffix.lower():
        raise ValueError(
            f"--as {name}: {own} would change its kind; give a name that ends as the file does, or a folder"
        )
    return name


def _require_inside(name: str) -> None:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"--as {name}: give a name in {TEXT}, without '..'")


def plan_hub_text(
    source: Pinned, config: str | None, split: str, columns: list[str], distinct: str | None, rows: int, name: str
) -> Plan:
    """One .jsonl file of the first `rows` rows of a dataset's split, or of those with another value of `distinct`."""
    if rows < 1:
        raise ValueError(f"--rows {rows}: give at least 1")
    _require_inside(name)
    if Path(name).suffix != ".jsonl":
        raise ValueError(f"--as {name}: what comes from a hub is .jsonl; give a name that ends so")
    origin: dict[str, Any] = {
        "hub": source.name,
        "revision": source.revision,
        "config": config,
        "split": split,
        "columns": columns,
        "distinct": distinct,
    }

    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            count = sum(bool(file.write(line)) for line in hub_rows(source, config, split, columns, distinct, rows))
        if not count:
            raise ValueError(f"{source} has no rows in split '{split}'; give another --split or --config")
        origin["rows"] = count

    return {name: Arrival(write, origin)}


def plan_model(folder: Path, origin: dict[str, Any] | None = None) -> Plan:
    """Name in the door -> what comes. ValueError when the folder cannot be opened safely or lacks a shard."""
    check_folder(folder)
    names = {path.name for path in folder.glob("*.safetensors")}
    if (folder / INDEX).is_file():
        missing = sorted(set(read_json(folder / INDEX)["weight_map"].values()) - names)
        if missing:
            raise ValueError(f"{folder} lacks {', '.join(missing)}, which its {INDEX} names; complete the folder")
    names |= {name for name in MODEL_FILES if (folder / name).is_file()}
    return {name: _copy(folder / name, origin) for name in names}


def _text_files(given: Path) -> list[tuple[str, Path]]:
    if not given.exists():
        raise FileNotFoundError(f"--text {given} does not exist")
    inside = sorted(given.rglob("*")) if given.is_dir() else [given]
    files = [path for path in inside if path.is_file()]
    found = [path for path in files if path.suffix.lower() in SUFFIXES or is_licence(path)]
    if all(is_licence(path) for path in found):
        expected = f"a {', '.join(SUFFIXES)} file or a folder of such"
        raise ValueError(f"--text {given} holds no text that can be read here; expected {expected}")
    return [(path.relative_to(given if given.is_dir() else given.parent).as_posix(), path) for path in found]


def _copy(source: Path, origin: dict[str, Any] | None = None) -> Arrival:
    def write(path: Path) -> None:
        shutil.copyfile(source, path)  # a copy: DVC makes what it links read-only

    return Arrival(write, dict(origin or {"file": source.name}))


def _start(folder: Path, door: Path, keep: bool) -> set[str]:
    """A new door with what stays of the old one; returns the names of that."""
    folder.mkdir()
    there = [path for path in sorted(door.rglob("*")) if path.is_file()]
    stays = [path for path in there if keep or path == door / "README.md"]
    for path in stays:
        target = folder / path.relative_to(door)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return {path.relative_to(door).as_posix() for path in stays}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, nargs="+", action="extend", default=[], metavar="PATH")
    parser.add_argument("--model", type=Path, metavar="PATH")
    parser.add_argument("--hub-text", metavar="NAME")
    parser.add_argument("--hub-model", metavar="NAME")
    parser.add_argument("--revision", default="", metavar="COMMIT", help="40 hexadecimal digits")
    parser.add_argument("--config", help="of the dataset, where it has several")
    parser.add_argument("--split", default="train")
    parser.add_argument("--rows", type=int, default=10_000, help="at most so many (10000)")
    parser.add_argument("--column", action="append", default=[], help="any number of times; none: all")
    parser.add_argument("--distinct", metavar="COLUMN", help="take the first row of each value of this column")
    parser.add_argument("--as", dest="name", default="", metavar="NAME", help="file or folder in the door")
    parser.add_argument("--keep", action="store_true", help="keep what lies in the door, unless it has the same name")
    return parser


def main() -> None:
    """The command line."""
    parser = _parser()
    given = parser.parse_args()
    pairs = ((given.text, given.hub_text), (given.model, given.hub_model), (given.hub_text, given.hub_model))
    if any(one and other for one, other in pairs):
        parser.error("give one source per door, and one --revision at a time; --keep adds to a door")
    if not (given.text or given.model or given.hub_text or given.hub_model):
        parser.error("nothing to fetch: give --text, --model, --hub-text or --hub-model")
    root = project_root()
    with tempfile.TemporaryDirectory(dir=root / ".work") as folder:
        for path in fetch(root, _plans(given, Path(folder)), given.keep):
            print(f"{path.relative_to(root)}  {path.stat().st_size:,} bytes")


def _plans(given: argparse.Namespace, folder: Path) -> dict[Path, Plan]:
    """What goes into which door; a hub's model is downloaded to `folder` first."""
    plans: dict[Path, Plan] = {}
    if given.text:
        plans[TEXT] = plan_texts(given.text, given.name)
    if given.hub_text:
        source = Pinned("datasets", given.hub_text, given.revision)
        name = given.name or f"{given.hub_text.split('/')[-1]}.jsonl"
        wish = (given.config, given.split, given.column, given.distinct, given.rows, name)
        plans[TEXT] = plan_hub_text(source, *wish)
    if given.model:
        plans[MODEL] = plan_model(given.model)
    if given.hub_model:
        source = Pinned("models", given.hub_model, given.revision)
        hub_model(source, ["*.safetensors", *MODEL_FILES], folder)
        plans[MODEL] = plan_model(folder, {"hub": source.name, "revision": source.revision})
    return plans


if __name__ == "__main__":
    run(main)
