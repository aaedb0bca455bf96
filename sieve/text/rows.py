"""Rows of a file, whatever its kind: .txt, .jsonl, .json, .csv, .tsv and .parquet give the same shape."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sieve.provenance.canonical import require_sane

SUFFIXES = (".csv", ".json", ".jsonl", ".parquet", ".tsv", ".txt")
BATCH = 1024
LARGEST_FIELD = 1 << 30  # csv refuses fields above 128 KiB unless told otherwise


class TextFileError(ValueError):
    """A folder or file that cannot be read as documents."""


class Row(NamedTuple):
    """One row: its number (line, entry or row, from 1), where that is in words, its values, and all columns there."""

    number: int
    where: str
    values: Mapping[str, Any]
    columns: Sequence[str]


def read_rows(path: Path, wanted: Sequence[str], whole: bool) -> Iterator[Row]:
    """Every row of a file in its order; TextFileError names the file and the place.

    A .txt file, and a .json list of strings, have one column, which is the first of `wanted`. `whole` makes one row of
    a .txt file instead of one per line. Of a .parquet file only the `wanted` columns are read.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _parquet(path, wanted)
    text = _text(path)
    if suffix == ".jsonl":
        return _json_lines(path, text)
    if suffix == ".json":
        return _json(path, text, wanted[0])
    if suffix in {".csv", ".tsv"}:
        return _delimited(path, text, "," if suffix == ".csv" else "\t")
    return _plain(path, text, wanted[0], whole)


def value(row: Row, column: str) -> Any:
    """What a row holds in a column; TextFileError lists the columns that are there when that one is not."""
    if column not in row.values:
        known = ", ".join(f"'{name[:40]}'" for name in row.columns) or "none"
        raise TextFileError(f"{row.where} has no '{column}'; its columns are: {known}; name one of them in `columns`")
    return row.values[column]


def text_value(row: Row, column: str) -> str:
    """The same, for a column that must hold text."""
    found = value(row, column)
    if not isinstance(found, str):
        shown = json.dumps(found, default=str)[:60]
        raise TextFileError(f"{row.where}: '{column}' is {shown}, which is no text; give a string")
    try:
        found.encode("utf-8")
    except UnicodeEncodeError:
        told = f"'{column}' holds half a surrogate pair, which is no character; remove it"
        raise TextFileError(f"{row.where}: {told}") from None
    return found


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte {data[error.start]:#04x} at offset {error.start}: {error.reason}"
        raise TextFileError(f"{path}, line {line} is not UTF-8 ({what}); convert the file to UTF-8") from None


def _lines(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """(number, where, line) of each line that says something."""
    # not splitlines(): JSON strings may hold U+2028 and its like
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if line.strip():
            yield number, f"{path}, line {number}", line


def _plain(path: Path, text: str, column: str, whole: bool) -> Iterator[Row]:
    if whole:
        yield Row(1, str(path), {column: text.replace("\r\n", "\n").removesuffix("\n")}, [column])
        return
    for number, where, line in _lines(path, text):
        yield Row(number, where, {column: line}, [column])


def _json_lines(path: Path, text: str) -> Iterator[Row]:
    for number, where, line in _lines(path, text):
        found = _parsed(line, where, "a .jsonl file holds one JSON object per line")
        if not isinstance(found, dict):
            kind = type(found).__name__
            raise TextFileError(f"{where} is a JSON {kind}; a .jsonl file holds one JSON object per line")
        yield Row(number, where, found, list(found))


def _json(path: Path, text: str, column: str) -> Iterator[Row]:
    expected = "a .json file holds a list of strings, or a list of objects"
    values = _parsed(text, str(path), expected)
    if not isinstance(values, list):
        raise TextFileError(f"{path} holds a JSON {type(values).__name__}; {expected}")
    for number, found in enumerate(values, start=1):
        where = f"{path}, entry {number}"
        if not isinstance(found, (str, dict)):
            raise TextFileError(f"{where} is {json.dumps(found)[:60]}; {expected}")
        row = {column: found} if isinstance(found, str) else found
        yield Row(number, where, row, list(row))


def _parsed(text: str, where: str, expected: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TextFileError(f"{where} is not JSON ({error}); {expected}") from None


def _delimited(path: Path, text: str, delimiter: str) -> Iterator[Row]:
    """The first line names the columns; quoted fields may hold delimiters, line ends and doubled quotes."""
    csv.field_size_limit(LARGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    for number, fields in _records(path, reader):
        where = f"{path}, line {number}"
        if not header:
            header = fields
            double = next((name for name in header if header.count(name) > 1), None)
            if double is not None:
                raise TextFileError(f"{where} names the column '{double}' twice; give each column its own name")
            continue
        if len(fields) != len(header):
            raise TextFileError(
                f"{where} has {len(fields)} fields, but the first line names {len(header)} columns; "
                "put a field that holds a delimiter, a quote or a line end in double quotes"
            )
        yield Row(number, where, dict(zip(header, fields)), header)


def _records(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """(line on which it begins, fields) of each record that is not empty."""
    while True:
        number = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            told = "close every quote, and double those inside a quoted field"
            raise TextFileError(f"{path}, line {number} cannot be split into fields ({error}); {told}") from None
        if fields:
            yield number, fields


def _parquet(path: Path, wanted: Sequence[str]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        require_sane(path)
        file = pq.ParquetFile(path)
        columns = file.schema_arrow.names
        chosen = [name for name in columns if name in wanted]
        for batch in file.iter_batches(BATCH, columns=chosen):
            for values in batch.to_pylist() if chosen else [{}] * batch.num_rows:
                number += 1
                yield Row(number, f"{path}, row {number}", values, columns)
    except UnicodeDecodeError as error:
        place = f"{path}, after row {number}"
        raise TextFileError(f"{place} holds text that is not UTF-8 ({error.reason}); write the file anew") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        told = "fetch it or write it anew"
        raise TextFileError(f"{path} cannot be read as Parquet after row {number} ({error}); {told}") from None
