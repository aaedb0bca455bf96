"""Params that remember what was read."""

from stages._params import load_params
from stages._recorded import Recorded
from tests.conftest import ROOT


def test_what_is_read_is_noted_under_its_full_name():
    """Values, sections taken from a mapping, and settings passed on whole; nothing that was only walked through."""
    read = {}
    params = Recorded(load_params(ROOT / "presets/toy/params.yaml"), "", read)
    assert params.seed.data == 0
    assert params.train.subjects["topk"].site == "resid_post_0"
    fit = params.train.fit
    assert isinstance(fit, dict)
    assert read == {"seed.data": 0, "train.subjects.topk.site": "resid_post_0", "train.fit": fit}


def test_looking_through_a_mapping_is_reading_it():
    """Who iterates over ids depends on which there are."""
    read = {}
    params = Recorded(load_params(ROOT / "presets/toy/params.yaml"), "", read)
    assert {name: p.sae for name, p in params.adapt.subjects.items()} == {"adapted_5": "cosine_5"}
    assert read == {"adapt.subjects": ["adapted_5"], "adapt.subjects.adapted_5.sae": "cosine_5"}
    assert "topk" in params.train.subjects
