"""tools.fetch from a hub: pinned or not at all, streamed with a limit, and nothing half-filled when it fails.

The hub is a small server on this machine that answers as the real one does, so the real clients are asked.
"""

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sieve.provenance import digest_file, read_json
from tests.conftest import ROOT
from tests.tools.test_fetch import contents
from tools._hub import Pinned, hub_rows
from tools.fetch import TEXT, main, plan_hub_text
from tools.fetch import fetch as fill

COMMIT = "0123456789abcdef" * 2 + "01234567"
STORIES = [{"text": f"Story {n}. Ünï\u2028code\nand a second line.", "n": n} for n in range(500)]
FILES = {
    "datasets/ann/stories": {"data.jsonl": "".join(json.dumps(row) + "\n" for row in STORIES)},
    "ann/tiny": {
        "config.json": "{}", "tokenizer.json": "{}", "model.safetensors": "weights", "pytorch_model.bin": "pickle",
        "modeling.py": "raise SystemExit", "original/model.safetensors": "others",
    },
    "ann/pickled": {"config.json": "{}", "tokenizer.json": "{}", "pytorch_model.bin": "pickle"},
}  # fmt: skip


class Hub(BaseHTTPRequestHandler):
    """Repositories of one commit each: what they hold, and their files."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.split("?")[0].strip("/")
        for name, files in FILES.items():
            api = f"api/{name if name.startswith('datasets/') else f'models/{name}'}"
            if path in {f"{api}/revision/{COMMIT}", api}:
                siblings = [{"rfilename": file} for file in files]
                return self._json({"id": name.removeprefix("datasets/"), "sha": COMMIT, "siblings": siblings})
            if path.startswith(f"{api}/tree/{COMMIT}"):
                return self._json([self._entry(file, text) for file, text in files.items()])
            if path.startswith(f"{name}/resolve/{COMMIT}/"):
                file = path.split(f"{COMMIT}/", 1)[1]
                if file in files:
                    return self._send(200, files[file].encode(), {"ETag": f'"{file}"', "X-Repo-Commit": COMMIT})
                return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound" if "/ann/" in self.path else "RepoNotFound"})

    do_HEAD = do_GET

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["paths"]
        name = next(name for name in FILES if f"/{name}/paths-info/{COMMIT}" in self.path)
        self._json([self._entry(file, text) for file, text in FILES[name].items() if file in asked])

    @staticmethod
    def _entry(file: str, text: str) -> dict:
        return {"type": "file", "path": file, "oid": "0" * 40, "size": len(text.encode())}

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def hub():
    """The address of a hub that is up."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def fetch(project, tmp_path, monkeypatch):
    """Run the command in the project against a hub, in a process of its own: its clients read the address at import."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))

    def run(address: str, *arguments: str) -> subprocess.CompletedProcess:
        monkeypatch.setenv("HF_ENDPOINT", address)
        return subprocess.run(
            [sys.executable, "-m", "tools.fetch", *arguments], cwd=project, capture_output=True, text=True, timeout=120
        )

    return run


def failure(fetch, project: Path, address: str, *arguments: str) -> str:
    """What a fetch that fails says, in one line; nothing in the project may have changed."""
    before = contents(project)
    done = fetch(address, *arguments)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert contents(project) == before
    assert done.stderr.count("error: ") == 1
    return done.stderr


def test_text_of_a_hub(fetch, project, hub):
    """The first rows of a split become one .jsonl file with the chosen columns; where it is from stands in sources."""
    arguments = (
        "--hub-text",
        "ann/stories",
        "--revision",
        COMMIT,
        "--rows",
        "3",
        "--column",
        "text",
        "--as",
        "en.jsonl",
    )
    done = fetch(hub, *arguments)
    assert done.returncode == 0, done.stderr
    path = project / "data/input/text/en.jsonl"
    assert [json.loads(line) for line in path.read_text().split("\n")[:-1]] == [
        {"text": row["text"]} for row in STORIES[:3]
    ]
    assert read_json(project / "data/input/sources.json") == {
        "text": {
            "en.jsonl": {
                "hub": "ann/stories", "revision": COMMIT, "config": None, "split": "train", "columns": ["text"],
                "distinct": None, "rows": 3, "sha256": digest_file(path),
            }
        }
    }  # fmt: skip


def test_model_of_a_hub(fetch, project, hub):
    """Weights in safetensors, config and tokenizer are taken; pickles, code and other formats stay there."""
    done = fetch(hub, "--hub-model", "ann/tiny", "--revision", COMMIT)
    assert done.returncode == 0, done.stderr
    names = {"README.md", "config.json", "model.safetensors", "tokenizer.json"}
    assert set(contents(project / "data/input/model")) == names
    assert (project / "data/input/model/model.safetensors").read_text() == "weights"
    known = read_json(project / "data/input/sources.json")["model"]["model.safetensors"]
    assert (known["hub"], known["revision"], len(known["sha256"])) == ("ann/tiny", COMMIT, 64)
    assert list((project / ".work").iterdir()) == []


@pytest.mark.parametrize("revision", ["main", "v1.0", COMMIT[:12], COMMIT.upper(), f"{COMMIT} ", ""])
@pytest.mark.parametrize("kind", ["text", "model"])
def test_unpinned_revision_is_refused(project, monkeypatch, kind, revision):
    """A branch, a tag, a short commit or none: refused with the way to find a full one, before a hub is asked."""
    monkeypatch.setattr("tools._hub._reach", lambda source: pytest.fail("the hub was asked"))
    monkeypatch.setattr("sys.argv", ["fetch", f"--hub-{kind}", "ann/stories", "--revision", revision])
    monkeypatch.chdir(project)
    before = contents(project)
    with pytest.raises(ValueError, match="give --revision a full commit") as caught:
        main()
    page = f"https://huggingface.co/{'datasets/' * (kind == 'text')}ann/stories"
    assert f"{page}/commits/main" in str(caught.value) and f"git ls-remote {page} main" in str(caught.value)
    assert contents(project) == before


@pytest.mark.parametrize("option", ["--hub-text", "--hub-model"])
def test_hub_that_cannot_be_reached(fetch, project, option):
    """A closed port: one clear error in short time, both doors and the sources as they were."""
    start = time.monotonic()
    message = failure(fetch, project, "http://127.0.0.1:9", option, "ann/stories", "--revision", COMMIT)
    assert "http://127.0.0.1:9 did not give ann/stories at 0123456789ab" in message
    assert "check the name, the commit and the network" in message and time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--hub-text", "ann/novels", "--revision", COMMIT), "did not give ann/novels"),
        (("--hub-text", "ann/stories", "--revision", "f" * 40), "did not give ann/stories at ffffffffffff"),
        (("--hub-text", "stories", "--revision", COMMIT), "give owner/name"),
        (("--hub-text", "ann/stories", "--revision", COMMIT, "--column", "story"), "its columns are: text, n"),
        (("--hub-text", "ann/stories", "--revision", COMMIT, "--split", "tset"), "tset"),
        (("--hub-text", "ann/stories", "--revision", COMMIT, "--rows", "0"), "give at least 1"),
        (("--hub-text", "ann/stories", "--revision", COMMIT, "--as", "../en.jsonl"), "--as ../en.jsonl"),
        (("--hub-model", "ann/pickled", "--revision", COMMIT), "safetensors"),
    ],
)
def test_wrong_wish(fetch, project, hub, arguments, told):
    """What a hub does not have is told in one message, and nothing is half-filled."""
    assert told in failure(fetch, project, hub, *arguments)


def broken_stream(*_, **__):
    """A dataset whose connection is lost after two rows."""
    yield from STORIES[:2]
    raise OSError("connection reset")


def test_hub_that_breaks_off(project, monkeypatch):
    """A stream that ends too early leaves nothing of what came before."""
    monkeypatch.setattr("tools._hub._reach", lambda source: None)
    monkeypatch.setattr("datasets.load_dataset", broken_stream)
    plan = plan_hub_text(Pinned("datasets", "ann/stories", COMMIT), None, "train", ["text"], None, 100, "a.jsonl")
    before = contents(project)
    with pytest.raises(ConnectionError, match="connection reset"):
        fill(project, {TEXT: plan})
    assert contents(project) == before


def test_row_limit_is_a_limit_on_what_is_asked(monkeypatch):
    """Nothing beyond the limit is asked of the hub."""
    monkeypatch.setattr("tools._hub._reach", lambda source: None)
    monkeypatch.setattr("datasets.load_dataset", broken_stream)
    assert len(list(hub_rows(Pinned("datasets", "ann/stories", COMMIT), None, "train", [], None, 2))) == 2


def test_each_value_once(monkeypatch):
    """Of rows that share a paragraph, as questions do, the first is taken; the limit counts what is taken."""
    rows = [{"id": n, "context": f"Paragraph {n // 3}.", "question": f"Question {n}?"} for n in range(30)]
    monkeypatch.setattr("tools._hub._reach", lambda source: None)
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: iter(rows))
    lines = hub_rows(Pinned("datasets", "ann/quiz", COMMIT), None, "train", ["id", "context"], "context", 4)
    assert [json.loads(line) for line in lines] == [{"id": 3 * n, "context": f"Paragraph {n}."} for n in range(4)]
    with pytest.raises(ValueError, match="its columns are: id, context, question"):
        list(hub_rows(Pinned("datasets", "ann/quiz", COMMIT), None, "train", ["id"], "text", 4))


def test_value_that_is_no_text(monkeypatch):
    """A picture in a row is refused with its column and the way to choose others."""
    monkeypatch.setattr("tools._hub._reach", lambda source: None)
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: iter([{"text": "One.", "image": b"\xff"}]))
    with pytest.raises(ValueError, match=r"row 1: 'image' is a bytes.* choose others with --column"):
        list(hub_rows(Pinned("datasets", "ann/stories", COMMIT), None, "train", [], None, 2))


def test_what_comes_from_a_hub_is_jsonl():
    """A name that ends otherwise would be read as something else."""
    with pytest.raises(ValueError, match=r"--as en\.csv: what comes from a hub is \.jsonl"):
        plan_hub_text(Pinned("datasets", "ann/stories", COMMIT), None, "train", [], None, 1, "en.csv")


def test_one_source_per_door(fetch, project, hub):
    """Two sources for one door, or two repositories for one revision, are a misuse."""
    done = fetch(hub, "--hub-text", "ann/stories", "--hub-model", "ann/tiny", "--revision", COMMIT)
    assert done.returncode == 2 and "one --revision at a time" in done.stderr
