"""The match stage: groups are found by what dictionaries are, and what is alike is found to be."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from sieve.dictionary.sae import LineageError, Sae
from sieve.provenance import digest_file, generator, read_table, write_json
from stages._common import _parse
from stages.match import ALONE, ROWS, alike, main
from tests.conftest import random_sae
from tests.dictionary.planted import write_store

SITE, WIDTH, LATENTS = "resid_post_1", 12, 24
BASE = {"scale": 1.0, "seed": 0, "settings": {"k": 3}, "variant": "topk"}


@pytest.fixture
def data(tmp_path):
    """A folder with the activations of one site."""
    write_store(tmp_path / "activations" / SITE, torch.randn(300, WIDTH, generator=generator(0, "rows")))
    return tmp_path


def save(folder, name, seed=0, order=None, **convention):
    """A random dictionary, the same for equal `seed`, perhaps with its latents in another order; returns its folder."""
    sae = random_sae(WIDTH, LATENTS, 3, SITE, "digest", convention.pop("atoms", seed))
    if order is not None:
        sae = replace(sae, W_enc=sae.W_enc[:, order], W_dec=sae.W_dec[order])
    path = folder / "subjects" / name
    path.mkdir(parents=True)
    sae.save(path / "sae.safetensors")
    write_json(path / "convention.json", BASE | {"seed": seed} | convention)
    return path


def run(data, subjects, rows=200, init=0):
    """Run the stage; returns its rows."""
    params = SimpleNamespace(match=SimpleNamespace(rows=rows), seed=SimpleNamespace(order=0, init=init))
    main(params, subjects, data / "activations", data / "rows.parquet")
    return read_table(data / "rows.parquet").to_pylist()


def figure(rows, of, metric):
    """{(first, second): value} of one figure."""
    return {(r["first"], r["second"]): r["value"] for r in rows if (r["of"], r["metric"]) == (of, metric)}


def test_the_site_that_was_chosen_is_found_under_that_name(data):
    """Its folder is called `chosen`; activations of another site are refused."""
    subjects = [save(data, "a"), save(data, "b", 1)]
    before = run(data, subjects)
    (data / "activations" / SITE).rename(data / "activations/chosen")
    assert run(data, subjects) == before
    other = [replace_site(path) for path in subjects]
    with pytest.raises(LineageError, match=r"a was trained at resid_post_0, which .* does not hold"):
        run(data, other)


def replace_site(path):
    """The same dictionary of another site."""
    sae = Sae.load(path / "sae.safetensors")
    replace(sae, site="resid_post_0").save(path / "sae.safetensors")
    return path


def test_a_dictionary_in_another_order_is_found_again(data):
    """Of three dictionaries the third is the first in another order: their MCC is 1, other pairs' is near chance."""
    order = torch.randperm(LATENTS, generator=generator(0, "order"))
    rows = run(data, [save(data, "a"), save(data, "b", 1), save(data, "c", 2, order, atoms=0)])

    for of in ("atoms", "live atoms", "codes"):
        found = figure(rows, of, "mcc")
        assert list(found) == [("a", "b"), ("a", "c"), ("b", "c"), (None, None)]
        assert found["a", "c"] == pytest.approx(1, abs=1e-5)
        assert found["a", "b"] == pytest.approx(found[None, None], abs=0.2) and found["a", "b"] < 0.8
    assert {row["group"] for row in rows} == {"a"} and {row["note"] for row in rows} == {""}


def test_groups_are_found_by_convention(data):
    """What differs in variant, settings, penalty, weight, site, model or shape is not alike, whatever it is called."""
    same = {"penalty": "cosine_full", "weight": 5.0}
    folders = [
        save(data, "z", 7, **same),
        save(data, "base_1", 1),
        save(data, "a", 3, **same, measured=0.25),
        save(data, "light", 4, **same | {"weight": 0.5}),
        save(data, "raw", 5, **same | {"penalty": "raw_sampled"}),
        save(data, "other_k", 2, settings={"k": 4}),
        save(data, "other_kind", 6, variant="batchtopk"),
        save(data, "base_0", 0),
    ]
    for name, sae in {
        "site": random_sae(WIDTH, LATENTS, 3, "resid_post_2", "digest"),
        "model": random_sae(WIDTH, LATENTS, 3, SITE, "another"),
        "shape": random_sae(WIDTH, LATENTS + 1, 3, SITE, "digest"),
    }.items():
        folders.append(save(data, name, 8))
        sae.save(folders[-1] / "sae.safetensors")

    groups = [[path.name for path in members] for members in alike(folders)]
    assert [members for members in groups if len(members) > 1] == [["a", "z"], ["base_0", "base_1"]]
    assert sum(map(len, groups)) == len(folders)


def test_one_seed_is_one_start(data):
    """A dictionary that is there twice, under two names, is compared once; one whose convention has no seed has 0."""
    first, again, other = save(data, "first"), save(data, "again"), save(data, "other", 1)
    write_json(first / "convention.json", {name: value for name, value in BASE.items() if name != "seed"})

    assert alike([first, again, other]) == [[first, other]]


def test_what_was_imported_is_alone(data):
    """Dictionaries without a convention may be of one start, so they are not compared."""
    folders = [save(data, "a"), save(data, "b", 1)]
    for folder in folders:
        (folder / "convention.json").unlink()

    assert run(data, folders)[0]["note"] == ALONE


@pytest.mark.parametrize("names", [[], ["alone"]])
def test_where_nothing_is_alike_the_table_says_so(data, names):
    """Without a group there is one row with a reason and no value, and activations are not asked for."""
    subjects = [save(data, name) for name in names]
    (data / "activations").rename(data / "elsewhere")
    (row,) = run(data, subjects)

    assert row == dict.fromkeys(ROWS.names) | {"note": ALONE}


def test_the_same_again(data):
    """Equal inputs and seeds give equal bytes; the seed of the start moves the random atoms and nothing else."""
    folders = [save(data, "a"), save(data, "b", 1)]
    first = run(data, folders), digest_file(data / "rows.parquet")
    second = run(data, folders), digest_file(data / "rows.parquet")
    other = run(data, folders, init=1)

    assert first == second
    moved = {(new["first"], new["second"]) for old, new in zip(first[0], other) if old != new}
    assert moved == {(None, None)}


def test_fewer_rows_than_asked_for(data):
    """A cache with fewer rows is taken whole."""
    folders = [save(data, "a"), save(data, "b", 1)]

    assert run(data, folders, rows=9999) == run(data, folders, rows=300)


def test_every_missing_dictionary_is_named(data):
    """Started by hand with folders that aren't there, the stage names each of them."""
    there = save(data, "a")
    words = ["--activations", str(data), "--out", str(data / "o"), "--subjects", str(there), "b", "c"]

    with pytest.raises(FileNotFoundError, match="missing input: --subjects b, --subjects c;"):
        _parse(main, words)
    assert _parse(main, words[:-2])["subjects"] == [there]
    assert _parse(main, words[:-3])["subjects"] == []
