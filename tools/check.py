"""check: every mistake of a params file at once, those in the settings of components included.

python -m tools.check [params.yaml]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from sieve.dictionary.adapt import AdaptConfig
from sieve.dictionary.fit import FitConfig
from sieve.dictionary.variants import variant
from sieve.evals import question
from sieve.features.concepts import Settings as ConceptSettings
from sieve.model.pretrain import PretrainConfig
from sieve.text.entries import FilesConfig
from stages._params import ParamsError, load_params, read_values, settings


def check(path: Path) -> None:
    """ParamsError lists all mistakes: of the keys that every params file has, then of what each component defines."""
    values = read_values(path)
    mistakes: list[str] = []
    try:
        load_params(path)
    except ParamsError as error:
        mistakes += error.mistakes
    mistakes += _components(values)
    if mistakes:
        raise ParamsError(str(path), mistakes)


def _components(values: dict[str, Any]) -> Iterator[str]:
    if _at(values, "dataset", "kind") == "files":
        yield from _settings(FilesConfig, values, "dataset", "files")
    yield from _settings(FitConfig, values, "train", "fit")
    yield from _settings(FitConfig, values, "orthogonalize", "fit")
    yield from _settings(AdaptConfig, values, "adapt", "fit")
    yield from _settings(ConceptSettings, values, "filter", "concepts")
    if _at(values, "model", "kind") == "pretrain":
        yield from _settings(PretrainConfig, values, "model", "pretrain")
    for name in _mapping(values, "train", "subjects"):
        yield from _subject(values, name)
    for name in _mapping(values, "evaluate", "questions"):
        yield from _registered(question, name, values, "evaluate", "questions", name)


def _subject(values: dict[str, Any], name: str) -> Iterator[str]:
    place = ("train", "subjects", name)
    yield from _registered(variant, _at(values, *place, "variant"), values, *place, "settings")
    k, latents = _at(values, *place, "settings", "k"), _at(values, *place, "latents")
    if isinstance(k, int) and isinstance(latents, int) and k > latents:
        yield f"{'.'.join(place)}.settings.k: given {k}, but there are only {latents} latents; lower k or raise latents"


def _registered(registry: Callable[[str], ModuleType], name: Any, values: dict[str, Any], *place: str) -> Iterator[str]:
    """What is wrong with the settings at `place` of the component `name`, or that there is no such component."""
    if not isinstance(name, str):
        return
    try:
        module = registry(name)
    except ValueError as error:
        yield f"{'.'.join(place[:3])}: {error}"
    else:
        yield from _settings(module.Settings, values, *place)


def _settings(kind: type, values: dict[str, Any], *place: str) -> list[str]:
    """What is wrong with the mapping at `place`; one that is missing or no mapping is told by `load_params` already."""
    given = _at(values, *place)
    try:
        if isinstance(given, dict):
            settings(kind, given, ".".join(place))
    except ParamsError as error:
        return error.mistakes
    return []


def _at(values: Any, *place: str) -> Any:
    for part in place:
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _mapping(values: dict[str, Any], *place: str) -> dict[str, Any]:
    found = _at(values, *place)
    return found if isinstance(found, dict) else {}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?", default=Path("params.yaml"))
    path = parser.parse_args().path
    try:
        check(path)
    except ParamsError as error:
        sys.exit(str(error))
    print(f"{path}: no mistakes")


if __name__ == "__main__":
    main()
