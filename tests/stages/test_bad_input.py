"""Bad input: a clear error, and nothing that was there before is lost."""

import shutil
import sys
from dataclasses import replace

import pytest
import torch
from ruamel.yaml import YAML

from sieve.dictionary.sae import LineageError
from sieve.dictionary.variants import variants
from sieve.interventions.direction import Direction
from sieve.provenance import write_table
from stages import filter as filter_stage
from stages._params import load_params
from stages.evaluate import read_languages
from tests.conftest import run_in

ACTIVATIONS = (
    "stages.activations --network data/model/network --tokenizer data/model/tokenizer "
    "--blocks data/tokens/blocks.parquet --site data/ceiling/site.json --out data/activations"
)
TRAIN = (
    "stages.train --subject topk --activations data/activations/resid_post_0 "
    "--out data/subjects/topk --history data/history/topk.parquet"
)
ORTHOGONALIZE = (
    "stages.orthogonalize --subject cosine_5 --sae data/subjects/topk --activations data/activations/resid_post_1 "
    "--out data/subjects/cosine_5 --history data/history/cosine_5.parquet"
)


@pytest.fixture
def project(toy_run, tmp_path):
    """A finished toy project that a test may spoil."""
    for name in ("sieve", "stages", "env", "data", "params.yaml"):
        source = toy_run / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return tmp_path


def edit(project, *path, value):
    """Set one value in params.yaml."""
    yaml = YAML()
    params = yaml.load(project / "params.yaml")
    here = params
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    yaml.dump(params, project / "params.yaml")


def failure(project, command: str) -> str:
    """What a stage that fails prints; it prints no traceback."""
    done = run_in(project, sys.executable, "-m", *command.split(), check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def contents(folder):
    """Every file below `folder` with its bytes."""
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_more_rows_than_exist(project):
    """Asking for more rows than the text has tokens says how many there are, and the old cache stays."""
    before = contents(project / "data")
    edit(project, "activations", "rows", value=10**7)

    assert "asks for 10,000,000 rows, but the training text has" in failure(project, ACTIVATIONS)
    assert contents(project / "data") == before


def test_k_larger_than_the_number_of_latents(project):
    """A k above the number of latents is refused with both numbers, and the old dictionary stays."""
    before = contents(project / "data")
    edit(project, "train", "subjects", "topk", "settings", "k", value=65)

    assert "k is 65, but there are only 64 latents" in failure(project, TRAIN)
    assert contents(project / "data") == before


def test_a_site_that_does_not_exist(project):
    """A site beyond the model's layers is refused with the list of those that exist."""
    edit(project, "activations", "sites", value=["resid_post_0", "resid_post_1", "resid_post_7"])

    assert "it has: resid_post_0, resid_post_1" in failure(project, ACTIVATIONS)


def test_activations_of_another_site(project):
    """A dictionary fed with another site's activations is refused by the names of both."""
    message = failure(project, ORTHOGONALIZE)

    assert "trained at resid_post_0" in message
    assert "resid_post_1" in message


def test_a_width_that_does_not_fit(project):
    """A dictionary spliced into a model of another width is refused with both widths."""
    import torch

    import sieve
    from sieve.dictionary.sae import Sae
    from tests.conftest import random_sae

    path = project / "data/subjects/topk/sae.safetensors"
    own = Sae.load(path)
    random_sae(own.width + 8, own.latents, 4, own.site, own.model).save(path)

    with pytest.raises(sieve.LineageError, match=f"width {own.width + 8}.*width {own.width}"):
        sieve.load(path.parent, model=project / "data/model")
    assert torch.is_tensor(own.W_dec)


def test_a_variant_that_does_not_exist(project):
    """An unknown variant is refused with the list of those that exist."""
    edit(project, "train", "subjects", "topk", "variant", value="topkk")

    assert f"there are: {', '.join(variants())}" in failure(project, TRAIN)


def test_the_toy_params_are_sound(toy_run):
    """The tests' own world passes the checks that users' worlds pass."""
    assert load_params(toy_run / "params.yaml").subjects


def test_a_disk_that_is_too_small(project, monkeypatch):
    """After the first shard a capture that won't fit ends with what it needs and what is free; old outputs stay."""
    before = contents(project / "data")
    (project / "sitecustomize.py").write_text(
        "import shutil, types\nshutil.disk_usage = lambda path: types.SimpleNamespace(free=1000)\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(project))

    assert "but only 0.0 GiB of disk are free; lower activations.rows" in failure(project, ACTIVATIONS)
    assert contents(project / "data") == before


def test_a_language_with_hardly_any_text_is_not_sifted():
    """It has one row that says why, with nothing kept, in every column of the table."""
    row = filter_stage._too_few("tr", 12, 0.1)

    assert set(row) == set(filter_stage.COUNTS.names)
    assert (row["sequences"], row["kept"]) == (12, 0)
    assert "there are 12 training documents of two tokens or more; at least 20" in row["note"]


def test_directions_of_another_dictionary_are_refused(subject, tmp_path):
    """Evaluation asks every language's direction for the model and the SAE that it was found with."""
    row = filter_stage._too_few("de", 12, 0.1)
    write_table(tmp_path / "counts.parquet", {name: [value] for name, value in row.items()}, filter_stage.COUNTS)
    write_table(
        tmp_path / "features.parquet", {name: [] for name in filter_stage.FEATURES.names}, filter_stage.FEATURES
    )
    vector = torch.eye(subject.sae.width)[0]
    own = Direction(vector, 1.0, "de", subject.site, subject.lm.digest, subject.sae.digest)
    own.save(tmp_path / "directions/de.safetensors")

    assert read_languages(tmp_path, subject)["de"].direction is not None
    replace(own, sae="another").save(tmp_path / "directions/de.safetensors")
    with pytest.raises(LineageError, match="found with the SAE another"):
        read_languages(tmp_path, subject)
