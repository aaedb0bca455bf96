"""Documents from files: what is read, in which order, what is marked, and what wrong files say."""

import json
from pathlib import Path

import pytest

from sieve.text.document import Span
from sieve.text.files import TextFileError, read_documents


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, words: dict[str, list[str]] | None = None, column: str = "text"):
    return read_documents(folder, column, "en", words or {})


def refusal(folder: Path, **arguments) -> str:
    with pytest.raises(TextFileError) as caught:
        read(folder, **arguments)
    return str(caught.value)


def test_one_document_per_line(tmp_path):
    """A .txt line is a document named by its path and line number; empty lines count but make none."""
    write(tmp_path, "a.txt", "One.\n\n  \nTwo.\n")
    assert [(d.doc, d.text) for d in read(tmp_path)] == [("a.txt:1", "One."), ("a.txt:4", "Two.")]


def test_every_line_end_and_a_byte_order_mark(tmp_path):
    """Line ends of all systems are alike and a byte order mark is no text."""
    write(tmp_path, "a.txt", b"\xef\xbb\xbfOne.\r\nTwo.\rThree.")
    assert [d.text for d in read(tmp_path)] == ["One.", "Two.", "Three."]


def test_language_of_the_object_wins(tmp_path):
    """A .jsonl object's own language is taken where it has one, else the default."""
    write(tmp_path, "a.jsonl", '{"text": "Hola.", "language": "es"}\n{"text": "Hi."}\n{"text": "", "language": "de"}\n')
    assert [d.language for d in read(tmp_path)] == ["es", "en"]


def test_text_is_taken_as_it_is(tmp_path):
    """Line breaks, separators and spaces inside a JSON string survive."""
    text = " One.\nTwo.\u2028Three.\x0b\x85 "
    write(tmp_path, "a.jsonl", json.dumps({"story": text}, ensure_ascii=False))
    assert [d.text for d in read(tmp_path, column="story")] == [text]


def test_order_is_that_of_relative_paths(tmp_path):
    """Files are read in the order of their relative paths, sub-folders included; other files are ignored."""
    for name in ("b.txt", "a/z.txt", "a.jsonl", "README.md", "c.json"):
        write(tmp_path, name, '{"text": "."}')
    assert [d.doc for d in read(tmp_path)] == ["a.jsonl:1", "a/z.txt:1", "b.txt:1"]


def test_copies_share_a_parallel_number(tmp_path):
    """Texts that differ at most in white space have one number, all others their own, wherever they lie."""
    write(tmp_path, "a.txt", "One.\nTwo  words.\nOne.\n")
    write(tmp_path, "b.jsonl", '{"text": "Two words."}\n{"text": "Three."}')
    assert [d.parallel for d in read(tmp_path)] == [0, 1, 0, 1, 2]


def test_marks_are_whole_words(tmp_path):
    """A word is marked wherever it stands alone, letter case included, and never inside another word."""
    text = "Tim saw Timmy. tim, Tim's cat and _Tim; ¡Tim! Vic\u0301tim Tim\u0301 Tim2 Tim"
    write(tmp_path, "a.txt", text)
    (document,) = read(tmp_path, {"name": ["Tim"]})
    assert all(text[s.start : s.end] == s.value == "Tim" for s in document.concepts)
    assert [s.start for s in document.concepts] == [0, text.index("Tim's"), text.index("Tim!"), len(text) - 3]


def test_marks_of_several_concepts_are_sorted_by_place(tmp_path):
    """Spans of all concepts come in text order; overlapping words are all marked, doubled ones once."""
    write(tmp_path, "a.txt", "New York met Анна.")
    (document,) = read(tmp_path, {"name": ["Анна", "Анна"], "city": ["York", "New York"]})
    assert document.concepts == (
        Span("city", "New York", 0, 8),
        Span("city", "York", 4, 8),
        Span("name", "Анна", 13, 17),
    )


def test_empty_word_is_refused(tmp_path):
    """An empty word would stand everywhere."""
    write(tmp_path, "a.txt", "One.")
    assert "'name'" in refusal(tmp_path, words={"name": ["Tim", ""]})


@pytest.mark.parametrize("name", [None, "README.md"])
def test_folder_without_text_is_refused(tmp_path, name):
    """The message names the folder and what it should hold."""
    if name:
        write(tmp_path, name, "Put text here.")
    message = refusal(tmp_path)
    assert str(tmp_path) in message
    assert ".txt" in message and ".jsonl" in message


def test_other_encodings_are_refused(tmp_path):
    """The message names the file and the offset of the first wrong byte."""
    path = write(tmp_path, "a.txt", "Hello.\nJosé".encode("latin-1"))
    message = refusal(tmp_path)
    assert str(path) in message and "0xe9" in message and "offset 10" in message


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
@pytest.mark.parametrize("content", ["", "\n \n"])
def test_file_without_text_is_refused(tmp_path, name, content):
    """A file with only empty lines is named."""
    path = write(tmp_path, name, content)
    write(tmp_path, "b.txt", "One.")
    assert f"{path} holds no text" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{'text': 1}", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('["One."]', "is a JSON list"),
        ('"One."', "is a JSON str"),
        ('{"title": "A", "body": "B"}', "no 'text'; its keys are: 'title', 'body'"),
        ("{}", "its keys are: none"),
        ('{"text": null}', "'text' is null, which is no text"),
        ('{"text": ["One."]}', "'text' is [\"One.\"]"),
        ('{"text": "One.", "language": 3}', "'language' is 3"),
        ('{"text": "\\ud83d"}', "half a surrogate pair"),
    ],
)
def test_wrong_line_is_refused(tmp_path, line, told):
    """The message names file and line, and says what is there and what should be."""
    path = write(tmp_path, "a.jsonl", '{"text": "Good."}\n\n' + line)
    message = refusal(tmp_path)
    assert f"{path}, line 3" in message and told in message
