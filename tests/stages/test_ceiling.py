"""The ceiling's stage and what goes on where it said: the place, the table, the site that is captured."""

import pytest

from sieve.activations.store import Store
from sieve.features.concepts import Place
from sieve.provenance import Work, read_table
from stages import activations, ceiling
from stages._params import load_params
from tests.conftest import ROOT

MADE = ("model/network", "model/tokenizer", "tokens/blocks.parquet")


@pytest.fixture
def told(toy_run, tmp_path):
    """Run the stage on the toy's model with other settings; returns (place, rows)."""
    params = load_params(ROOT / "presets/toy/params.yaml")

    def run(**changes):
        own = params.model_copy(update={"ceiling": params.ceiling.model_copy(update=changes)})
        rows, place = tmp_path / "rows.parquet", tmp_path / "place.json"
        ceiling.main(own, *(toy_run / "data" / name for name in MADE), rows, place)
        return Place.load(place), read_table(rows).to_pylist()

    return run


def test_every_site_of_a_kind_is_asked_about_every_concept(told):
    """The concept that is to be turned comes first, with its own number of pairs; what is named decides."""
    place, rows = told(pairs=3, other_pairs=2)
    assert place == Place("name", "resid_post_0", "last")
    asked = {concept: [r for r in rows if r["concept"] == concept] for concept in ("name", "animal")}
    assert rows[0]["concept"] == "name"
    for concept, n in (("name", 3), ("animal", 2)):
        spots = [(r["site"], r["position"]) for r in asked[concept] if r["site"]]
        assert spots == [(f"resid_post_{layer}", where) for layer in range(2) for where in ("concept", "last")]
        assert {r["n"] for r in asked[concept]} == {n}


def test_without_pairs_nothing_is_measured(told):
    """A world in which nothing is turned names its place, and pays nothing for it."""
    place, rows = told(pairs=0, other_pairs=0, site="resid_pre_1", position="concept")
    assert (place, rows) == (Place("name", "resid_pre_1", "concept"), [])


def test_a_site_that_is_not_there_is_refused(told):
    """Before anything is generated."""
    with pytest.raises(ValueError, match="resid_post_9"):
        told(site="resid_post_9")
    with pytest.raises(ValueError, match="'somewhere' is not a site name"):
        told(site="somewhere")


def test_the_chosen_site_is_captured_under_that_name(toy_run, tmp_path):
    """Whoever trains on `chosen` trains where the ceiling is highest, and the dictionary knows the site's own name."""
    params = load_params(ROOT / "presets/toy/params.yaml")
    own = params.model_copy(update={"activations": params.activations.model_copy(update={"sites": ["chosen"]})})
    Place("name", "resid_pre_1", "last").save(tmp_path / "place.json")
    made = [toy_run / "data" / name for name in MADE]
    activations.main(own, Work(tmp_path / "work", pytest.fail), *made, tmp_path / "place.json", tmp_path / "out")
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["chosen"]
    assert Store.open(tmp_path / "out/chosen").site == "resid_pre_1"
