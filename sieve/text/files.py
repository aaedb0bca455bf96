"""Documents from a folder of .txt files (one document per line) and .jsonl files (one JSON object per line)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sieve.text.document import Document, Span

SUFFIXES = (".jsonl", ".txt")


class TextFileError(ValueError):
    """A folder or file that cannot be read as documents."""


def read_documents(folder: Path, column: str, language: str, words: Mapping[str, Sequence[str]]) -> list[Document]:
    """Every document in `folder` and its sub-folders, in the order of relative paths and lines; empty ones are skipped.

    `column` is the .jsonl key that holds the text. An object's own `language` wins over the default. `words` maps a
    concept to the words that are marked as its values. Documents that differ at most in white space share a `parallel`
    number, so that copies end up in one split. TextFileError names the file and the line.
    """
    empty = [concept for concept, values in words.items() if not all(values)]
    if empty:
        raise TextFileError(f"the words of concept '{empty[0]}' hold an empty one; give at least one letter")
    numbers: dict[str, int] = {}
    documents: list[Document] = []
    for path in _text_files(folder):
        name, before = path.relative_to(folder).as_posix(), len(documents)
        for line, text, own in _records(path, column):
            parallel = numbers.setdefault(" ".join(text.split()), len(numbers))
            documents.append(Document(f"{name}:{line}", text, own or language, parallel, _mark(text, words)))
        if len(documents) == before:
            raise TextFileError(f"{path} holds no text, only empty lines; fill it or remove it")
    return documents


def _text_files(folder: Path) -> list[Path]:
    found = [path for path in Path(folder).rglob("*") if path.suffix in SUFFIXES and path.is_file()]
    if not found:
        raise TextFileError(
            f"{folder} holds no {' or '.join(SUFFIXES)} file; put text there: "
            ".txt with one document per line, or .jsonl with one JSON object per line"
        )
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _records(path: Path, column: str) -> Iterator[tuple[int, str, str | None]]:
    """(line number, text, language or None) of each line that says something."""
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        text, language = _object(path, number, line, column) if path.suffix == ".jsonl" else (line, None)
        if text.strip():
            yield number, text, language


def _lines(path: Path) -> list[str]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        what = f"byte {data[error.start]:#04x} at offset {error.start}: {error.reason}"
        raise TextFileError(f"{path} is not UTF-8 ({what}); convert the file to UTF-8") from None
    # not splitlines(): JSON strings may hold U+2028 and its like
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _object(path: Path, number: int, line: str, column: str) -> tuple[str, str | None]:
    where = f"{path}, line {number}"
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TextFileError(f"{where} is not JSON ({error}); a .jsonl file holds one JSON object per line") from None
    if not isinstance(value, dict):
        raise TextFileError(f"{where} is a JSON {type(value).__name__}; a .jsonl file holds one JSON object per line")
    if column not in value:
        keys = ", ".join(f"'{key}'" for key in value) or "none"
        raise TextFileError(f"{where} has no '{column}'; its keys are: {keys}; give one of them as `column`")
    language = value.get("language")
    for key, found in ((column, value[column]), ("language", "" if language is None else language)):
        _check_text(found, key, where)
    return value[column], language


def _check_text(value: object, key: str, where: str) -> None:
    if not isinstance(value, str):
        raise TextFileError(f"{where}: '{key}' is {json.dumps(value)[:60]}, which is no text; give a string")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise TextFileError(f"{where}: '{key}' holds half a surrogate pair, which is no character; remove it") from None


def _mark(text: str, words: Mapping[str, Sequence[str]]) -> tuple[Span, ...]:
    """Every whole-word occurrence, letter case included, sorted by where it starts."""
    spans = [
        Span(concept, word, start, start + len(word))
        for concept, values in words.items()
        for word in dict.fromkeys(values)
        for start in _occurrences(text, word)
    ]
    return tuple(sorted(spans, key=lambda span: (span.start, span.end)))


def _occurrences(text: str, word: str) -> Iterator[int]:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (_in_word(text[start - 1 : start]) or _in_word(text[end : end + 1])):
            yield start
        start = text.find(word, start + 1)


def _in_word(letter: str) -> bool:
    """Whether one character (or none, at an end of the text) belongs to a word; combining marks do, unlike in `\\w`."""
    return bool(letter) and (letter.isalnum() or letter == "_" or unicodedata.category(letter).startswith("M"))
