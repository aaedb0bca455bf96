"""The ceiling's stage and what goes on where it said: the place, the table, the site that is captured."""

import pytest

from sieve.activations.store import Store
from sieve.features.place import Place
from sieve.provenance import Work, read_json, read_table, write_json
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
        rows, place, site = (tmp_path / name for name in ("rows.parquet", "place.json", "site.json"))
        ceiling.main(own, *(toy_run / "data" / name for name in MADE), rows, place, site)
        assert read_json(site) == {"site": Place.load(place).site}
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


def test_a_concept_that_nothing_marks_is_refused(told):
    """Also where the place is named: the filter would refuse it, after everything is trained."""
    with pytest.raises(ValueError, match=r"no value of 'nmae' is marked .* marked are: animal, name"):
        told(concept="nmae", pairs=0, other_pairs=0)


def test_places_are_compared_on_validation_pairs(told, monkeypatch):
    """No pair of another split is asked about, so that nobody who chooses by ceilings has seen test pairs."""
    splits, asked = [], ceiling.asked

    def watched(lm, blocks, concept, split, count):
        splits.append(split)
        return asked(lm, blocks, concept, split, count)

    monkeypatch.setattr(ceiling, "asked", watched)
    monkeypatch.setattr(ceiling, "mentioned", lambda blocks, split: splits.append(split) or ["animal"])
    told(pairs=3, other_pairs=2)
    assert splits == ["valid"] * 3


def test_the_chosen_site_is_captured_under_that_name(toy_run, tmp_path):
    """Whoever trains on `chosen` trains where the ceiling is highest, and the dictionary knows the site's own name."""
    params = load_params(ROOT / "presets/toy/params.yaml")
    own = params.model_copy(update={"activations": params.activations.model_copy(update={"sites": ["chosen"]})})
    write_json(tmp_path / "site.json", {"site": "resid_pre_1"})
    made = [toy_run / "data" / name for name in MADE]
    activations.main(own, Work(tmp_path / "work", pytest.fail), *made, tmp_path / "site.json", tmp_path / "out")
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["chosen"]
    assert Store.open(tmp_path / "out/chosen").site == "resid_pre_1"
