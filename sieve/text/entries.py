"""What a file's rows say: documents and word problems, each in its language; `FilesConfig` tells what stands where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from sieve.text.problems import Problem
from sieve.text.rows import Row, TextFileError, read_rows, text_value, value

Role = Literal["text", "language", "parallel", "question", "answer"]
BEFORE, AFTER = "Problem: ", "\nSolution:"
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class FilesConfig:
    """How files are read.

    `columns` names the column of each role: `text` of a document; or `question` and `answer` of a word problem, which
    is a row that has that question; `parallel`, equal in translations of each other (plain lines and problems need
    none); `language`. `txt` says whether each line of a .txt file is a document, or the file. `language` says where a
    document's language stands: in its column, its file's name (de.txt, news_de.csv), its folder (de/news.csv), or
    nowhere (`fixed`: the one listed).
    Only `languages` are read. `words` maps a concept to the words that are marked as its values. `weights` (none: all
    that there is) maps each language, or each file and folder at the top, to its share. `leakage` names a test file
    (none: ""), which is not read but looked for in the training text. `licence` of the text is for
    the card (none: "").
    """

    columns: dict[Role, str]
    txt: Literal["line", "file"]
    language: Literal["fixed", "column", "name", "folder"]
    languages: list[str]
    words: dict[str, list[str]]
    weights: dict[str, float]
    leakage: str
    licence: str

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        """ValueError tells all that does not fit together."""
        if wrong := list(self._mistakes()):
            raise ValueError("; ".join(wrong))

    @property
    def wanted(self) -> list[str]:
        """The columns that are read; first the one that a file without columns has."""
        first = self.columns.get("text", self.columns.get("question", ""))
        return [first, *(name for name in self.columns.values() if name != first)]

    def _mistakes(self) -> Iterator[str]:
        if ("question" in self.columns) != ("answer" in self.columns):
            yield "columns names one of question and answer; a word problem needs both"
        if not {"text", "question"} & set(self.columns):
            yield "columns names no text; name the column of documents (text) or of problems (question and answer)"
        if self.language == "column" and "language" not in self.columns:
            yield "language stands in a column, but columns names none for it; name it there"
        if not self.languages or (self.language == "fixed" and len(self.languages) > 1):
            told = f"languages lists {len(self.languages)}"
            yield f"{told}; list those to read, or with `language: fixed` the one that all documents are in"
        for concept, words in self.words.items():
            if not re.fullmatch(r"[a-z0-9_]+", concept):
                yield f"words.{concept}: '{concept}' is not an id; use lower-case letters, digits and _"
            if not words:
                yield f"words.{concept}: lists no word of concept '{concept}'; list some, or leave the concept out"
            if not all(words):
                yield f"words.{concept}: the words of concept '{concept}' hold an empty one; give at least one letter"
        for name, weight in self.weights.items():
            if not 0 < weight < float("inf"):
                yield f"weights.{name}: given {weight}; must be above 0, and whatever is to be left out in no list"


class Entry(NamedTuple):
    """One document, or a word problem: then `text` is its question, and `answer` is not empty.

    `source` is the file or folder at the top; entries of equal `parallel` (None: none) say the same.
    """

    doc: str
    source: str
    language: str
    text: str
    parallel: str | None
    solution: str
    answer: str


def read_entries(path: Path, name: str, config: FilesConfig, left_out: Counter[str]) -> Iterator[Entry]:
    """Every entry of the file called `name`; rows without text are skipped.

    `left_out` counts rows in languages that are not listed, and files whose name or folder says none that is listed.
    """
    given, empty = file_language(name, config), True
    if given == "":
        left_out[name] += 1
        return
    for row in read_rows(path, config.wanted, config.txt == "file"):
        text = content(row, config)
        if not text.strip():
            continue
        empty = False
        language = given or text_value(row, config.columns["language"])
        if not language:
            raise TextFileError(f"{row.where}: '{config.columns['language']}' is empty; fill it or remove the row")
        if language not in config.languages:
            left_out[f"{name}:{language}"] += 1
            continue
        solution, answer = _solution(row, config.columns["answer"]) if _is_problem(row, config) else ("", "")
        source = PurePosixPath(name).parts[0]
        yield Entry(f"{name}:{row.number}", source, language, text, _parallel(row, config), solution, answer)
    if empty:
        raise TextFileError(f"{path} holds no text, only empty rows; fill it or remove it")


def content(row: Row, config: FilesConfig) -> str:
    """What a row says: its question if it is a word problem, else its text."""
    if _is_problem(row, config):
        return text_value(row, config.columns["question"])
    return text_value(row, config.wanted[0])


def file_language(name: str, config: FilesConfig) -> str | None:
    """The language of a file's documents; "" when it is none of those listed, None when each row says its own."""
    path = PurePosixPath(name)
    if config.language == "column":
        return None
    if config.language == "fixed":
        return config.languages[0]
    if config.language == "folder":
        return next((part for part in reversed(path.parent.parts) if part in config.languages), "")
    named = [lang for lang in config.languages if re.search(rf"(?<![^\W_]){re.escape(lang)}(?![^\W_])", path.stem)]
    longest = [lang for lang in named if not any(lang != other and lang in other for other in named)]
    if len(longest) > 1:
        raise TextFileError(f"{name} names the languages {', '.join(longest)}; rename it so that it names one")
    return longest[0] if longest else ""


def made_problem(entry: Entry) -> Problem:
    """A word problem of a file; it has no template, and its numbers are nowhere listed."""
    prompt = f"{BEFORE}{entry.text.strip()}{AFTER}"
    return Problem(entry.doc, prompt, entry.solution, entry.answer, entry.language, "", (), ())


def question(problem: Problem) -> str:
    """The question alone, as it is compared with others."""
    return problem.prompt.removeprefix(BEFORE).removesuffix(AFTER)


def _is_problem(row: Row, config: FilesConfig) -> bool:
    """Whether a question is there; where `columns` names no text, every row must be a problem."""
    if "question" not in config.columns or "text" not in config.columns:
        return "question" in config.columns
    return row.values.get(config.columns["question"]) not in (None, "")


def _parallel(row: Row, config: FilesConfig) -> str | None:
    if "parallel" not in config.columns:
        return None
    column = config.columns["parallel"]
    if column not in row.columns and (len(row.columns) == 1 or _is_problem(row, config)):
        return None
    key = value(row, column)
    return None if key is None or key == "" else str(key)


def _solution(row: Row, column: str) -> tuple[str, str]:
    """(solution, answer). The answer is what follows the last '####' (as in GSM8K), or all; commas of thousands go."""
    found = value(row, column)
    number = isinstance(found, (int, float)) and not isinstance(found, bool)
    reasoning, _, last = (repr(found) if number else text_value(row, column)).rpartition("####")
    answer = re.sub(r"(?<=[0-9]),(?=[0-9]{3})", "", last.strip())
    if not NUMBER.fullmatch(answer):
        told = "a word problem's answer is a number, alone or after '####'"
        raise TextFileError(f"{row.where}: '{column}' ends with '{last.strip()[-40:]}', which is no number; {told}")
    answer = answer.rstrip("0").rstrip(".") if "." in answer else answer
    before = f" {reasoning.strip()}\n" if reasoning.strip() else " "
    return f"{before}Answer: {answer}", answer
