"""Documents and word problems from a folder of files: which files, what belongs together, what is kept and marked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sieve.provenance import digest_file
from sieve.text.balance import balanced, in_turn
from sieve.text.document import Document
from sieve.text.duplicates import group
from sieve.text.entries import Entry, FilesConfig, content, made_problem, read_entries
from sieve.text.marks import mark
from sieve.text.problems import Problem
from sieve.text.rows import SUFFIXES, TextFileError, read_rows

LICENCE = re.compile(r"(licen[cs]es?|copying|copyright|notice)([^a-z].*)?", re.IGNORECASE)
PROSE = ("", ".txt", ".md")


@dataclass(frozen=True)
class Found:
    """What a folder holds.

    `groups` are the problems' numbers, counted together with the documents' `parallel`: equal ones say the same.
    `card` holds `licence`, as it was stated or else the licences' files; `source.<file>`, `licence.<file>` and
    `leakage.<file>`, which are SHA-256; `left_out.<what>`: files and rows in no listed language, and entries that
    `weights` leave out; and `duplicates.exact`, `.near` and `.largest_group`. `held` are the texts of the test file.
    """

    documents: list[Document]
    problems: list[Problem]
    groups: list[int]
    card: dict[str, int | str]
    held: list[str]


def read_files(folder: Path, config: FilesConfig, seed: int) -> Found:
    """Everything in `folder` and its sub-folders; empty texts are skipped.

    Rows keep their order; files, by relative path, and the languages in them take turns, so that the first documents
    are a sample of all.

    Copies, near copies and translations get one number. `seed` draws what `weights` keep. TextFileError names the
    file and the place.
    """
    files, left_out, entries = text_files(folder), Counter[str](), list[Entry]()
    held = _held(folder, files, config)
    licences = {name: path for name, path in _inside(folder).items() if is_licence(path)}
    card: dict[str, int | str] = {"licence": config.licence or _stated(licences)}
    card |= {f"licence.{name}": digest_file(path) for name, path in licences.items()}
    for name, path in files.items():
        if name == config.leakage:
            card[f"leakage.{name}"] = digest_file(path)
        else:
            before = len(entries)
            entries += read_entries(path, name, config, left_out)
            card |= {f"source.{name}": digest_file(path)} if len(entries) > before else {}
    _require_languages(folder, config, entries, left_out)

    groups = group([entry.text for entry in entries], [entry.parallel for entry in entries])
    kept = _kept(entries, groups.numbers, config, seed)
    card |= {f"left_out.{what}": count for what, count in left_out.items()}
    card |= {"left_out.by_weight": len(entries) - len(kept)} if config.weights else {}
    card |= {"duplicates.exact": groups.exact, "duplicates.near": groups.near}
    card["duplicates.largest_group"] = max(Counter(groups.numbers).values())

    documents = [_document(entries[i], groups.numbers[i], config) for i in kept if not entries[i].answer]
    solved = [i for i in kept if entries[i].answer]
    problems = [_problem(entries[i], config) for i in solved]
    _require_words(folder, config, [*documents, *problems])
    return Found(documents, problems, [groups.numbers[i] for i in solved], card, held)


def text_files(folder: Path) -> dict[str, Path]:
    """Relative path -> file that holds text, in that order; a licence does not. TextFileError when there is none."""
    found = {name: path for name, path in _inside(folder).items() if path.suffix.lower() in SUFFIXES}
    found = {name: path for name, path in found.items() if not is_licence(path)}
    if not found:
        raise TextFileError(
            f"{folder} holds no {', '.join(SUFFIXES)} file; put text there: .txt with one document per line, "
            "or one of the others with a column of texts"
        )
    return found


def is_licence(path: Path) -> bool:
    """Whether a file's name says that it is a licence, which is no document whatever it holds."""
    return path.suffix.lower() in PROSE and LICENCE.fullmatch(path.name) is not None


def _stated(licences: Iterable[str]) -> str:
    return f"see {names}" if (names := ", ".join(licences)) else "not stated"


def _inside(folder: Path) -> dict[str, Path]:
    found = {path.relative_to(folder).as_posix(): path for path in Path(folder).rglob("*") if path.is_file()}
    return dict(sorted(found.items()))


def _held(folder: Path, files: dict[str, Path], config: FilesConfig) -> list[str]:
    if not config.leakage:
        return []
    if config.leakage not in files:
        known = ", ".join(files)
        raise TextFileError(f"{folder} holds no '{config.leakage}' to check leakage with; there are: {known}")
    rows = read_rows(files[config.leakage], config.wanted, config.txt == "file")
    return [text for text in (content(row, config) for row in rows) if text.strip()]


def _require_languages(folder: Path, config: FilesConfig, entries: Sequence[Entry], left_out: Counter[str]) -> None:
    there = {entry.language for entry in entries}
    for language in config.languages:
        if language not in there:
            known = ", ".join(sorted(there)) or "none"
            others = ", ".join(sorted(left_out)[:8]) or "nothing"
            raise TextFileError(
                f"{folder} holds no text in '{language}', which `languages` lists; it holds some in: {known}; "
                f"left out, because in no listed language, were: {others}; list what is there"
            )


def _kept(entries: Sequence[Entry], groups: Sequence[int], config: FilesConfig, seed: int) -> list[int]:
    """Indices of what is kept, in the order in which it is told: everything, unless there are weights."""
    kept = _drawn(entries, groups, config, seed) if config.weights else list(range(len(entries)))
    files = [(entries[i].doc.rpartition(":")[0], entries[i].language) for i in kept]
    return [kept[place] for place in in_turn(files)]


def _drawn(entries: Sequence[Entry], groups: Sequence[int], config: FilesConfig, seed: int) -> list[int]:
    languages, sources = [entry.language for entry in entries], [entry.source for entry in entries]
    for names in (languages, sources):
        if set(names) == set(config.weights):
            return balanced(names, groups, config.weights, seed)
    raise TextFileError(
        f"`weights` are for {', '.join(sorted(config.weights))}; give one for each language "
        f"({', '.join(sorted(set(languages)))}), or for each file and folder at the top "
        f"({', '.join(sorted(set(sources)))})"
    )


def _require_words(folder: Path, config: FilesConfig, marked: Sequence[Document | Problem]) -> None:
    """A concept without any word in the text is a mistake; of a single word, that is what the text is like."""
    there = {span.concept for text in marked for span in text.concepts}
    for concept, words in config.words.items():
        if concept not in there:
            raise TextFileError(
                f"{folder} holds no word of concept '{concept}' (words.{concept}: {', '.join(words)}); they are "
                "looked for as whole words, letter case included: list words that occur, or leave the concept out"
            )


def _document(entry: Entry, number: int, config: FilesConfig) -> Document:
    return Document(entry.doc, entry.text, entry.language, number, mark(entry.text, config.words))


def _problem(entry: Entry, config: FilesConfig) -> Problem:
    problem = made_problem(entry)
    return replace(problem, concepts=mark(problem.prompt + problem.solution, config.words))
