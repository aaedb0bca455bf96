"""params.yaml: every mistake is told in one message, with its place, what was given and what was expected."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from sieve.dictionary.adapt import AdaptConfig
from sieve.dictionary.fit import FitConfig
from sieve.dictionary.orthogonalize import RECONSTRUCTIONS
from sieve.dictionary.penalties import PENALTIES
from sieve.evals import ceiling, swap
from sieve.features.concepts import Settings as ConceptSettings
from stages._params import Orthogonalize, OrthogonalizeSubject, ParamsError, deciding, load_params, settings

ROOT = Path(__file__).parents[2]
OURS = [Path("params.yaml"), *sorted(path.relative_to(ROOT) for path in ROOT.glob("presets/*/params.yaml"))]
DEFAULT = (ROOT / "tests/assets/params.yaml").read_text(encoding="utf-8")
FIT = {"steps": 10, "batch": 4, "lr": 0.001, "warmup": 0.1, "decay": 0.2}
LORA = {
    "steps": 10, "batch": 4, "lr": 0.001, "warmup": 0.1, "targets": ["q_proj"], "rank": 4, "alpha": 8, "scope": "after",
}  # fmt: skip
SWAP = {"pairs": 6, "new_tokens": 8, "strengths": [0.0, 1.0], "kind": "typical", "success": [0.3, 0.8]}
CEILING = {"pairs": 6, "new_tokens": 8}


@pytest.fixture
def refusal(tmp_path):
    """Write the default params with (old, new) replaced, and return the mistakes that are told."""

    def refuse(*changes: tuple[str, str]) -> list[str]:
        text = DEFAULT
        for old, new in changes:
            assert old in text, f"the default no longer holds {old!r}"
            text = text.replace(old, new, 1)
        path = tmp_path / "params.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ParamsError) as caught:
            load_params(path)
        assert str(path) in str(caught.value)
        assert all(f"\n  {mistake}" in str(caught.value) for mistake in caught.value.mistakes)
        return caught.value.mistakes

    return refuse


def test_what_decides_a_stage_s_bits():
    """Its own subject's numbers and the seeds do; gates and other subjects don't, so unfinished work stays known."""
    params = load_params(ROOT / "tests/assets/params.yaml")
    model, options = deciding(params, "model", {}), {"subject": "topk"}
    assert set(model) == {"seed", "model"} and set(model["model"]) == {"kind", "pretrain", "asked"}
    others = {"topk": params.train.subjects["topk"]}
    alone = params.model_copy(update={"train": params.train.model_copy(update={"subjects": others})})
    assert deciding(params, "train", options) == deciding(alone, "train", options)
    assert deciding(params, "train", options) != deciding(params, "train", {"subject": "batchtopk"})
    assert deciding(params, "train", options) != deciding(params, "orthogonalize", {"subject": "cosine_5"})


@pytest.mark.parametrize("path", OURS, ids=str)
def test_ours_are_free_of_mistakes(path):
    """The default and every preset load."""
    assert load_params(ROOT / path).subjects


def test_unknown_key_names_its_neighbour(refusal):
    """A misspelt key is told with the known key that is nearest, and the missing one beside it."""
    assert refusal(("  groups: ", "  gruops: ")) == [
        "dataset.groups: missing",
        "dataset.gruops: unknown key; did you mean 'groups'?",
    ]


def test_unknown_key_without_a_neighbour_lists_the_known(refusal):
    """A key that resembles nothing is told with all keys that are known at its place, also inside a named subject."""
    assert refusal(("      site: resid_post_0", "      zebra: 1\n      site: resid_post_0")) == [
        "train.subjects.topk.zebra: unknown key; known here: variant, site, latents, settings, seed"
    ]


def test_missing_section(refusal):
    """A section that is not there is told."""
    assert refusal(("match:\n  rows: 8192\n", "")) == ["match: missing"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("groups: 5000", "groups: '5000'", "dataset.groups: given '5000'; must be a valid integer"),
        ("groups: 5000", "groups: 5000.5", "dataset.groups: given 5000.5; must be a valid integer"),
        ("groups: 5000", "groups: true", "dataset.groups: given True; must be a valid integer"),
        ("groups: 5000", "groups:", "dataset.groups: given None; must be a valid integer"),
        ("groups: 5000", "groups: -1", "dataset.groups: given -1; must be greater than or equal to 0"),
        ("valid: 0.03", "valid: 50", "dataset.valid: given 50; must be less than or equal to 1"),
        ("kind: generated", "kind: made", "dataset.kind: given 'made'; must be 'generated' or 'files'"),
        ("[3, 6]", "[3]", "dataset.sentences: given [3]; list should have at least 2 items, not 1"),
        ("match:\n  rows: 8192", "match: 128", "match: given 128; must be a mapping"),
        ("weight: 5.0", "weight: five", "orthogonalize.subjects.cosine_5.weight: given 'five'; must be a valid number"),
        ("weight: 5.0", "weight: .inf", "orthogonalize.subjects.cosine_5.weight: given inf; must be a finite number"),
        ("weight: 5.0", "weight: .nan", "orthogonalize.subjects.cosine_5.weight: given nan; must be a finite number"),
        (
            "weight: 5.0",
            "weight: -5.0",
            "orthogonalize.subjects.cosine_5.weight: given -5.0; must be greater than or equal to 0",
        ),
        ("columns: 1024", "columns: 1", "orthogonalize.columns: given 1; must be greater than or equal to 2"),
        ("norms: free", "norms: one", "orthogonalize.norms: given 'one'; must be 'free' or 'unit'"),
        ("freeze: decoder_only", "freeze: W_dec", "adapt.freeze: given 'W_dec'; must be 'decoder_only' or 'all'"),
        ("specials: bypass", "specials: keep", "adapt.specials: given 'keep'; must be 'bypass' or 'replace'"),
    ],
)
def test_wrong_value(refusal, old, new, told):
    """A wrong value is told with its place, itself and what belongs there; nothing is converted."""
    assert refusal((old, new)) == [told]


def test_exponents_are_numbers(tmp_path):
    """YAML 1.2 is read, in which 1e-3 and 1.0e-3 are one number, and `no` is a string."""
    path = tmp_path / "params.yaml"
    path.write_text(
        DEFAULT.replace("lr: 1.0e-3", "lr: 1e-3").replace("languages: [en]", "languages: [no]"), encoding="utf-8"
    )
    params = load_params(path)
    assert params.train.fit["lr"] == 0.001
    assert params.dataset.files["languages"] == ["no"]


def test_id_with_a_dot(refusal):
    """DVC splits names at dots, so ids have none, as keys and as values."""
    mistakes = refusal(("    batchtopk:", "    batch.topk:"), ("[topk, batchtopk,", "[topk, batch.topk,"))
    assert [mistake.split(":")[0] for mistake in mistakes] == ["subjects.1", "train.subjects.batch.topk"]
    assert all("is not an id; use lower-case letters, digits and _" in mistake for mistake in mistakes)


def test_several_mistakes_in_one_message(refusal):
    """Mistakes in fields and in references between names are all told at once."""
    mistakes = refusal(
        ("groups: 5000", "groups: many"), ("valid: 0.03", "valid: 2"), ("{sae: cosine_5}", "{sae: cosine_7}")
    )
    assert [mistake.split(":")[0] for mistake in mistakes] == [
        "dataset.groups",
        "dataset.valid",
        "adapt.subjects.adapted_5.sae",
    ]


def test_site_that_is_not_captured(refusal):
    """A subject's site must be among the captured ones."""
    assert refusal(("site: resid_post_2", "site: resid_post_1")) == [
        "train.subjects.batchtopk.site: 'resid_post_1' is not captured; "
        "activations.sites has resid_post_0, resid_post_2"
    ]


def test_a_concept_that_is_named_twice(refusal):
    """Latents are chosen for the concept that is to be turned anyway; beside it, others are named."""
    assert refusal(("also: []", "also: [animal, name]")) == [
        "filter.concepts.also: 'name' is ceiling.concept, whose latents are chosen anyway; drop it"
    ]


@pytest.mark.parametrize("also", ["also: null", "also: 3", "also: names"])
def test_what_is_no_list_of_concepts(tmp_path, also):
    """It is refused by the filter's own settings, and by nothing before these could be read."""
    path = tmp_path / "params.yaml"
    path.write_text(DEFAULT.replace("also: []", also), encoding="utf-8")
    with pytest.raises(ParamsError, match=r"also: given .*; must be a valid array"):
        settings(ConceptSettings, load_params(path).filter.concepts, "filter.concepts")


@pytest.mark.parametrize(("site", "position"), [("resid_post", "last"), ("resid_post_0", "highest")])
def test_a_place_that_is_to_be_chosen_by_nothing(refusal, site, position):
    """Without pairs there is no ceiling, so site and position are to be given."""
    old = re.search(r"  site: (\w+).*\n  position: (\w+).*\n  pairs: \d+", DEFAULT)
    given = old[0].replace(f"site: {old[1]}", f"site: {site}").replace(f"position: {old[2]}", f"position: {position}")
    (mistake,) = refusal((old[0], re.sub(r"pairs: \d+", "pairs: 0", given)))
    assert mistake.startswith("ceiling.pairs: given 0, but a place is to be chosen by them")


def test_site_that_differs_from_the_origin(refusal):
    """An orthogonalised dictionary stays at the site of the one that it starts from."""
    assert refusal(("cosine_5: {sae: topk, site: resid_post_0", "cosine_5: {sae: topk, site: resid_post_2")) == [
        "orthogonalize.subjects.cosine_5.site: given 'resid_post_2', but its sae 'topk' is trained on 'resid_post_0'"
    ]


def test_every_penalty_may_be_named(refusal):
    """The penalties and reconstruction terms that params.yaml may name are those that there are."""
    names = set(PENALTIES)
    assert names == set(get_args(OrthogonalizeSubject.model_fields["penalty"].annotation))
    assert set(RECONSTRUCTIONS) == set(get_args(Orthogonalize.model_fields["reconstruction"].annotation))
    (mistake,) = refusal(("penalty: cosine_full, weight: 5.0", "penalty: cosine, weight: 5.0"))
    assert mistake.startswith("orthogonalize.subjects.cosine_5.penalty: given 'cosine'; must be ")
    assert all(f"'{name}'" in mistake for name in names)


def test_more_columns_than_latents(refusal, tmp_path):
    """Who draws columns cannot draw more than its dictionary has latents; who draws none is not asked."""
    sampled = ("penalty: cosine_full, weight: 5.0", "penalty: raw_sampled, weight: 5.0")
    assert refusal(sampled, ("columns: 1024", "columns: 513")) == [
        "orthogonalize.columns: given 513, but cosine_5 draws so many of only 512 latents of 'topk'; lower columns"
    ]
    text = DEFAULT.replace(*sampled).replace("columns: 1024", "columns: 512")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    assert load_params(tmp_path / "params.yaml").orthogonalize.columns == 512


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("cosine_5: {sae: topk,", "cosine_5: {sae: topl,",
         "orthogonalize.subjects.cosine_5.sae: 'topl' is not in train.subjects; there are topk, batchtopk"),
        ("{sae: cosine_0}", "{sae: cosine_1}",
         "adapt.subjects.adapted_0.sae: 'cosine_1' is made by no earlier stage; "
         "there are topk, batchtopk, cosine_0, cosine_5"),
    ],
)  # fmt: skip
def test_origin_that_does_not_exist(refusal, old, new, told):
    """What a subject is made from must be made by an earlier stage."""
    assert refusal((old, new)) == [told]


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ("topk", "'batchtopk' is made, but listed 0 times; list it once"),
        ("topk, topk, batchtopk", "'topk' is made, but listed 2 times; list it once"),
        ("topk, batchtopk, relu", "'relu' is listed, but no stage makes it; there are topk, batchtopk, cosine_0, "),
    ],
)
def test_subjects_that_do_not_fit(refusal, listed, told):
    """Every subject that a stage makes is listed once, and no other."""
    (mistake,) = refusal(("subjects: [topk, batchtopk,", f"subjects: [{listed},"))
    assert mistake.startswith(f"subjects: {told}")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("of: [adapted_5]", "of: [adapted_6]", "contrasts.orthogonality: 'adapted_6' is no subject; there are topk,"),
        ("over: [adapted_0]", "over: [adapted_0, cosine_0]",
         "contrasts.orthogonality: 1 subjects of, 2 over; give one of each per seed"),
        ("orthogonality: {of", "topk: {of", "contrasts.topk: there is a subject of that name; give the contrast"),
        ("over: [adapted_0]", "over: [adapted_5]", "contrasts.orthogonality: 'adapted_5' is compared with itself"),
        ("of: [adapted_5], over: [adapted_0]", "of: [adapted_5, cosine_5], over: [adapted_0, cosine_0]",
         "contrasts.orthogonality: of adapted_5, cosine_5 some share a seed; give one subject per seed"),
        ("tried: 0", "tried: -1", "contrasts.orthogonality.tried: given -1"),
    ],
)  # fmt: skip
def test_contrasts_that_do_not_fit(refusal, old, new, told):
    """A contrast pairs subjects that exist, one of each per seed, under a name of its own."""
    (mistake,) = refusal((old, new))
    assert mistake.startswith(told)


def test_a_contrast_of_two_seeds(refusal):
    """What differs in its seed differs in more than what is asked."""
    mistakes = refusal(
        ("over: [adapted_0]", "over: [batchtopk]"),
        ("      variant: batchtopk\n", "      variant: batchtopk\n      seed: 1\n"),
    )
    assert mistakes == ["contrasts.orthogonality: 'adapted_5' has seed 0, 'batchtopk' 1; compare what has one seed"]


def test_subject_of_two_makers(refusal):
    """Two stages cannot make one subject."""
    mistakes = refusal(("    adapted_0: {", "    topk: {"))
    assert "subjects: 'topk' is made by 2 stages; give each its own name" in mistakes


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"seed: {data: 0", "line 1, column 15: not YAML: expected ',' or '}'"),
        (b"seed: 1\nseed: 2\n", 'line 2, column 1: not YAML: found duplicate key "seed"'),
        (b"seed: \x00", "not YAML: "),
        (b"", "given None; must be a mapping with the keys "),
        (b"- seed\n", "given ['seed']; must be a mapping with the keys "),
        (b"seed: \xe9\n", "not UTF-8 at byte 6"),
    ],
)
def test_no_yaml_mapping(tmp_path, content, told):
    """A file that holds no mapping is told with the place where reading failed."""
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    assert told in str(caught.value) and str(path) in str(caught.value)


def test_no_file(tmp_path):
    """A file that is not there is told with where it should be."""
    with pytest.raises(ParamsError, match="no such file; run from the project's root"):
        load_params(tmp_path / "params.yaml")


def test_settings_become_the_components_own():
    """A sound mapping becomes the component's dataclass; whole numbers do for floats."""
    assert settings(FitConfig, FIT | {"decay": 0}, "train.fit") == FitConfig(10, 4, 0.001, 0.1, 0.0)


@pytest.mark.parametrize(
    ("kind", "sound", "wrong", "told"),
    [
        (FitConfig, FIT, {"steps": 0, "batch": -1}, "steps is 0; must be at least 1; batch is -1; must be at least 1"),
        (FitConfig, FIT, {"lr": 0.0}, "lr is 0.0; must be a number above 0"),
        (FitConfig, FIT, {"decay": 1.5}, "decay is 1.5; must be a share, 0 to 1"),
        (AdaptConfig, LORA, {"batch": 0}, "batch is 0; must be at least 1"),
        (AdaptConfig, LORA, {"rank": 0, "alpha": 0}, "rank is 0; must be at least 1; alpha is 0; must be at least 1"),
        (AdaptConfig, LORA, {"warmup": -1}, "warmup is -1.0; must be a share, 0 to 1"),
        (AdaptConfig, LORA, {"targets": []}, "targets is empty; name the modules"),
        (swap.Settings, SWAP, {"strengths": []}, "strengths is []; must have one above 0"),
        (swap.Settings, SWAP, {"strengths": [0.0]}, "strengths is [0.0]; must have one above 0"),
        (swap.Settings, SWAP, {"strengths": [-1.0, 1.0]}, "strengths has -1.0; must be numbers from 0 on"),
        (swap.Settings, SWAP, {"strengths": [1.0, 1.0]}, "strengths is [1.0, 1.0]; name each once"),
        (swap.Settings, SWAP, {"pairs": -3}, "pairs is -3; must be at least 1"),
        (swap.Settings, SWAP, {"success": [0.8, 0.3]}, "success is [0.8, 0.3]; must be two shares"),
        (swap.Settings, SWAP, {"success": [0.3]}, "success is [0.3]; must be two shares"),
        (ceiling.Settings, CEILING, {"pairs": 0, "new_tokens": -1},
         "pairs is 0; must be at least 1; new_tokens is -1; must be at least 1"),
    ],
)  # fmt: skip
def test_settings_that_nothing_can_run_with(kind, sound, wrong, told):
    """What would end hours later, or count something else, is told before anything is made."""
    settings(kind, sound, "here")
    with pytest.raises(ParamsError) as caught:
        settings(kind, sound | wrong, "here")
    assert told in str(caught.value)


def test_settings_tell_every_mistake():
    """Component-owned mappings are told like fixed keys: place, neighbour, what was given and expected."""
    with pytest.raises(ParamsError) as caught:
        settings(FitConfig, {"step": 10, "batch": 4.5, "lr": "1e-3", "warmup": 0.1, "decay": None}, "train.fit")
    assert sorted(caught.value.mistakes) == [
        "train.fit.batch: given 4.5; must be a valid integer",
        "train.fit.decay: given None; must be a valid number",
        "train.fit.lr: given '1e-3'; must be a valid number",
        "train.fit.step: unknown key; did you mean 'steps'?",
        "train.fit.steps: missing",
    ]


def test_settings_hold_lists():
    """A list keeps its own type and a wrong entry is told with its number."""

    @dataclass(frozen=True)
    class Strengths:
        strengths: list[float]

        __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    assert settings(Strengths, {"strengths": [1, 2.5]}, "q") == Strengths([1.0, 2.5])
    with pytest.raises(ParamsError, match=r"q\.strengths\.1: given 'two'; must be a valid number"):
        settings(Strengths, {"strengths": [1.0, "two"]}, "q")
