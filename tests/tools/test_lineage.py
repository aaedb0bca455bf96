"""Where a file came from, on statements that are written down by hand."""

from pathlib import Path

import pytest

from sieve.provenance import digest_bytes
from tools import lineage
from tools._statements import Statement
from tools.lineage import flat, trace


def stated(item, finished, outs, deps):
    """A run, told by the contents of what it wrote and read."""
    digests = [{name: digest_bytes(text.encode()) for name, text in files.items()} for files in (outs, deps)]
    return Statement(Path(f"{item}-{finished}"), item, item, finished, *digests, {}, {}, 0.0, 0, "")


@pytest.mark.parametrize("kept", ["weight 5", "weight 6"])
def test_of_runs_that_wrote_the_same_the_one_that_read_what_is_there(tmp_path, monkeypatch, kept):
    """Two dictionaries gave one table: its lineage goes through the one that is there now, older or newer."""
    files = {"sae": kept, "table": "nothing to compare"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    told = [
        stated("pull", "1", {"sae": "weight 5"}, {}),
        stated("match", "2", {"table": files["table"]}, {"sae": "weight 5"}),
        stated("pull", "3", {"sae": "weight 6"}, {}),
        stated("match", "4", {"table": files["table"]}, {"sae": "weight 6"}),
        stated("report", "5", {"page": "a page"}, {"table": files["table"], "sae": kept}),
    ]
    monkeypatch.setattr(lineage, "statements", lambda root: told)
    (tmp_path / "page").write_text("a page", encoding="utf-8")

    runs = [(step.statement.item, step.statement.finished) for step in flat(trace(tmp_path, tmp_path / "page"))]

    first = 1 if kept == "weight 5" else 3
    assert runs == [("pull", str(first)), ("match", str(first + 1)), ("report", "5")]
    assert flat(trace(tmp_path, tmp_path / "table"))[-1].statement.finished == str(first + 1)
