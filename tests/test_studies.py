"""Presets that compare: a contrast pairs subjects of one seed that differ in the penalty or, by name, in adaptation."""

import pytest

from stages._params import load_params
from stages._report.subjects import lineage
from tests.conftest import ROOT

STUDIES = ["isolation", "isolation-real", "isolation-stories", "isolation-variants"]


@pytest.fixture(params=STUDIES)
def study(request):
    """(params, lineage by subject) of a preset."""
    params = load_params(ROOT / f"presets/{request.param}/params.yaml")
    return params, {line.subject: line for line in lineage(params, params.ceiling.site)}


def test_contrasts_pair_subjects_of_one_seed(study):
    """Site, kind, seed and, but where it is what is asked about, adaptation are the same; every seed comes once."""
    params, lines = study
    seeds = {line.seed for line in lines.values()}
    for name, contrast in params.contrasts.items():
        pairs = [(lines[of], lines[over]) for of, over in zip(contrast.of, contrast.over)]
        assert sorted(of.seed for of, _ in pairs) == sorted(seeds)
        for of, over in pairs:
            assert (of.seed, of.site, of.kind) == (over.seed, over.site, over.kind)
            asked = name.startswith("adaptation")
            assert (of.stage == "adapt", over.stage == "adapt") in (
                [(True, False)] if asked else [(True,) * 2, (False,) * 2]
            )


def test_what_is_compared_is_one_penalty_with_none(study):
    """In every seed the same: one weight of one penalty, against weight 0 or what saw none; or adapted or not."""
    params, lines = study
    for name, contrast in params.contrasts.items():
        of, over = ({(lines[own].penalty, lines[own].weight) for own in side} for side in (contrast.of, contrast.over))
        assert len(of) == len(over) == 1
        assert of == over if name.startswith("adaptation") else not over.pop()[1]


def test_every_seed_has_every_weight(study):
    """Subjects are the same for all seeds, but for their names, and all seeds were kept from development."""
    _, lines = study
    seeds = {line.seed for line in lines.values()}
    looks = {
        s: sorted((x.stage, x.penalty or "", x.weight or 0.0) for x in lines.values() if x.seed == s) for s in seeds
    }
    assert 0 not in seeds and len(seeds) == 3
    assert len({tuple(look) for look in looks.values()}) == 1
