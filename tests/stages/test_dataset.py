"""dataset from files: splits that share nothing, a card that says what it was made from, and what cannot be split."""

import json
import random
from collections import Counter
from types import SimpleNamespace

import pytest

from sieve.provenance import digest_file, read_json, read_table
from sieve.text.document import Document
from sieve.text.files import Found
from stages._params import ParamsError
from stages.dataset import _copied, main
from tests.text.test_duplicates import one_word_changed, prose
from tests.text.test_files import write

FILES = {
    "columns": {"text": "text"}, "txt": "line", "language": "fixed", "languages": ["en"],
    "words": {}, "weights": {}, "leakage": "", "licence": "",
}  # fmt: skip


@pytest.fixture
def make(tmp_path):
    """Write files, run the stage on them, and return its texts, problems and card."""

    def run(files: dict[str, str], valid: float = 0.2, test: float = 0.2, seed: int = 0, **changes):
        for name, content in files.items():
            write(tmp_path / "text", name, content)
        dataset = SimpleNamespace(kind="files", valid=valid, test=test, files=FILES | changes)
        params = SimpleNamespace(dataset=dataset, seed=SimpleNamespace(data=seed))
        return written(params, tmp_path)

    return run


def written(params, folder):
    """Run the stage; the texts, problems and card that it wrote."""
    texts, problems, card = (folder / "out" / name for name in ("t.parquet", "p.parquet", "c.json"))
    main(params, folder / "text", texts, problems, card)
    return read_table(texts).to_pylist(), read_table(problems).to_pylist(), read_json(card)


def lines(texts) -> str:
    return "".join(f"{text}\n" for text in texts)


def test_no_split_shares_content(make):
    """Exact and near copies, of other files and kinds too, are never on two sides; what is unrelated is on all."""
    own = [prose(seed, 30) for seed in range(80)]
    near = [{"text": one_word_changed(text, seed % 30)} for seed, text in enumerate(own)]
    copies = random.Random(0).sample(own, 80)
    texts, _, card = make({"a.txt": lines(own), "b.json": json.dumps(near), "c/d.txt": lines(copies)})
    split = {row["text"]: row["split"] for row in texts}
    assert all(split[row["text"]] == row["split"] for row in texts)
    assert all(split[text] == split[row["text"]] for text, row in zip(own, near))
    assert {split[text] for text in own} == {"train", "valid", "test"}
    assert (card["duplicates.exact"], card["duplicates.near"], card["duplicates.largest_group"]) == (80, 80, 3)


def test_translations_share_a_split(make):
    """Rows with one key are in one split in every language."""
    files = {
        f"{language}.jsonl": "".join(
            json.dumps({"id": f"k{key}", "text": prose(1000 * start + key)}) + "\n" for key in range(60)
        )
        for start, language in enumerate(("de", "en", "ru"))
    }
    columns = {"text": "text", "parallel": "id"}
    texts, _, card = make(files, columns=columns, language="name", languages=["de", "en", "ru"])
    found: dict[int, set[str]] = {}
    for row in texts:
        found.setdefault(row["parallel"], set()).add(row["split"])
    assert len(found) == 60 and all(len(splits) == 1 for splits in found.values())
    assert card["texts.de.train"] == card["texts.en.train"] == card["texts.ru.train"]


def test_a_problem_and_a_document_that_ask_the_same_share_a_split(make):
    """Content decides, not the table that it stands in."""
    rows = [{"question": prose(seed, 30), "answer": seed} for seed in range(60)]
    files = {"a.json": json.dumps(rows + [{"text": one_word_changed(row["question"])} for row in rows])}
    texts, problems, _ = make(files, columns={"text": "text", "question": "question", "answer": "answer"})
    assert [row["split"] for row in texts] == [row["split"] for row in problems]
    assert {row["split"] for row in texts} == {"train", "valid", "test"}


def test_card(make, tmp_path):
    """Documents and characters per language and split add up; all files and both tables stand with their SHA-256."""
    own = [prose(seed) for seed in range(50)]
    held = [own[0], one_word_changed(own[1]), prose(99), *own[2:20]]
    files = {
        "a.txt": lines(own),
        "LICENSE": "Free.",
        "test.jsonl": "".join(json.dumps({"text": t}) + "\n" for t in held),
    }
    texts, _, card = make(files, leakage="test.jsonl")
    for split in ("train", "valid", "test"):
        rows = [row for row in texts if row["split"] == split]
        assert card[f"texts.en.{split}"] == len(rows)
        assert card[f"characters.texts.en.{split}"] == sum(len(row["text"]) for row in rows)
    for key, name in {"source": "a.txt", "licence": "LICENSE", "leakage": "test.jsonl"}.items():
        assert card[f"{key}.{name}"] == digest_file(tmp_path / "text" / name)
    assert card["digest.texts"] == digest_file(tmp_path / "out/t.parquet")
    assert card["digest.problems"] == digest_file(tmp_path / "out/p.parquet")
    assert card["licence"] == "see LICENSE"
    trained = {row["text"] for row in texts if row["split"] == "train"}
    assert card["leakage.texts"] == len(held)
    assert card["leakage.exact"] == len(trained & set(held))
    assert card["leakage.near"] == (own[1] in trained)
    assert all(isinstance(value, (int, str)) for value in card.values())


def test_card_of_the_generated_world(tmp_path):
    """It says what the tables say: copies among the problems, of which none is held out, licence and digests."""
    shares = dict.fromkeys(("en", "de"), 1.0)
    dataset = SimpleNamespace(
        kind="generated", groups=20, languages=shares, sentences=[3, 3], problems=1500, valid=0.1, test=0.2
    )
    texts, problems, card = written(SimpleNamespace(dataset=dataset, seed=SimpleNamespace(data=0)), tmp_path)
    said = Counter(row["prompt"] for row in problems)
    assert card["duplicates.exact"] == len(problems) - len(said) > 0
    assert card["leakage.held_out"] == 0
    assert card["characters.texts.de.train"] == sum(
        len(row["text"]) for row in texts if (row["language"], row["split"]) == ("de", "train")
    )
    assert card["licence"].startswith("MIT")
    assert card["digest.problems"] == digest_file(tmp_path / "out/p.parquet")


@pytest.mark.parametrize(
    ("splits", "held"), [("train valid test", 2), ("test train train", 1), ("train train valid", 1)]
)
def test_what_is_held_out_and_known_is_counted(splits, held):
    """Every held-out entry that says the same as a training one counts, white space aside, and no other entry."""
    texts = [Document(str(n), text, "en", n, ()) for n, text in enumerate(("One  two.", "One two.", " One two."))]
    found = Found([*texts, Document("3", "Three.", "en", 3, ())], [], [], {}, [])
    assert _copied(found, [*splits.split(), "test"]) == {"duplicates.exact": 2, "leakage.held_out": held}


def test_equal_files_give_equal_bytes(make, tmp_path):
    """The order in which files were made, and a second run, change nothing; the seed does."""
    files = {f"{n}.txt": lines(prose(100 * n + i) for i in range(40)) for n in range(3)}
    weights = {"0.txt": 1.0, "1.txt": 2.0, "2.txt": 1.0}
    make(files, weights=weights)
    before = (tmp_path / "out/t.parquet").read_bytes()
    for name in files:
        (tmp_path / "text" / name).unlink()
    make(dict(reversed(files.items())), weights=weights)
    assert (tmp_path / "out/t.parquet").read_bytes() == before
    make({}, weights=weights, seed=1)
    assert (tmp_path / "out/t.parquet").read_bytes() != before


def test_a_language_with_three_documents(make, tmp_path):
    """A language that a split would lack is told with its numbers and what to do, and nothing is written."""
    files = {"en.txt": lines(prose(i) for i in range(60)), "xx.txt": lines(prose(100 + i) for i in range(3))}
    with pytest.raises(ValueError, match=r"texts\.xx has 2 in train, 0 in valid, 1 in test") as caught:
        make(files, valid=0.05, test=0.05, language="name", languages=["en", "xx"])
    assert "take the language out of dataset.files.languages" in str(caught.value)
    assert "texts.en" not in str(caught.value) and not (tmp_path / "out").exists()


def test_a_split_that_nobody_wants_may_be_empty(make):
    """With no share for validation and test everything is training text."""
    texts, _, _ = make({"a.txt": "One.\nTwo.\n"}, valid=0.0, test=0.0)
    assert [row["split"] for row in texts] == ["train", "train"]


def test_settings_are_checked(make):
    """Mistakes in dataset.files are told like all others, all that do not fit each other at once."""
    with pytest.raises(ParamsError, match=r"dataset\.files\.txt: given 'lines'; must be 'line' or 'file'"):
        make({"a.txt": "One."}, txt="lines")
    with pytest.raises(ParamsError, match=r"dataset\.files\.columns\.txet: given 'txet'; must be 'text'"):
        make({"a.txt": "One."}, columns={"txet": "text"})
    with pytest.raises(ParamsError, match=r"dataset\.files: .*names no text.*lists 2"):
        make({"a.txt": "One."}, columns={}, languages=["de", "en"])


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.json", "a.csv", "a.tsv", "a.parquet"])
def test_a_broken_file_leaves_what_was_there(make, tmp_path, name):
    """After an error the outputs of before are untouched, and nothing half-written lies beside them."""
    make({"good.txt": lines(prose(i) for i in range(40))})
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    write(tmp_path / "text", name, b'"text"\xff')
    with pytest.raises(ValueError, match=name):
        make({})
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
