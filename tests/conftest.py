"""A tiny language model with tokenizer, text and dictionary, made once; real data where a checkout has it beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sieve.dictionary.gates import TopK
from sieve.dictionary.sae import Sae
from sieve.model.language_model import LanguageModel
from sieve.model.pretrain import PretrainConfig, new_network, train_tokenizer
from sieve.provenance import generator
from sieve.subject import Subject
from sieve.text.blocks import Block, tokenize
from sieve.text.problems import generate_problems
from sieve.text.world import generate_documents

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
SIZES = PretrainConfig(
    vocabulary=400, hidden=32, layers=3, heads=2, mlp=48, context=256, tokens=1000, problem_share=0.5,
    language_alpha=1.0, batch_tokens=512, lr=1e-3, warmup=0.1, weight_decay=0.0, precision="fp32",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """With several processes, one of them makes the finished pipeline and runs every test that looks at it."""
    for item in items:
        if "toy_run" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("toy"))


def span_rows(spans):
    """Spans as they stand in a table."""
    return [vars(span) for span in spans]


@pytest.fixture(scope="session")
def documents():
    """Rows of texts.parquet: 12 meanings in four languages, a third of them for testing."""
    return [
        {"doc": d.doc, "text": d.text, "language": d.language, "split": "test" if d.parallel % 3 == 0 else "train",
         "parallel": d.parallel, "concepts": span_rows(d.concepts)}
        for d in generate_documents(12, (3, 4), 0, dict.fromkeys(("en", "de", "es", "ru"), 1.0))
    ]  # fmt: skip


@pytest.fixture(scope="session")
def problems():
    """Rows of problems.parquet: 60 word problems, a third of them for testing."""
    return [
        {"doc": p.doc, "prompt": p.prompt, "solution": p.solution, "answer": p.answer, "language": "en",
         "split": "test" if i % 3 == 0 else "train", "concepts": span_rows(p.concepts)}
        for i, p in enumerate(generate_problems(60, 0))
    ]  # fmt: skip


@pytest.fixture(scope="session")
def lm(documents, problems) -> LanguageModel:
    """A random Llama of three layers, width 32, with a tokenizer that knows the text. Nobody may change its weights."""
    tokenizer = train_tokenizer(
        [r["text"] for r in documents] + [r["prompt"] + r["solution"] for r in problems], SIZES.vocabulary
    )
    network = new_network(SIZES, tokenizer, seed=0).eval().requires_grad_(False)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() == 2:
                parameter.mul_(4.0)  # the usual start is so small that a random network says nearly nothing
    return LanguageModel(network, tokenizer, "digest-of-the-tiny-model")


@pytest.fixture(scope="session")
def blocks(lm, documents, problems) -> list[Block]:
    """All documents and problems as token blocks."""
    return tokenize(lm.tokenizer, documents, "text", 256) + tokenize(lm.tokenizer, problems, "problem", 256)


def random_sae(width: int, latents: int, k: int, site: str, model: str, seed: int = 0) -> Sae:
    """A Sae with random unit atoms and the encoder as their transpose."""
    atoms = torch.randn(latents, width, generator=generator(seed, "test sae"))
    atoms = atoms / atoms.norm(dim=1, keepdim=True)
    return Sae(atoms.T.clone(), torch.zeros(latents), atoms, torch.zeros(width), TopK(k), site, model)


@pytest.fixture(scope="session")
def sae(lm) -> Sae:
    """64 random latents, 6 at a time, in the middle of the tiny model."""
    return random_sae(lm.width, 64, 6, "resid_post_1", lm.digest)


@pytest.fixture
def subject(lm, sae) -> Subject:
    """The tiny model read by the random dictionary."""
    return Subject(lm, sae, adapted=False)


def identity_sae(width: int, site: str, model: str) -> Sae:
    """A Sae that rebuilds everything: one latent per signed axis, and as many active at a time as there are axes."""
    axes = torch.cat([torch.eye(width), -torch.eye(width)])
    return Sae(axes.T.clone(), torch.zeros(2 * width), axes, torch.zeros(width), TopK(width), site, model)


def shared(relative: str) -> Path:
    """A file of the real data beside a checkout; the test is skipped where there is none, as on a user's machine."""
    path = Path(os.environ.get("SIEVE_SHARED", SHARED)) / relative
    if not path.exists():
        pytest.skip(f"needs real data that is not part of the project: {relative}")
    return path


def run_in(folder: Path, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
    """Run a program in a project's folder with this Python first on the path, as in an active environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": path, **environment}
    )
    assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def copy_project(folder: Path) -> Path:
    """A clean checkout of the files as they are now, committed or not, in a repository of its own."""
    listed = run_in(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard").stdout.split("\n")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "start"],
    ):
        run_in(folder, "git", *command)
    return folder


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory) -> Path:
    """The whole pipeline, run once by `dvc repro` on the toy preset."""
    folder = copy_project(tmp_path_factory.mktemp("toy"))
    shutil.copy(folder / "presets/toy/params.yaml", folder / "params.yaml")
    (folder / "dvc.lock").unlink(missing_ok=True)
    run_in(folder, sys.executable, "-m", "tools.wire")
    run_in(folder, "dvc", "repro")
    return folder
