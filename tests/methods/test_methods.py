"""Ways to make a model write a language: what each finds in planted means, and what its push does."""

from dataclasses import replace

import pytest
import torch

from sieve.features.matched import matched_latents
from sieve.interventions.direction import Direction
from sieve.methods import method, methods
from sieve.methods.dimensions_parallel import translated
from sieve.methods.lape import specific
from sieve.methods.material import ALL, NOTHING, ONE, ONE_AND_RANDOM, PARALLEL, Material, Text, switches
from sieve.model.families import decoder_layers
from sieve.model.sites import observe, site_width
from sieve.provenance import generator
from tests.networks import FAMILIES, family_lm

KEPT = {"de": (1, 2, 3), "en": (4, 5), "es": (6,), "ru": ()}


@pytest.fixture
def material(subject, blocks):
    """Eight documents of each of four languages, translations of each other; arbitrary kept latents."""
    texts = {}
    for name, kept in KEPT.items():
        own = [b for b in blocks if (b.kind, b.language, b.split) == ("text", name, "train")]
        vector = torch.randn(32, generator=generator(0, "methods", name))
        direction = Direction(
            vector / vector.norm(), 5.0, name, subject.site, subject.lm.digest, subject.sae.digest, {"seed": 0}
        )
        told = {b.parallel: b.ids for b in own}
        text = Text([b.ids for b in own], told, kept, (7, 8), direction if kept else None)
        texts[name] = text
    return Material(subject, texts, seed=0, batch=3, draws=4)


@pytest.fixture
def batch(material):
    """Three documents, with a mask of text tokens."""
    ids, mask = material.subject.lm.pad([list(s) for s in material.texts["de"].sequences[:3]])
    return ids, mask, material.subject.lm.is_text(ids) & mask.bool()


def moved(material, push, strength, batch, site=None):
    """What a push adds at the subject's site, or at another, to every text token (N, D)."""
    ids, mask, text = batch
    site = site or material.subject.site
    plain = observe(material.subject.lm.network, [site], ids, mask)[site]
    with push(strength):
        pushed = observe(material.subject.lm.network, [site], ids, mask)[site]
    assert torch.equal(pushed[~text], plain[~text])
    return pushed[text] - plain[text]


def rows(material, name, site=None):
    """All activations (N, D) of a language's text tokens, and which are not their document's first."""
    lm, found, later = material.subject.lm, [], []
    for sequence in material.texts[name].sequences:
        ids, mask = lm.pad([list(sequence)])
        own = observe(lm.network, [site or material.subject.site], ids, mask).popitem()[1][lm.is_text(ids)]
        found.append(own)
        later += [i > 0 for i in range(len(own))]
    return torch.cat(found), torch.tensor(later)


def test_every_method_says_what_it_needs():
    """One of five kinds of data, a unit of strength, and how to find it; the directory is the registry."""
    assert len(methods()) == 12
    for name in methods():
        assert method(name).NEEDS in {NOTHING, ONE, ONE_AND_RANDOM, ALL, PARALLEL}
        assert method(name).UNIT.name and callable(method(name).find)
    with pytest.raises(ValueError, match="no method 'magic'"):
        method("magic")


@pytest.mark.parametrize("name", ["langfir", "filtered", "consistent", "residual", "diffmean", "monolinguality"])
def test_a_push_adds_strength_times_the_median_norm(material, batch, name):
    """Every text token moves by the same vector, whose length is the strength in the language's median norms."""
    (push,) = method(name).find(material, "de")
    found = moved(material, push, 0.5, batch)
    norm = 5.0 if name == "langfir" else material.activity("de").norm
    assert float(found[0].norm()) == pytest.approx(0.5 * norm, rel=1e-4)
    torch.testing.assert_close(found, found[0].expand_as(found), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(moved(material, push, 1.0, batch), 2 * found, rtol=1e-3, atol=1e-3)


def along(material, name, language, batch):
    """The direction in which a method pushes."""
    (push,) = method(name).find(material, language)
    found = moved(material, push, 1.0, batch)[0]
    return found / found.norm()


def unit(vector):
    """The same direction, of length 1."""
    return vector / vector.norm()


def mean_of(material, name, site=None):
    """The mean (D,) of a language's activations, but for each document's first token."""
    own, later = rows(material, name, site)
    return own[later].mean(0)


def test_difference_of_means(material, batch):
    """DiffMean is the language's mean less the mean of the other three languages' means, first tokens left out."""
    means = {name: mean_of(material, name) for name in KEPT}
    others = torch.stack([means[name] for name in ("en", "es", "ru")]).mean(0)
    expected = {"diffmean": unit(means["de"] - others), "residual": unit(means["de"] - material.random("de").centre)}
    for name, vector in expected.items():
        torch.testing.assert_close(along(material, name, "de", batch), vector, rtol=1e-3, atol=1e-3)


def test_monolinguality_takes_the_largest_difference_of_mean_codes(material, batch):
    """As many latents as LangFIR keeps, by mean code less the mean of other languages' mean codes."""
    mean = {name: material.activity(name).mean for name in KEPT}
    nu = mean["de"] - torch.stack([mean[name] for name in ("en", "es", "ru")]).mean(0)
    top = nu.argsort(descending=True)[:3]
    expected = unit(mean["de"][top].float() @ material.subject.sae.W_dec[top])
    torch.testing.assert_close(along(material, "monolinguality", "de", batch), expected, rtol=1e-3, atol=1e-3)


def test_random_latents_are_drawn_anew_and_are_nobodys(material, batch, monkeypatch):
    """As many pushes as draws, not all the same, the same again for the same seed, none where nothing is kept."""
    found = [moved(material, push, 1.0, batch)[0] for push in method("random_latents").find(material, "de")]
    again = [moved(material, push, 1.0, batch)[0] for push in method("random_latents").find(material, "de")]
    assert len(found) == 4 and all(map(torch.equal, found, again))
    assert any(not torch.allclose(found[0], other) for other in found[1:])
    assert method("random_latents").find(material, "ru") == []
    taken = []
    monkeypatch.setattr(method("random_latents"), "matched_latents", lambda *given: taken.append(given[3]) or [0])
    method("random_latents").find(material, "de")
    assert taken == [{1, 2, 3, 4, 5, 6}] * 4  # what one language or another keeps


def test_matched_latents_are_the_most_alike():
    """Of 40 latents one of the ten that are nearest in rate and length is drawn, none twice, none taken, none dead."""
    rate, length = torch.linspace(0.0, 0.39, 40), torch.ones(40)
    draws = [matched_latents((20, 21), rate, length, {20, 21, 22}, generator(0, "test", i)) for i in range(50)]
    assert {j for drawn in draws for j in drawn} <= set(range(14, 31)) - {20, 21, 22}
    assert all(len(set(drawn)) == 2 for drawn in draws)
    assert len(set(draws)) > 10
    assert 0 not in {j for i in range(20) for j in matched_latents((1,), rate, length, set(), generator(0, "dead", i))}
    long = torch.where(torch.arange(40) % 2 == 0, 1.0, 100.0)
    drawn = {j for i in range(50) for j in matched_latents((21,), rate, long, {21}, generator(0, "long", i))}
    assert drawn and all(j % 2 == 1 for j in drawn)


def test_matched_latents_may_be_fewer():
    """Where too few are alive, all of these are drawn."""
    rate = torch.tensor([0.1, 0.2, 0.0, 0.3])
    assert set(matched_latents((0, 1, 2), rate, torch.ones(4), {3}, generator(0, "few"))) == {0, 1}


def test_sae_lape_wants_one_language_and_nearly_all_of_its_text(material, monkeypatch):
    """Kept: in 98 % of sequences, on a tenth of the tokens, and no other language at half the rate."""
    #          own   also rare  seldom
    consistency = {"de": [1.0, 1.0, 0.9, 1.0], "en": [0.5, 1.0, 0.0, 0.0]}
    rate = {"de": [0.4, 0.4, 0.4, 0.05], "en": [0.1, 0.3, 0.0, 0.0]}
    real = material.activity("de")
    padded = lambda values: torch.tensor(values + [0.0] * 60, dtype=torch.float64)  # noqa: E731
    for name in ("de", "en"):
        made = replace(real, consistency=padded(consistency[name]), rate=padded(rate[name]), mean=padded(rate[name]))
        material._activities[name, ""] = made
    two = replace(material, texts={name: material.texts[name] for name in ("de", "en")})
    seen = []
    monkeypatch.setattr(Material, "atoms", lambda self, language, latents: seen.append(latents) or torch.zeros(32))
    method("sae_lape").find(two, "de")
    method("sae_lape").find(two, "en")
    assert seen == [[0], []]


def test_lape_neurons_are_busy_in_few_languages():
    """The neuron of one language is found, the one of all is not, and one that never fires is nobody's."""
    rate = torch.full((3, 100), 0.02)
    rate[0, 7], rate[:, 8], rate[:, 9], rate[1:, 7] = 0.9, 0.9, 0.0, 0.0
    found = specific(rate)
    assert found[0].nonzero().flatten().tolist() == [7]
    assert not found[1:].any()


def test_lape_adds_mean_activations_in_every_mlp(material, batch, monkeypatch):
    """Each MLP's own neurons move by strength times their mean activation in the language, and no others."""
    rate = torch.full((len(material.neurons("de")),), 0.02)
    own = rate.index_fill(0, torch.tensor([5]), 0.9)
    monkeypatch.setattr(Material, "neurons", lambda self, name: own if name == "de" else rate)
    (push,) = method("lape").find(material, "de")
    moves = [moved(material, push, 2.0, batch, f"mlp_act_{layer}")[0] for layer in range(1)]
    mean = material.means("de", "mlp_act_0")
    changed = moves[0].abs() > 1e-6
    assert changed.nonzero().flatten().tolist() == [5]
    torch.testing.assert_close(moves[0][changed], 2 * mean[changed], rtol=1e-3, atol=1e-3)


def test_dimensions_are_overwritten(material, batch):
    """A tenth of the dimensions, whose mean changes most to the last layer, become strength times their mean there."""
    (push,) = method("dimensions_mono").find(material, "de")
    here, last = mean_of(material, "de"), mean_of(material, "de", "resid_post_2")
    chosen = (here - last).abs().argsort(descending=True)[:3]
    ids, mask, text = batch
    with push(0.5):
        found = observe(material.subject.lm.network, ["resid_post_1"], ids, mask)["resid_post_1"][text]
    torch.testing.assert_close(found[:, chosen], (0.5 * last[chosen]).expand(len(found), 3), rtol=1e-3, atol=1e-3)
    plain = observe(material.subject.lm.network, ["resid_post_1"], ids, mask)["resid_post_1"][text]
    others = [i for i in range(32) if i not in chosen.tolist()]
    assert torch.equal(found[:, others], plain[:, others])


def test_parallel_dimensions_compare_translations(material):
    """Only texts with a translation count, in the same order; the other language is English, and German for English."""
    own, other = translated(material.texts["de"], material.texts["en"], 8)
    assert len(own) == len(other) == 8
    alone = replace(material, texts={n: replace(t, told={}) for n, t in material.texts.items()})
    assert method("dimensions_parallel").find(alone, "de") == []
    assert len(method("dimensions_parallel").find(material, "en")) == 1
    first = min(material.texts["en"].told)
    short = replace(material.texts["en"], told={first: material.texts["en"].told[first]})
    found = translated(material.texts["de"], short, 8)
    assert found == ([list(material.texts["de"].told[first])], [list(material.texts["en"].told[first])])


def test_parallel_dimensions_are_set_to_the_language_that_is_asked_for(material, batch):
    """Where the two languages differ most in the last layer, values become strength times the wanted one's mean."""
    (push,) = method("dimensions_parallel").find(material, "de")
    (own, other), n = (mean_of(material, name, "resid_post_2") for name in ("de", "en")), 3
    chosen = (own - other).abs().argsort(descending=True)[:n]
    ids, mask, text = batch
    with push(0.5):
        found = observe(material.subject.lm.network, ["resid_post_1"], ids, mask)["resid_post_1"][text]
    torch.testing.assert_close(found[:, chosen], (0.5 * own[chosen]).expand(len(found), n), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("name", "dropped"), [("filtered", [7, 8]), ("consistent", [*KEPT["de"], 7, 8])])
def test_controls_of_the_filter_push_what_it_dropped_or_all(material, batch, name, dropped):
    """Atoms of the latents that the filter dropped, or also of those that it kept, with the language's mean codes."""
    mean = material.activity("de").mean[dropped].float()
    (push,) = method(name).find(material, "de")
    vector = mean @ material.subject.sae.W_dec[dropped]
    added = moved(material, push, 1.0, batch)
    wanted = vector / vector.norm() * material.activity("de").norm
    torch.testing.assert_close(added, wanted.expand_as(added), rtol=1e-3, atol=1e-3)


def test_translations_are_looked_for_in_all_training_text(material):
    """Of two texts that other methods are given neither need be told twice: two others that are make up for it."""
    few = {
        n: replace(t, sequences=t.sequences[:2] if n == "de" else t.sequences[2:4]) for n, t in material.texts.items()
    }
    own, other = translated(few["de"], few["en"], 2)
    assert len(own) == len(other) == 2


def test_a_neuron_is_on_where_its_gate_is(material):
    """Share of text tokens but the first at which a neuron's gate is above 0; the sign of the product is another."""
    lm, layer = material.subject.lm, material.subject.lm.network.model.layers[0]
    gates, products = [], []
    with torch.no_grad():
        for sequence in material.texts["de"].sequences:
            ids, mask = lm.pad([list(sequence)])
            seen = observe(lm.network, ["resid_mid_0", "mlp_act_0"], ids, mask)
            gates.append(layer.mlp.gate_proj(layer.post_attention_layernorm(seen["resid_mid_0"]))[lm.is_text(ids)][1:])
            products.append(seen["mlp_act_0"][lm.is_text(ids)][1:])
    found = material.neurons("de")[: site_width(lm.network, "mlp_act_0")]
    torch.testing.assert_close(found, (torch.cat(gates) > 0).float().mean(0), atol=1e-3, rtol=0)
    assert not torch.allclose(found, (torch.cat(products) > 0).float().mean(0), atol=0.1)


def test_each_kind_of_push_is_tried_in_its_own_range():
    """Overwritten dimensions and added activations need more of their unit than directions in median norms do."""
    times = {name: method(name).UNIT.times for name in methods()}
    assert {name for name, factor in times.items() if factor == 1} == set(methods()) - {
        "lape", "dimensions_mono", "dimensions_parallel", "unsteered"
    }  # fmt: skip


def test_unsteered_does_nothing_at_any_strength(material, batch):
    """The control has one push for every language, kept latents or none, and activations keep their bits."""
    for language in KEPT:
        (push,) = method("unsteered").find(material, language)
        assert not moved(material, push, 5.0, batch).any()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_switches_neurons_on_has_one_entry_a_neuron_in_every_family(family):
    """Each layer's switches are as many as what its down projection reads; without a gate they are that itself."""
    lm = family_lm(family)
    ids, mask = lm.pad([[1, 5, 6, 7]])
    layers = decoder_layers(lm.network)
    places = [f"mlp_act_{n}" for n in range(len(layers))]
    with switches(lm.network, list(layers)) as seen:
        read = observe(lm.network, places, ids, mask)
    assert [one.shape for one in seen] == [read[place].shape for place in places]
    if not any(name.endswith("gate_proj") for name, _ in lm.network.named_modules()):
        assert all(map(torch.equal, seen, read.values()))
