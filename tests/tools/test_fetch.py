"""tools.fetch: doors are filled with copies, whole or not at all."""

import json
from pathlib import Path

import pytest

from sieve.text.files import read_documents
from tools.fetch import fetch, main


@pytest.fixture
def project(tmp_path):
    """A project with doors that hold their explanations and something old."""
    root = tmp_path / "project"
    for door in ("text", "model"):
        folder = root / "data/input" / door
        folder.mkdir(parents=True)
        (folder / "README.md").write_text(f"about {door}")
        (folder / "old.txt").write_text("Old.")
    (root / "dvc.yaml").touch()
    return root


@pytest.fixture
def source(tmp_path):
    """A folder beside the project."""
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


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
        fetch(project, texts, model)
    assert contents(project) == before
    return str(caught.value)


def test_text_replaces_all_but_the_explanation(project, source):
    """Afterwards the door holds the given files and its README.md; the other door is untouched."""
    (source / "a.txt").write_text("One.\n")
    (source / "b.jsonl").write_text('{"text": "Two."}\n')
    fetch(project, [source / "a.txt", source / "b.jsonl"], None)
    assert contents(project / "data/input/text") == {
        "README.md": "about text",
        "a.txt": "One.\n",
        "b.jsonl": '{"text": "Two."}\n',
    }
    assert "old.txt" in contents(project / "data/input/model")


def test_folder_keeps_its_structure(project, source):
    """A folder's texts keep their relative paths; other files stay behind."""
    (source / "de").mkdir()
    (source / "de/a.txt").write_text("Eins.")
    (source / "table.csv").write_text("1,2")
    fetch(project, [source], None)
    assert set(contents(project / "data/input/text")) == {"README.md", "de/a.txt"}


def test_list_of_strings_becomes_documents(project, source):
    """A .json list of strings becomes .jsonl, which reads back as the same texts, line breaks and all."""
    texts = ["One.\nTwo.", "Три.\u2028\U0001f600"]
    (source / "stories.json").write_text(json.dumps(texts))
    (made,) = fetch(project, [source / "stories.json"], None)
    (project / "data/input/text/README.md").unlink()
    assert made.name == "stories.jsonl"
    assert [d.text for d in read_documents(made.parent, "text", "en", {})] == texts


def test_files_are_copies(project, source):
    """DVC makes what it links read-only, so the user's file is never linked; read-only sources give writable copies."""
    (source / "a.txt").write_text("One.")
    (source / "a.txt").chmod(0o444)
    (source / "link.txt").symlink_to(source / "a.txt")
    for path in fetch(project, [source], None):
        assert not path.is_symlink() and path.stat().st_nlink == 1 and path.stat().st_mode & 0o200


def test_the_door_itself_can_be_a_source(project):
    """What lies in the door can be fetched again beside more."""
    fetch(project, [project / "data/input/text/old.txt"], None)
    assert contents(project / "data/input/text") == {"README.md": "about text", "old.txt": "Old."}


def test_model_takes_what_is_needed(project, source):
    """Config, weights, index and tokenizer files are taken, nothing else."""
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    extra = {"model-1.safetensors": "1", "model-2.safetensors": "2", "model.safetensors.index.json": index}
    extra |= {"generation_config.json": "{}", "tokenizer_config.json": "{}", "pytorch_model.bin": "x", "code.py": "x"}
    fetch(project, [], model_folder(source / "m", **extra))
    assert set(contents(project / "data/input/model")) == {
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
    ("name", "content", "told"),
    [
        ("a.csv", "1,2", "expected a .json, .jsonl, .txt file"),
        ("a.json", '{"text": "One."}', "holds a JSON dict; expected a list of strings"),
        ("a.json", '["One.", 2]', "entry 1 is a int"),
        ("a.json", "['One.']", "is not JSON"),
        ("missing.txt", None, "does not exist"),
    ],
)
def test_wrong_text_is_refused(project, source, name, content, told):
    """The message names the file and what was expected; doors stay as they were."""
    (source / "good.txt").write_text("One.")
    if content is not None:
        (source / name).write_text(content)
    message = refusal(project, [source / "good.txt", source / name])
    assert str(source / name) in message and told in message


def test_one_name_twice_is_refused(project, source):
    """Two sources of one name would overwrite each other."""
    (source / "a.json").write_text('["One."]')
    (source / "a.jsonl").write_text('{"text": "Two."}')
    message = refusal(project, [source])
    assert "a.json " in message and "a.jsonl" in message


def test_command_line(project, source, monkeypatch, capsys):
    """One line per file, with its size."""
    (source / "a.txt").write_text("One.\n")
    monkeypatch.chdir(project)
    monkeypatch.setattr("sys.argv", ["fetch", "--text", str(source / "a.txt")])
    main()
    assert capsys.readouterr().out == "data/input/text/a.txt  5 bytes\n"


def test_only_in_a_project(source, monkeypatch):
    """Outside a project nothing is made."""
    (source / "a.txt").write_text("One.\n")
    monkeypatch.chdir(source)
    monkeypatch.setattr("sys.argv", ["fetch", "--text", "a.txt"])
    with pytest.raises(FileNotFoundError, match="project's root"):
        main()
    assert [path.name for path in source.iterdir()] == ["a.txt"]
