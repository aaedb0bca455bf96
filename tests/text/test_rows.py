"""Every kind of file: equal rows from equal documents, and what broken files of each kind say."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sieve.text.files import read_files
from tests.text.test_files import OWN, PLAIN, read, refusal, write

ROWS = [
    {"text": 'She said: "One, two."', "language": "en"},
    {"text": "Línea uno.\r\nLínea\ndos;\tfin, ¿no?", "language": "es"},
    {"text": " Spaces stay. \u2028 So do separators.", "language": "en"},
]
KINDS = [".jsonl", ".json", ".csv", ".tsv", ".parquet"]


def table(suffix: str, rows: list[dict]) -> bytes:
    """Rows as the bytes of a file of that kind, written by somebody else's writer."""
    if suffix == ".jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    if suffix == ".json":
        return json.dumps(rows, indent=1).encode()
    if suffix == ".parquet":
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink, row_group_size=2)
        return sink.getvalue()
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter="," if suffix == ".csv" else "\t")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")  # as spreadsheets do


@pytest.mark.parametrize("suffix", KINDS)
def test_equal_documents_from_every_kind(tmp_path, suffix):
    """Quotes, delimiters, line ends within a field and a byte order mark come back as the same rows."""
    write(tmp_path, f"a{suffix}", table(suffix, ROWS))
    found = read(tmp_path, OWN).documents
    assert [{"text": d.text, "language": d.language} for d in found] == ROWS
    assert [d.parallel for d in found] == [0, 1, 2]


def test_list_of_strings_and_lines_are_alike(tmp_path):
    """A .json list of strings, a .txt file and a table with one column give equal documents."""
    texts = ["One.", "Zwei, drei."]
    write(tmp_path / "a", "a.json", json.dumps(texts))
    write(tmp_path / "b", "a.txt", "\n".join(texts))
    write(tmp_path / "c", "a.CSV", 'text\nOne.\n"Zwei, drei."\n')
    for folder in "abc":
        assert [d.text for d in read(tmp_path / folder).documents] == texts


@pytest.mark.parametrize("suffix", KINDS)
def test_missing_column_lists_those_that_are_there(tmp_path, suffix):
    """The message names the file, the place, the column that was asked for and those that there are."""
    path = write(tmp_path, f"a{suffix}", table(suffix, ROWS))
    message = refusal(tmp_path, columns={"text": "story"})
    assert str(path) in message and "has no 'story'; its columns are: 'text', 'language'" in message
    assert any(f"{word} " in message for word in ("line", "entry", "row"))


@pytest.mark.parametrize("suffix", KINDS)
def test_missing_key_column_is_no_free_pass(tmp_path, suffix):
    """A misspelt column of translations is refused: without it they would be torn apart."""
    write(tmp_path, f"a{suffix}", table(suffix, ROWS))
    assert "has no 'idd'" in refusal(tmp_path, columns={"text": "text", "parallel": "idd"})


@pytest.mark.parametrize("suffix", [".txt", *KINDS])
def test_file_without_text_is_refused(tmp_path, suffix):
    """A file with only empty rows is named."""
    empty = b"\n \n" if suffix in {".txt"} else table(suffix, [{"text": " "}])
    path = write(tmp_path, f"a{suffix}", empty)
    write(tmp_path, "b.txt", "One.")
    assert f"{path} holds no text" in refusal(tmp_path)


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".json", ".csv", ".tsv"])
def test_other_encodings_are_refused(tmp_path, suffix):
    """A file that is UTF-8 and then Latin-1: the message names the line and the offset of the first wrong byte."""
    path = write(tmp_path, f"a{suffix}", "Zoë.\n".encode() + "Hello José".encode("latin-1"))
    message = refusal(tmp_path)
    assert f"{path}, line 2" in message and "0xe9 at offset 15" in message and "convert" in message


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{'text': 1}", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('["One."]', "is a JSON list"),
        ('"One."', "is a JSON str"),
        ('{"title": "A", "body": "B"}', "no 'text'; its columns are: 'title', 'body'"),
        ("{}", "its columns are: none"),
        ('{"text": null}', "'text' is null, which is no text"),
        ('{"text": ["One."]}', "'text' is [\"One.\"]"),
        ('{"text": "\\ud83d"}', "half a surrogate pair"),
    ],
)
def test_wrong_line_is_refused(tmp_path, line, told):
    """The message names file and line, and says what is there and what should be."""
    path = write(tmp_path, "a.jsonl", '{"text": "Good."}\n\n' + line)
    message = refusal(tmp_path)
    assert f"{path}, line 3" in message and told in message


@pytest.mark.parametrize(("language", "told"), [("3", "'language' is 3"), ('""', "'language' is empty")])
def test_wrong_language_is_refused(tmp_path, language, told):
    """A row must say its language in letters."""
    path = write(tmp_path, "a.jsonl", f'{{"text": "One.", "language": {language}}}')
    message = refusal(tmp_path, OWN)
    assert f"{path}, line 1" in message and told in message


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", '{"text": "One."}', "a.json holds a JSON dict; a .json file holds a list"),
        ("a.json", '["One.", 2]', "a.json, entry 2 is 2; a .json file holds a list"),
        ("a.json", '["One.", ', "a.json is not JSON"),
        ("a.csv", 'text,n\n"One.\nTwo.', "a.csv, line 2 cannot be split into fields (unexpected end of data)"),
        ("a.csv", 'text,n\n"One" two,1\n', "a.csv, line 2 cannot be split"),
        ("a.csv", "text,n\nOne.,1\nOne, two,2\n", "a.csv, line 3 has 3 fields, but the first line names 2"),
        ("a.tsv", "text\tn\n'One.'\n", "a.tsv, line 2 has 1 fields, but the first line names 2"),
        ("a.csv", "text,n,text\n", "a.csv, line 1 names the column 'text' twice"),
    ],
)
def test_broken_table_is_refused(tmp_path, name, content, told):
    """The message names file and place, what is wrong there, and what such a file holds."""
    write(tmp_path, name, content)
    assert told in refusal(tmp_path)


def test_line_of_a_field_with_line_ends(tmp_path):
    """A document is named by the line on which its record begins."""
    write(tmp_path, "a.csv", 'text\n"One\ntwo"\n\nThree\n')
    assert [d.doc for d in read(tmp_path).documents] == ["a.csv:2", "a.csv:5"]


def parquet(texts: pa.Array) -> bytes:
    """A .parquet file with one column."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (parquet(pa.array([1, 2])), ", row 1: 'text' is 1, which is no text"),
        (parquet(pa.array(["One.", None])), ", row 2: 'text' is null"),
        (parquet(pa.array([b"\xff"])), ", row 1: 'text' is"),
        (parquet(pa.array(["One."]))[:-20] + b"PAR1", "cannot be read as Parquet"),
        (b"text\nOne.\n", "cannot be read as Parquet"),
        (b"", "cannot be read as Parquet"),
        (b"PAR1" + b"\0" * 20 + b"\xff\xff\xff\x7fPAR1", "takes 2,147,483,647 of its 32 bytes"),
        (parquet(pa.array(["One two three four five six seven."] * 9)).replace(b"One", b"\xff\xfe\xfd"), "not UTF-8"),
    ],
)
def test_broken_parquet_is_refused(tmp_path, content, told):
    """A wrong type, a cut file, another format, an absurd footer and wrong letters: each is told with the file."""
    path = write(tmp_path, "a.parquet", content)
    message = refusal(tmp_path)
    assert str(path) in message and told in message


def test_only_wanted_columns_of_parquet_are_opened(tmp_path):
    """A wide table costs what is asked of it: a column that nobody asked for may even be unreadable."""
    columns = {"text": pa.array(["One."]), "image": pa.array([b"MARKER" * 50])}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="none", use_dictionary=False)
    spoilt = bytearray(sink.getvalue())
    start = spoilt.index(b"MARKER") - 4
    spoilt[start : start + 4] = b"\xff" * 4
    write(tmp_path, "a.parquet", bytes(spoilt))
    assert [d.text for d in read_files(tmp_path, PLAIN, 0).documents] == ["One."]


def test_huge_fields_are_read(tmp_path):
    """The csv module's own limit of 128 KiB per field is not ours."""
    write(tmp_path, "a.csv", "text\n" + "word " * 40_000 + "\n")
    assert len(read(tmp_path).documents[0].text) == 200_000


def test_a_name_in_the_door_is_no_path_out(tmp_path: Path):
    """A leakage file outside the folder is not there."""
    write(tmp_path, "in/a.txt", "One.")
    write(tmp_path, "secret.txt", "Two.")
    assert "no '../secret.txt'" in refusal(tmp_path / "in", replace(PLAIN, leakage="../secret.txt"))
