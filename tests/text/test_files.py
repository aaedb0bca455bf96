"""Documents from a folder of files: what is read, in which order and language, what is marked, what wrong files say."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sieve.text.document import Span
from sieve.text.entries import FilesConfig, file_language
from sieve.text.files import is_licence, read_files
from sieve.text.rows import TextFileError

PLAIN = FilesConfig({"text": "text"}, "line", "fixed", ["en"], {}, {}, "", "")
OWN = replace(PLAIN, columns={"text": "text", "language": "language"}, language="column", languages=["en", "es"])
SUMS = replace(PLAIN, columns={"question": "question", "answer": "answer"})


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, config: FilesConfig = PLAIN, **changes):
    return read_files(folder, replace(config, **changes), seed=0)


def refusal(folder: Path, config: FilesConfig = PLAIN, **changes) -> str:
    with pytest.raises(TextFileError) as caught:
        read(folder, config, **changes)
    return str(caught.value)


def test_one_document_per_line(tmp_path):
    """A .txt line is a document named by its path and line number; empty lines count but make none."""
    write(tmp_path, "a.txt", "One.\n\n  \nTwo.\n")
    assert [(d.doc, d.text) for d in read(tmp_path).documents] == [("a.txt:1", "One."), ("a.txt:4", "Two.")]


def test_one_document_per_file(tmp_path):
    """With `txt: file` a .txt file is one document, its last line end aside."""
    write(tmp_path, "a.txt", "One.\r\n\nTwo.\n")
    assert [(d.doc, d.text) for d in read(tmp_path, txt="file").documents] == [("a.txt:1", "One.\n\nTwo.")]


def test_every_line_end_and_a_byte_order_mark(tmp_path):
    """Line ends of all systems are alike and a byte order mark is no text."""
    write(tmp_path, "a.txt", b"\xef\xbb\xbfOne.\r\nTwo.\rThree.")
    assert [d.text for d in read(tmp_path).documents] == ["One.", "Two.", "Three."]


def test_language_of_a_column(tmp_path):
    """Each row says its language; rows in another than the listed are left out and counted."""
    rows = [{"text": "Hola.", "language": "es"}, {"text": "Hi.", "language": "en"}, {"text": "Na.", "language": "de"}]
    write(tmp_path, "a.json", json.dumps(rows))
    found = read(tmp_path, OWN)
    assert [(d.text, d.language) for d in found.documents] == [("Hola.", "es"), ("Hi.", "en")]
    assert found.card["left_out.a.json:de"] == 1


def test_language_of_a_name_or_folder(tmp_path):
    """The listed languages are looked for in names or folders; what names none, like a LICENCE, is left out."""
    for name in ("de/one.txt", "en/two.txt", "de.txt", "news_en.txt", "LICENCE.txt", "notes.txt"):
        write(tmp_path, name, name)
    write(tmp_path, "notes.txt", b"\xff is never opened")
    by_name = read(tmp_path, language="name", languages=["de", "en"])
    assert [(d.text, d.language) for d in by_name.documents] == [("de.txt", "de"), ("news_en.txt", "en")]
    assert {key for key in by_name.card if key.startswith("left_out")} == {
        "left_out.de/one.txt", "left_out.en/two.txt", "left_out.notes.txt",
    }  # fmt: skip
    by_folder = read(tmp_path, language="folder", languages=["de", "en"])
    assert [(d.text, d.language) for d in by_folder.documents] == [("de/one.txt", "de"), ("en/two.txt", "en")]


@pytest.mark.parametrize(
    ("name", "language"),
    [("zh.txt", "zh"), ("zh-Hant.txt", "zh-Hant"), ("mgsm_zh.tsv", "zh"), ("zhuyin.txt", ""), ("a/zh/b.txt", "")],
)
def test_language_in_a_name_is_a_whole_word(name, language):
    """The longest listed language that stands alone in the name counts, and folders don't."""
    assert file_language(name, replace(PLAIN, language="name", languages=["zh", "zh-Hant"])) == language


def test_two_languages_in_a_name_are_refused(tmp_path):
    """Which of two would be a guess."""
    write(tmp_path, "de_en.txt", "One.")
    assert "names the languages de, en" in refusal(tmp_path, language="name", languages=["de", "en"])


def test_listed_language_without_text_is_refused(tmp_path):
    """A misspelt language would silently be missing; the message says what is there and what was left out."""
    write(tmp_path, "de.txt", "Eins.")
    write(tmp_path, "fr.txt", "Un.")
    message = refusal(tmp_path, language="name", languages=["de", "frr"])
    assert "no text in 'frr'" in message and "some in: de" in message and "fr.txt" in message


def test_licence_is_told_and_never_read(tmp_path):
    """A licence's digest stands on the card, whatever its place; a table may have any name."""
    write(tmp_path, "a.txt", "One.")
    write(tmp_path, "sub/LICENSE", b"\xff")
    found = read(tmp_path)
    assert len(found.documents) == 1 and len(str(found.card["licence.sub/LICENSE"])) == 64
    assert found.card["licence"] == "see sub/LICENSE"
    assert read(tmp_path, licence="CC0-1.0").card["licence"] == "CC0-1.0"
    names = ("LICENCE", "LICENSE.txt", "LICENSE-MIT", "COPYING", "Notice.md", "licensed.txt", "notice.csv", "a.txt")
    assert [is_licence(Path(name)) for name in names] == [True] * 5 + [False] * 3


def test_text_is_taken_as_it_is(tmp_path):
    """Line breaks, separators and spaces inside a JSON string survive."""
    text = " One.\nTwo.\u2028Three.\x0b\x85 "
    write(tmp_path, "a.jsonl", json.dumps({"story": text}, ensure_ascii=False))
    assert [d.text for d in read(tmp_path, columns={"text": "story"}).documents] == [text]


def test_order_is_that_of_relative_paths(tmp_path):
    """Files take turns in the order of their relative paths, sub-folders included, in whatever order they were made."""
    for name in ("b.txt", "a/z.txt", "a.jsonl", "README.md", "c.gz"):
        write(tmp_path, name, '{"text": "."}')
    assert [d.doc for d in read(tmp_path).documents] == ["a.jsonl:1", "a/z.txt:1", "b.txt:1"]


def test_marks_are_whole_words(tmp_path):
    """A word is marked wherever it stands alone, letter case included, and never inside another word."""
    text = "Tim saw Timmy. tim, Tim's cat and _Tim; ¡Tim! Vic\u0301tim Tim\u0301 Tim2 Tim"
    write(tmp_path, "a.txt", text)
    (document,) = read(tmp_path, words={"name": ["Tim"]}).documents
    assert all(text[s.start : s.end] == s.value == "Tim" for s in document.concepts)
    assert [s.start for s in document.concepts] == [0, text.index("Tim's"), text.index("Tim!"), len(text) - 3]


def test_marks_of_several_concepts_are_sorted_by_place(tmp_path):
    """Spans of all concepts come in text order; overlapping words are all marked, doubled ones once."""
    write(tmp_path, "a.txt", "New York met Анна.")
    (document,) = read(tmp_path, words={"name": ["Анна", "Анна"], "city": ["York", "New York"]}).documents
    assert document.concepts == (
        Span("city", "New York", 0, 8),
        Span("city", "York", 4, 8),
        Span("name", "Анна", 13, 17),
    )


def test_a_concept_whose_words_do_not_occur_is_refused(tmp_path):
    """One of its words is enough; with none, as in another case or inside of words only, the message lists them."""
    write(tmp_path, "a.txt", "tim saw Timmy and Ben.")
    assert read(tmp_path, words={"name": ["Tim", "Ben"]}).documents[0].concepts[0].value == "Ben"
    message = refusal(tmp_path, words={"name": ["Ben"], "other": ["Tim", "Timm"]})
    assert "no word of concept 'other' (words.other: Tim, Timm)" in message and "letter case included" in message


@pytest.mark.parametrize(
    ("given", "solution", "answer"),
    [
        ("48/2 = <<48/2=24>>24 clips.\n#### 1,072", " 48/2 = <<48/2=24>>24 clips.\nAnswer: 1072", "1072"),
        ("18", " Answer: 18", "18"),
        ("-2.50", " Answer: -2.5", "-2.5"),
        (51.0, " Answer: 51", "51"),
        (7, " Answer: 7", "7"),
    ],
)
def test_problem_of_a_question_and_an_answer(tmp_path, given, solution, answer):
    """What follows the last '####' is the answer, or all of it; words are marked in the whole problem."""
    write(tmp_path, "a.jsonl", json.dumps({"question": "Tim has clips. How many?", "answer": given}))
    (problem,) = read(tmp_path, SUMS, words={"name": ["Tim"], "thing": ["Answer"]}).problems
    assert problem.prompt == "Problem: Tim has clips. How many?\nSolution:"
    assert (problem.solution, problem.answer) == (solution, answer)
    whole = problem.prompt + problem.solution
    assert [whole[s.start : s.end] for s in problem.concepts] == ["Tim", "Answer"]


def test_documents_and_problems_in_one_table(tmp_path):
    """A row with a question is a problem and any other a document."""
    write(tmp_path, "a.csv", "text,question,answer\nA story.,,\n,How many?,3\n")
    found = read(tmp_path, columns={"text": "text", "question": "question", "answer": "answer"})
    assert [d.text for d in found.documents] == ["A story."]
    assert [(p.doc, p.answer) for p in found.problems] == [("a.csv:3", "3")]


def test_files_that_differ_in_columns(tmp_path):
    """Tables with a key for translations lie beside plain lines and word problems, which have none."""
    for language in ("de", "en"):
        write(tmp_path, f"wiki/{language}.jsonl", json.dumps({"id": "k1", "context": f"Paragraph in {language}."}))
        write(tmp_path, f"news/{language}.txt", f"Line in {language}.")
    write(tmp_path, "sums/train_en.jsonl", json.dumps({"question": "How many?", "answer": "Two.\n#### 2"}))
    columns = {"text": "context", "parallel": "id", "question": "question", "answer": "answer"}
    found = read(tmp_path, columns=columns, language="name", languages=["de", "en"])
    assert {d.doc: d.parallel for d in found.documents} == {
        "news/de.txt:1": 0, "news/en.txt:1": 1, "wiki/de.jsonl:1": 3, "wiki/en.jsonl:1": 3,
    }  # fmt: skip
    assert [(p.language, p.answer) for p in found.problems] == [("en", "2")]


def test_answer_that_is_no_number_is_refused(tmp_path):
    """Answers are compared as numbers, so others could never be right."""
    path = write(tmp_path, "a.csv", "question,answer\nWho?,Tim\n")
    message = refusal(tmp_path, SUMS)
    assert f"{path}, line 2" in message and "'Tim', which is no number" in message


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"columns": {"question": "q"}}, "needs both"),
        ({"columns": {"parallel": "id"}}, "names no text"),
        ({"language": "column"}, "columns names none for it"),
        ({"languages": ["de", "en"]}, "lists 2"),
        ({"languages": [], "language": "name"}, "lists 0"),
        ({"words": {"name": ["Tim", ""]}}, "'name' hold an empty one"),
        ({"words": {"name": []}}, "words.name: lists no word of concept 'name'"),
        ({"words": {"a.b": ["Tim"]}}, "'a.b' is not an id"),
        ({"weights": {"en": 0.0}}, "weights.en: given 0.0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, told):
    """The message says what does not fit and what to do."""
    with pytest.raises(ValueError, match=told):
        replace(PLAIN, **changes)


@pytest.mark.parametrize("name", [None, "README.md", "LICENSE.txt"])
def test_folder_without_text_is_refused(tmp_path, name):
    """The message names the folder and what it should hold; a licence is no text."""
    if name:
        write(tmp_path, name, "Put text here.")
    message = refusal(tmp_path)
    assert str(tmp_path) in message
    assert ".txt" in message and ".parquet" in message


def test_weights_need_names_that_are_there(tmp_path):
    """Weights for something else are refused with the languages and the sources that are there."""
    write(tmp_path, "a.txt", "One.")
    message = refusal(tmp_path, weights={"de": 1.0})
    assert "are for de" in message and "(en)" in message and "(a.txt)" in message


def test_leakage_file_is_not_read_as_documents(tmp_path):
    """The test file's text is held apart, with its digest; one that is not there is told with those that are."""
    write(tmp_path, "a.txt", "One.")
    write(tmp_path, "test.txt", "Two.\n")
    found = read(tmp_path, leakage="test.txt")
    assert [d.text for d in found.documents] == ["One."] and found.held == ["Two."]
    assert "leakage.test.txt" in found.card and "source.test.txt" not in found.card
    assert "there are: a.txt, test.txt" in refusal(tmp_path, leakage="tests.txt")
