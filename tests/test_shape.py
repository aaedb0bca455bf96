"""The shape of the code: which way arrows point, and how large things are."""

import ast
from pathlib import Path

import pytest

from sieve import evals
from tests.conftest import ROOT, run_in

# In the order in which data flows: a room imports only rooms to its left, itself and provenance.
ROOMS = [
    "provenance",
    "training",
    "intervals",
    "bootstrap",
    "clusters",
    "contrast",
    "text",
    "model",
    "activations",
    "dictionary",
    "subject",
    "interventions",
    "features",
    "methods",
    "evals",
    "loading",
]
FILES = sorted(p for folder in ("sieve", "stages", "tools") for p in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Dotted names of the modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def room(name: str) -> str:
    """'sieve.text.world' -> 'text'."""
    return name.split(".")[1] if "." in name else ""


@pytest.mark.parametrize("path", [p for p in FILES if p.is_relative_to(ROOT / "sieve")], ids=str)
def test_arrows_point_one_way(path):
    """A file of the library imports only rooms that come before its own, and never stages or tools."""
    names = imported(path)
    own = path.relative_to(ROOT / "sieve").parts[0].removesuffix(".py")
    assert not [n for n in names if n.split(".")[0] in {"stages", "tools"}]
    if own != "__init__":
        allowed = set(ROOMS[: ROOMS.index(own) + 1]) | {"provenance"}
        assert [n for n in names if n.startswith("sieve.") and room(n) not in allowed] == []


def test_nobody_imports_a_stage():
    """A stage is a leaf; only the plumbing whose name starts with _ is shared."""
    for path in FILES:
        stages = {n for n in imported(path) if n.startswith("stages.") and not n.split(".")[1].startswith("_")}
        assert not stages, f"{path} imports {stages}"


@pytest.mark.parametrize("folder", ["sieve/dictionary/variants", "sieve/methods", "sieve/evals"])
def test_plug_ins_do_not_know_each_other(folder):
    """A variant never imports a variant, a method never a method, an evaluation never an evaluation."""
    package = folder.replace("/", ".")
    for path in (ROOT / folder).glob("*.py"):
        shared = {f"sieve.evals.{name}" for name in evals.SHARED} | {"sieve.methods.material"}
        siblings = {n for n in imported(path) if n.startswith(f"{package}.")} - shared
        assert not siblings, f"{path} imports {siblings}"


def test_provenance_imports_nothing_of_ours():
    """The room that everybody trusts depends on nobody."""
    for path in (ROOT / "sieve/provenance").glob("*.py"):
        assert {n for n in imported(path) if n.startswith("sieve.") and room(n) != "provenance"} == set()


def test_sizes():
    """No function over 60 lines, no file over 300, nine functions in ten under 30."""
    lengths = {}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 300, f"{path} has {text.count(chr(10))} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lengths[f"{path}:{node.name}"] = node.end_lineno - node.lineno + 1

    assert {name: n for name, n in lengths.items() if n > 60} == {}
    assert sum(n < 30 for n in lengths.values()) >= 0.9 * len(lengths)


def test_nothing_unsafe_is_opened():
    """No pickle, no torch.load, no remote code, no network client in our own code."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert not {"pickle", "requests", "urllib.request", "shelve", "marshal"} & imported(path), path
        assert "torch.load(" not in text, path
        assert "trust_remote_code=True" not in text, path


def is_text(path: Path) -> bool:
    """Whether a file is UTF-8."""
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_what_is_kept_under_version_control_is_text():
    """No weights, wheels or archives: whatever is tracked is UTF-8."""
    tracked = [ROOT / name for name in run_in(ROOT, "git", "ls-files", "-z").stdout.split("\0")[:-1]]

    assert ROOT / "README.md" in tracked
    assert [path for path in tracked if path.is_file() and not is_text(path)] == []
