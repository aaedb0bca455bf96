"""Traps that have caught others, planted one by one: each is found and named."""

import fcntl
import hashlib
import json
import os
import shutil

import pytest
from ruamel.yaml import YAML

from tests.conftest import run_in
from tests.sandbox import Sandbox, undeclared_params
from tools._project import locked
from tools.cache import leaves


@pytest.fixture
def tokens(toy_run, tmp_path):
    """The tokens stage in a folder of its own."""
    return Sandbox.of(toy_run, "tokens", tmp_path / "sandbox")


@pytest.fixture
def project(toy_run, tmp_path):
    """A copy of the finished toy project, free to be harmed, of which DVC has taken note."""
    folder = shutil.copytree(toy_run, tmp_path / "project", symlinks=True)
    assert "up to date" in run_in(folder, "dvc", "status").stdout
    return folder


def rewrite(sandbox, old, new):
    """Change the code of the tokens stage."""
    path = sandbox.folder / "stages/tokens.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def plant(sandbox, line):
    """Put a line of code at the start of the stage's work."""
    rewrite(sandbox, "    loaded, context", f"    {line}\n    loaded, context")


def flip(path):
    """Turn one bit in the middle of a file, in place, and leave its times as they were."""
    times, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_an_undeclared_import(tokens):
    """A stage that imports what it does not declare fails where only the declared is."""
    plant(tokens, "import sieve.features.langfir")
    done = tokens.run()
    assert done.returncode != 0 and "sieve.features" in done.stderr


def test_an_undeclared_read_through_pyarrow(tokens):
    """So does one that reads an undeclared table, though Python's own hooks don't see such a read."""
    plant(tokens, "import pyarrow.parquet; pyarrow.parquet.read_table('data/ceiling/rows.parquet')")
    done = tokens.run()
    assert done.returncode != 0 and "data/ceiling/rows.parquet" in done.stderr


def test_an_undeclared_param(tokens):
    """A param that is read and not declared stands in the statement, and is told apart."""
    plant(tokens, "params.match.rows")
    assert tokens.run().returncode == 0
    assert undeclared_params(tokens.stage, tokens.statement()) == ["match.rows"]


def test_a_stage_that_is_not_deterministic(tokens):
    """Two runs of the same inputs, params and code with other bytes: the second says so and names the file."""
    plant(tokens, "import dataclasses, time")
    noisy = "[dataclasses.replace(made[0], parallel=time.time_ns()), *made[1:]]"
    rewrite(tokens, "save_blocks(path, made)", f"save_blocks(path, {noisy})")
    first, second = tokens.run(), tokens.run()
    assert first.returncode == second.returncode == 0, second.stderr
    assert "not deterministic" not in first.stderr
    assert "stage tokens is not deterministic" in second.stderr and "data/tokens/blocks.parquet" in second.stderr


def test_a_manifest_that_leaves_its_folder(project):
    """A `.dir` object with `..` in it is named before anything is checked out."""
    assert "all as their names say" in run_in(project, "python", "-m", "tools.cache").stdout
    listing = json.dumps([{"md5": "0" * 32, "relpath": "../../escaped.txt"}]).encode()
    name = hashlib.md5(listing).hexdigest()
    target = project / ".dvc/cache/files/md5" / name[:2] / f"{name[2:]}.dir"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(listing)
    done = run_in(project, "python", "-m", "tools.cache", check=False)
    assert done.returncode == 1 and "../../escaped.txt" in done.stdout
    assert all(leaves(name) for name in ("../x", "a/../../x", "/etc/x", "C:\\x", "..\\x"))
    assert not any(leaves(name) for name in ("x", "a/b", "a..b", ".hidden"))


def test_a_record_of_a_run_that_lies(project):
    """A record that DVC would restore a stage from is named when it was changed, and when it writes elsewhere."""
    record = next((project / ".dvc/cache/runs").glob("??/*/*"))
    text = record.read_text(encoding="utf-8")
    for old, new, told in (
        ("md5: ", "md5: 0", "does not hold what its name says"),
        ("path: data/", "path: ../../data/", "names outputs outside the project: ../../data/"),
        ("outs:", "out:", "is no record of a run"),
    ):
        record.write_text(text.replace(old, new), encoding="utf-8")
        done = run_in(project, "python", "-m", "tools.cache", check=False)
        assert done.returncode == 1 and f"{record} {told}" in done.stdout


def test_a_link_that_leaves_the_project(project, tmp_path):
    """A link in data/ to somewhere else is named."""
    (project / "data/report/out").symlink_to(tmp_path)
    done = run_in(project, "python", "-m", "tools.cache", check=False)
    assert done.returncode == 1 and "data/report/out is a link that leads out" in done.stdout


@pytest.mark.parametrize("id", ["a$(touch PWNED)", "a'$(touch PWNED)'", "a' & touch PWNED & echo 'a", "a;touch PWNED;"])
def test_a_param_with_shell_characters(project, id):
    """An id that a shell would obey is refused by the stage, and no shell has obeyed it."""
    yaml = YAML()
    params = yaml.load(project / "params.yaml")
    params["train"]["subjects"][id] = params["train"]["subjects"]["topk"]
    params["orthogonalize"]["subjects"]["cosine_5"]["sae"] = id
    yaml.dump(params, project / "params.yaml")
    done = run_in(project, "dvc", "repro", check=False)
    assert done.returncode != 0
    assert "is not an id" in done.stdout + done.stderr
    assert list(project.rglob("PWNED*")) == []


def test_a_stale_matrix_folder(project):
    """What a subject that no longer exists left behind stops the report, which names it; clean removes it."""
    stale = project / "data/evaluate/cosine_7"
    shutil.copytree(project / "data/evaluate/cosine_5", stale)
    report = ("dvc", "repro", "--force", "--single-item", "report")
    done = run_in(project, *report, check=False)
    assert done.returncode != 0 and "cosine_7" in done.stdout + done.stderr
    assert "would remove data/evaluate/cosine_7" in run_in(project, "python", "-m", "tools.clean", "--dry-run").stdout
    assert stale.exists()
    run_in(project, "python", "-m", "tools.clean")
    assert not stale.exists()
    run_in(project, *report)


@pytest.mark.parametrize(
    ("file", "stage", "named"),
    [
        ("data/activations/resid_post_0/shard_00000.safetensors", "train@topk", "shard_00000.safetensors is damaged"),
        ("data/activations/resid_post_0/rows.parquet", "train@topk", "rows.parquet is damaged"),
        ("data/activations/resid_post_0/manifest.json", "train@topk", "manifest.json is damaged"),
        ("data/model/network/model.safetensors", "activations", "data/model/network is not what was written"),
        ("data/tokens/blocks.parquet", "ceiling", "data/tokens/blocks.parquet is not what was written"),
    ],
)
def test_a_flipped_bit(project, file, stage, named):
    """A bit flipped behind DVC's back, times unchanged, is found and named by the next stage that reads the file."""
    flip(project / file)
    assert "up to date" in run_in(project, "dvc", "status").stdout  # this is why
    done = run_in(project, "dvc", "repro", "--force", "--single-item", stage, check=False)
    assert done.returncode != 0
    assert named in done.stdout + done.stderr


def listing_of(project, stage):
    """The cached listing of the folder that a stage wrote."""
    md5 = locked(project)[stage]["outs"][0]["md5"]
    assert md5.endswith(".dir")
    return project / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def test_a_flipped_bit_in_the_cache(project):
    """A damaged object is named together with the output that it belongs to."""
    listing = listing_of(project, "activations")
    md5 = json.loads(listing.read_bytes())[0]["md5"]
    flip(project / ".dvc/cache/files/md5" / md5[:2] / md5[2:])
    done = run_in(project, "python", "-m", "tools.cache", check=False)
    assert done.returncode == 1
    assert f"{md5[:2]}/{md5[2:]} holds bytes whose MD5 is" in done.stdout and "used by data/" in done.stdout


def test_a_flipped_bit_in_a_listing(project):
    """A damaged listing of a folder is named too, with that folder."""
    listing = listing_of(project, "activations")
    flip(listing)
    done = run_in(project, "python", "-m", "tools.cache", check=False)
    assert done.returncode == 1 and f"{listing.name} holds bytes whose MD5 is" in done.stdout
    assert "used by data/" in done.stdout


def test_a_hand_made_output_has_no_lineage(project):
    """`dvc commit` blesses anything; a file that no stage wrote is told apart by its bytes."""
    path = project / "data/model/card.json"
    text = path.read_text(encoding="utf-8")
    path.unlink()
    path.write_text(text + " ", encoding="utf-8")
    run_in(project, "dvc", "commit", "--force", "--quiet")
    done = run_in(project, "python", "-m", "tools.lineage", "data/model/card.json", check=False)
    assert done.returncode == 1 and "no run of a stage is known" in done.stderr


def test_a_second_writer(project):
    """While somebody writes a stage's outputs, another run fails at once and names the first."""
    (lock,) = (project / ".work/dataset").glob("*.lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(f"process {os.getpid()} (a test)")
        held.flush()
        done = run_in(project, "dvc", "repro", "--force", "--single-item", "dataset", check=False)
    assert done.returncode != 0
    assert f"process {os.getpid()} (a test) is writing the same outputs" in done.stdout + done.stderr
