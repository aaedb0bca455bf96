"""What was chosen, as rows: figures of both picks, their means, and the values without a good latent."""

from dataclasses import replace

import pytest

from sieve.evals import concepts
from sieve.features.concepts import Choice, Concepts, Pick
from sieve.interventions.swap import Feature
from tests.planted import MARKER, NAME, NAMES, no_concepts, planted_case

SETTINGS = concepts.Settings(least_effect=0.1)


@pytest.fixture(scope="module")
def case():
    """The planted model, in which every name has a latent that is read and a marker that is not."""
    return planted_case()


def figures(rows):
    """{(metric, case): value}."""
    return {(r.metric, r.case): r.value for r in rows}


def test_selective_is_not_causal(case):
    """Of planted names every causal pick has an effect and no most selective latent has, perfect as it marks."""
    rows = concepts.run(case, SETTINGS)
    found, notes = figures(rows), {(r.metric, r.case): r.note for r in rows}
    assert found["same", "name"] == found["without", "name/causal"] == 0
    assert found["without", "name/selective"] == 4 and notes["without", "name/selective"] == ", ".join(NAMES)
    for i, name in enumerate(NAMES):
        assert found["effect", f"name/causal/{name}"] > 1 > 1e-4 > abs(found["effect", f"name/selective/{name}"])
        assert found["precision", f"name/selective/{name}"] == found["recall", f"name/selective/{name}"] == 1
        assert notes["effect", f"name/causal/{name}"] == f"latent {NAME + i}"
        assert notes["effect", f"name/selective/{name}"] == f"latent {MARKER + i}"


def chosen(concept, *picks):
    """A concept with one value per (causal latents, effect, selective latents, effect)."""
    made = [
        Choice(
            (n,),
            Pick(Feature(f"v{n}", own, tuple(1.0 for _ in own)), effect, 0.5, 0.25 * n),
            Pick(Feature(f"v{n}", marking, tuple(1.0 for _ in marking)), other, 1.0, 1.0),
        )
        for n, (own, effect, marking, other) in enumerate(picks)
    ]
    return Concepts(concept, "last", "resid_post_1", "m", "s", tuple(made))


def test_means_and_lists_of_every_concept(case):
    """Means are over values, an empty pick counts as 0 and is missing; concepts beside the judged one have rows too."""
    place = chosen("place", ((3, 4), 2.0, (3,), 1.5), ((), 0.0, (), 0.0), ((5,), 0.05, (6,), 0.3))
    rows = concepts.run(replace(case, also=[place]), SETTINGS)
    found, notes = figures(rows), {(r.metric, r.case): r.note for r in rows}
    assert found["effect", "place/causal"] == pytest.approx(2.05 / 3)
    assert found["recall", "place/causal"] == pytest.approx(0.25)
    assert (found["without", "place/causal"], notes["without", "place/causal"]) == (2, "v1, v2")
    assert (found["without", "place/selective"], notes["without", "place/selective"]) == (1, "v1")
    assert found["same", "place"] == pytest.approx(1 / 3)
    assert [notes["effect", f"place/causal/v{n}"] for n in range(3)] == ["latents 3, 4", "none", "latent 5"]
    assert ("effect", "name/causal") in found


def test_not_applicable_without_values(case):
    """Where the training text names no value, the question says so."""
    (row,) = concepts.run(replace(case, concepts=no_concepts(case.subject)), SETTINGS)
    assert row.value is None and "no value of 'name'" in row.note


@pytest.mark.parametrize("least", [0.0, -1.0, float("nan"), float("inf")])
def test_a_least_effect_that_says_nothing_is_refused(least):
    """From 0 on every latent would be good."""
    with pytest.raises(ValueError, match="must be above 0"):
        concepts.Settings(least)
