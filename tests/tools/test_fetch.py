"""tools.fetch: doors are filled with copies, whole or not at all, and it is written down where they come from."""

import json
from pathlib import Path

import pytest

from sieve.provenance import digest_file, read_json
from tools.fetch import MODEL, TEXT, fetch, main, plan_model, plan_texts


@pytest.fixture
def source(tmp_path):
    """A folder beside the project."""
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def fill(project: Path, texts: list[Path], model: Path | None = None, keep: bool = False) -> list[Path]:
    """Plan and fetch, as the command line does."""
    plans = {TEXT: plan_texts(texts)} if texts else {}
    return fetch(project, plans | ({MODEL: plan_model(model)} if model else {}), keep)


def model_folder(folder: Path, **files: str) -> Path:
    """A folder that looks like a model; contents don't matter here."""
    folder.mkdir()
    defaults = {"config.json": "{}", "model.safetensors": "weights", "tokenizer.json": "{}"}
    for name, content in (defaults | files).items():
        (folder / name).write_text(content)
    return folder


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def refusal(project: Path, texts: list[Path], model: Path | None = None) -> str:
    """The message; nothing in the project may have changed."""
    before = contents(project)
    with pytest.raises((ValueError, OSError)) as caught:
        fill(project, texts, model)
    assert contents(project) == before
    return str(caught.value)


def test_text_replaces_all_but_the_explanation(project, source):
    """Afterwards the door holds the given files and its README.md; the other door is untouched."""
    (source / "a.txt").write_text("One.\n")
    (source / "b.jsonl").write_text('{"text": "Two."}\n')
    fill(project, [source / "a.txt", source / "b.jsonl"])
    assert contents(project / TEXT) == {"README.md": "about text", "a.txt": "One.\n", "b.jsonl": '{"text": "Two."}\n'}
    assert "old.txt" in contents(project / MODEL)


def test_keep_adds_to_what_is_there(project, source):
    """With --keep only a file of the same name is replaced, and what is known of the others stays known."""
    (source / "a.txt").write_text("One.\n")
    fill(project, [source / "a.txt"], keep=True)
    (source / "b.txt").write_text("Two.\n")
    (source / "a.txt").write_text("Three.\n")
    fill(project, [source / "b.txt"], keep=True)
    assert contents(project / TEXT) == {
        "README.md": "about text", "old.txt": "Old.", "a.txt": "One.\n", "b.txt": "Two.\n",
    }  # fmt: skip
    assert set(read_json(project / "data/input/sources.json")["text"]) == {"a.txt", "b.txt"}


def test_folder_keeps_its_structure(project, source):
    """A folder's texts and licences keep their relative paths; other files stay behind."""
    (source / "de").mkdir()
    for name in ("de/a.txt", "table.csv", "LICENSE", "picture.png"):
        (source / name).write_text("Eins.")
    fill(project, [source])
    assert set(contents(project / TEXT)) == {"README.md", "de/a.txt", "table.csv", "LICENSE"}


def test_a_place_in_the_door(project, source):
    """--as names the folder that files go into, or the one file; so files of one name can lie beside each other."""
    (source / "de.txt").write_text("Eins.")
    (source / "train.jsonl").write_text("{}")
    plans = [plan_texts([source], "news"), plan_texts([source / "de.txt"], "wiki/de_old.txt")]
    plans.append(plan_texts([source / "train.jsonl"], "sums/train_en.jsonl"))
    for number, plan in enumerate(plans):
        fetch(project, {TEXT: plan}, keep=number > 0)
    assert set(contents(project / TEXT)) == {
        "README.md", "news/de.txt", "news/train.jsonl", "wiki/de_old.txt", "sums/train_en.jsonl",
    }  # fmt: skip
    assert read_json(project / "data/input/sources.json")["text"]["wiki/de_old.txt"]["file"] == "de.txt"


@pytest.mark.parametrize(
    ("name", "told"),
    [("../a", "without '..'"), ("/a", "without '..'"), ("a.json", "change its kind"), ("a.txt", "second to become")],
)
def test_wrong_place_is_refused(source, name, told):
    """A place outside the door, another kind of file, or one name for two."""
    for own in ("b.txt", "c.txt"):
        (source / own).write_text("One.")
    with pytest.raises(ValueError, match=told):
        plan_texts([source], name)


def test_sources_are_written_down(project, source):
    """Name and SHA-256 of every file, per door, in canonical JSON without any path; a door's old entries go."""
    (source / "a.json").write_text('["One."]')
    fill(project, [source / "a.json"])
    model_folder(source / "m")
    (source / "b.csv").write_text("text\nTwo.\n")
    fill(project, [source / "b.csv"], source / "m")
    path = project / "data/input/sources.json"
    found = read_json(path)
    assert found["text"] == {"b.csv": {"file": "b.csv", "sha256": digest_file(source / "b.csv")}}
    assert set(found["model"]) == {"config.json", "model.safetensors", "tokenizer.json"}
    assert path.read_text() == json.dumps(found, sort_keys=True, indent=2) + "\n"
    assert str(source.parent) not in path.read_text()


def test_files_are_copies(project, source):
    """DVC makes what it links read-only, so the user's file is never linked; read-only sources give writable copies."""
    (source / "a.txt").write_text("One.")
    (source / "a.txt").chmod(0o444)
    (source / "link.txt").symlink_to(source / "a.txt")
    for path in fill(project, [source]):
        assert not path.is_symlink() and path.stat().st_nlink == 1 and path.stat().st_mode & 0o200


def test_the_door_itself_can_be_a_source(project):
    """What lies in the door can be fetched again beside more."""
    fill(project, [project / "data/input/text/old.txt"])
    assert contents(project / TEXT) == {"README.md": "about text", "old.txt": "Old."}


def test_model_takes_what_is_needed(project, source):
    """Config, weights, index and tokenizer files are taken, nothing else."""
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    extra = {"model-1.safetensors": "1", "model-2.safetensors": "2", "model.safetensors.index.json": index}
    extra |= {"generation_config.json": "{}", "tokenizer_config.json": "{}", "pytorch_model.bin": "x", "code.py": "x"}
    fill(project, [], model_folder(source / "m", **extra))
    assert set(contents(project / MODEL)) == {
        "README.md", "config.json", "generation_config.json", "model-1.safetensors", "model-2.safetensors",
        "model.safetensors", "model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip


def test_pickled_model_is_refused(project, source):
    """Weights that can execute code are refused, and the text that came with them too."""
    folder = model_folder(source / "m")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    (source / "a.txt").write_text("One.")
    assert "safetensors" in refusal(project, [source / "a.txt"], folder)


def test_incomplete_model_is_refused(project, source):
    """A shard that the index names must be there."""
    index = {"model.safetensors.index.json": json.dumps({"weight_map": {"a": "model-1.safetensors"}})}
    assert "model-1.safetensors" in refusal(project, [], model_folder(source / "m", **index))


@pytest.mark.parametrize(
    ("name", "told"),
    [("a.png", "expected a .csv, .json, "), ("LICENSE", "no text"), ("missing.txt", "does not exist")],
)
def test_wrong_text_is_refused(project, source, name, told):
    """The message names the file and what was expected; doors stay as they were."""
    (source / "good.txt").write_text("One.")
    if name != "missing.txt":
        (source / name).write_text("x")
    message = refusal(project, [source / "good.txt", source / name])
    assert str(source / name) in message and told in message


def test_one_name_twice_is_refused(project, source):
    """Two sources of one name would overwrite each other."""
    (source / "sub").mkdir()
    for name in ("a.txt", "sub/a.txt"):
        (source / name).write_text("One.")
    message = refusal(project, [source / "a.txt", source / "sub"])
    assert str(source / "sub") in message and "data/input/text/a.txt" in message


@pytest.mark.parametrize("content", ["<<<<<<< HEAD", "[]", '{"text": 1}'])
def test_broken_sources_are_refused(project, source, content):
    """A record that was spoilt, as by a merge, is not silently written over."""
    (project / "data/input/sources.json").write_text(content)
    (source / "a.txt").write_text("One.")
    assert "sources.json" in refusal(project, [source / "a.txt"])


def test_a_file_that_vanishes_on_the_way(project, source):
    """When the last copy fails, text, model and sources are what they were."""
    (source / "a.txt").write_text("One.")
    plans = {TEXT: plan_texts([source / "a.txt"]), MODEL: plan_model(model_folder(source / "m"))}
    (source / "m/tokenizer.json").unlink()
    before = contents(project)
    with pytest.raises(FileNotFoundError):
        fetch(project, plans)
    assert contents(project) == before


def test_command_line(project, source, monkeypatch, capsys):
    """One line per file, with its size; any number of files may follow --text, any number of times."""
    for name in ("a.txt", "b.txt", "c.txt"):
        (source / name).write_text("One.\n")
    given = ["--text", str(source / "a.txt"), str(source / "b.txt"), "--text", str(source / "c.txt"), "--as", "one"]
    monkeypatch.chdir(project)
    monkeypatch.setattr("sys.argv", ["fetch", *given])
    main()
    lines = [f"data/input/text/one/{name}.txt  5 bytes" for name in "abc"]
    assert capsys.readouterr().out.splitlines() == lines
    assert list((project / ".work").iterdir()) == []


def test_only_in_a_project(source, monkeypatch):
    """Outside a project nothing is made."""
    (source / "a.txt").write_text("One.\n")
    monkeypatch.chdir(source)
    monkeypatch.setattr("sys.argv", ["fetch", "--text", "a.txt"])
    with pytest.raises(FileNotFoundError, match="project's root"):
        main()
    assert [path.name for path in source.iterdir()] == ["a.txt"]
