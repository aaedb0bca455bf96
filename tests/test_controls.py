"""The controls: they differ from what they control in one thing, and every question about them has an answer."""

import json
import math

import pytest
import torch

from sieve.dictionary.gates import TopK
from sieve.dictionary.sae import Sae
from sieve.model.language_model import open_model
from sieve.model.pretrain import PretrainConfig, new_network
from sieve.provenance import Work, read_json, read_table
from stages import activations, ceiling, dataset, evaluate, filter, match, model, report, tokens, train
from stages._common import write_history
from stages._params import load_params, read_values, settings
from tests.conftest import ROOT

SILENT = "resid_pre_1"


def flat(values, where=""):
    """{dotted place: value} of a params file; what is no mapping, or an empty one, is a value."""
    if not isinstance(values, dict) or not values:
        return {where: values}
    return {place: found for name, own in values.items() for place, found in flat(own, f"{where}.{name}").items()}


def changed(a: str, b: str) -> set[str]:
    """The places in which two params files of the project differ."""
    first, second = (flat(read_values(ROOT / path)) for path in (a, b))
    return {place for place in first.keys() | second.keys() if first.get(place) != second.get(place)}


def test_an_untrained_model_is_the_same_but_for_its_training():
    """presets/untrained is presets/controls with no token to learn from, and without gates that ask for skill."""
    places = changed("presets/controls/params.yaml", "presets/untrained/params.yaml")

    asked = {".ceiling.site", ".ceiling.position", ".activations.sites", ".train.subjects.topk.site"}  # unchosen
    assert places == {".model.pretrain.tokens", ".model.min_copied", ".model.min_answers"} | asked
    assert read_values(ROOT / "presets/untrained/params.yaml")["model"]["pretrain"]["tokens"] == 0


def test_the_embedding_layer_is_asked_as_the_default_is():
    """presets/controls is the default with two subjects: the default's first and one that differs in its site alone."""
    places = changed("params.yaml", "presets/controls/params.yaml")
    subjects = read_values(ROOT / "presets/controls/params.yaml")["train"]["subjects"]

    others = {place for place in places if "subjects" not in place and not place.startswith(".contrasts")}
    assert others == {".activations.sites"}
    assert not any(place.startswith(".train.subjects.topk") for place in places)
    assert subjects["topk"] | {"site": "resid_pre_0"} == subjects["embedding"]


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    """The toy's small numbers, the subjects of presets/untrained and one in which nothing fires, no training."""
    toy, own = (read_values(ROOT / f"presets/{name}/params.yaml") for name in ("toy", "untrained"))
    sites = {name: subject["site"] for name, subject in own["train"]["subjects"].items()} | {"silent": SILENT}
    small = toy["train"]["subjects"]["topk"]
    toy["train"]["subjects"] = {name: small | {"site": site} for name, site in sites.items()}
    toy["activations"]["sites"] = list(sites.values())
    toy["model"]["pretrain"]["tokens"] = own["model"]["pretrain"]["tokens"]
    same = {name: own[name] for name in ("orthogonalize", "adapt")}
    path = tmp_path_factory.mktemp("params") / "params.yaml"
    path.write_text(json.dumps(toy | same | {"subjects": list(sites)}))
    return load_params(path)


@pytest.fixture(scope="module")
def data(params, tmp_path_factory):
    """What every stage writes, from the generated text to the report, in this process."""
    d = tmp_path_factory.mktemp("data")
    texts, problems, network, tokenizer = d / "texts", d / "problems", d / "network", d / "tokenizer"
    blocks, noise, place, site = d / "blocks", d / "noise", d / "place", d / "site"
    dataset.main(params, d, texts, problems, d / "dataset.json")
    model.main(params, Work(d / "work/model", print), d, texts, problems, network, tokenizer, d / "card.json")
    tokens.main(params, texts, problems, tokenizer, blocks, noise)
    ceiling.main(params, network, tokenizer, blocks, d / "ceilings", place, site)
    activations.main(params, Work(d / "work/activations", print), network, tokenizer, blocks, site, d / "activations")
    (d / "history").mkdir()
    for name, subject in params.train.subjects.items():
        folder, features, history = d / "subjects" / name, d / "filter" / name, d / "history" / f"{name}.parquet"
        if name == "silent":
            save_silent(folder, read_json(d / "card.json")["digest"], params.model.pretrain["hidden"])
            write_history(history, "train", [])
        else:
            train.main(params, Work(d / "work" / name, print), name, d / "activations" / subject.site, folder, history)
        filter.main(params, folder, network, tokenizer, blocks, noise, place, features)
        evaluate.main(params, folder, network, tokenizer, blocks, features, d / "evaluate" / name)
    match.main(params, [], d / "activations", d / "match")
    inputs = ("evaluate", "filter", "history", "match", "ceilings", "place", "dataset.json", "card.json")
    written = (d / name for name in (*inputs, "report", "summary.json"))
    report.main(params, *written)
    return d


def save_silent(folder, digest, width):
    """A subject no latent of which ever fires."""
    nothing, atoms = torch.zeros(width), torch.eye(width)
    folder.mkdir()
    Sae(torch.zeros(width, width), nothing - 1, atoms, nothing, TopK(4), SILENT, digest).save(
        folder / "sae.safetensors"
    )


def test_nothing_was_learned(params, data):
    """The model is the one that training would have started from, bit for bit."""
    lm = open_model(data / "network", data / "tokenizer")
    fresh = new_network(settings(PretrainConfig, params.model.pretrain, ""), lm.tokenizer, params.seed.init)

    assert all(torch.equal(a, b) for a, b in zip(lm.network.parameters(), fresh.parameters(), strict=True))


@pytest.mark.parametrize("subject", ["topk", "embedding", "silent"])
def test_every_answer_is_a_number_or_says_why(params, data, subject):
    """Of an untrained model, and where nothing fires, every question gives finite numbers, or none with a reason."""
    rows = read_table(data / "evaluate" / subject / "rows.parquet").to_pylist()

    assert {row["question"] for row in rows} == set(params.evaluate.questions)
    for row in rows:
        numbers = [row[name] for name in ("value", "low", "high") if row[name] is not None]
        assert all(map(math.isfinite, numbers)), row
        assert row["value"] is not None or row["note"].startswith("not applicable: "), row


@pytest.mark.parametrize("subject", ["topk", "embedding", "silent"])
def test_every_swap_is_written_pair_by_pair(params, data, subject):
    """Whatever a swap's condition says of all pairs, its items say of each, in the same order for every subject."""
    rows = read_table(data / "evaluate" / subject / "rows.parquet").to_pylist()
    items = read_table(data / "evaluate" / subject / "items.parquet").to_pylist()
    shares = {row["case"]: row["value"] for row in rows if (row["question"], row["metric"]) == ("swap", "success")}
    first = read_table(data / "evaluate/topk/items.parquet").to_pylist()

    cases = [i["condition"] if i["strength"] is None else f"{i['condition']}/{i['strength']:g}" for i in items]
    assert list(dict.fromkeys(cases)) == list(shares)
    for case, value in shares.items():
        own = [i["success"] for i, name in zip(items, cases) if name == case]
        assert (len(own), sum(own) / len(own)) == (params.evaluate.questions["swap"]["pairs"], value)
    swaps = [
        [(i["doc"], i["source"], i["target"]) for i in some if i["condition"] == "swap"] for some in (items, first)
    ]
    assert swaps[0] == swaps[1]


def test_what_needs_a_trained_model_is_not_found_in_an_untrained_one(data):
    """It solves nothing, copies no name, can't be made to say one, and does without its activations as well."""
    summary = read_json(data / "summary.json")

    assert [summary[f"model.{name}"] for name in ("problem_accuracy", "name_accuracy")] == [0, 0]
    for subject in ("topk", "embedding"):
        figures = {name: summary[f"{subject}.{name}"] for name in ("ceiling", "swap_success", "ce_recovered")}
        assert figures == {"ceiling": 0, "swap_success": 0, "ce_recovered": None}
        assert abs(summary[f"{subject}.ablation_diagonal"]) < 0.05
