"""Seeds are apart: each moves the outputs that it is for and no others."""

import pytest
from ruamel.yaml import YAML

from sieve.provenance import digest_path
from tests.sandbox import Sandbox, declared

OWNERS = {  # which seeds each stage depends on; a stage that doesn't declare one never reads it (test_truth)
    "dataset": {"data"},
    "model": {"init", "order"},
    "tokens": {"data"},
    "ceiling": set(),
    "activations": {"data"},
    "train": {"init", "order"},
    "orthogonalize": {"order"},
    "match": {"init", "order"},
    "adapt": {"init", "order"},
    "filter": {"data"},
    "evaluate": {"data"},
    "report": set(),
}


def test_every_stage_declares_its_seeds(toy_run):
    """Seeds of data, start and order are declared by the stages that use them, one by one."""
    for name, stage in declared(toy_run).items():
        seeds = {param.removeprefix("seed.") for param in stage.params if param.startswith("seed")}
        assert seeds == OWNERS[name.split("@")[0]], name


@pytest.mark.parametrize("name", ["dataset", "train@topk"])
def test_a_seed_moves_what_it_is_for(toy_run, tmp_path, name):
    """Changing a seed changes the bytes of the stages that declare it, and of no other."""
    moved = set()
    for seed in ("data", "init", "order"):
        sandbox = Sandbox.of(toy_run, name, tmp_path / seed)
        yaml = YAML()
        params = yaml.load(sandbox.folder / "params.yaml")
        params["seed"][seed] = 1
        yaml.dump(params, sandbox.folder / "params.yaml")
        assert sandbox.run().returncode == 0
        if any(digest_path(sandbox.folder / out) != digest_path(toy_run / out) for out in sandbox.stage.outs):
            moved.add(seed)
    assert moved == OWNERS[name.split("@")[0]]
