"""Training on with a finished dictionary: each variant keeps the number of active latents that it had."""

import math
from dataclasses import asdict, replace

import pytest
import torch

from sieve.dictionary.gates import Threshold, TopK
from sieve.dictionary.orthogonalize import TENSORS, Orthogonalizer, relative_error
from sieve.dictionary.penalties import mean_squared_cosine
from sieve.dictionary.sparsity import adopted, assumed
from sieve.dictionary.variants import variant, variants
from sieve.dictionary.weights import spread
from sieve.provenance import generator
from tests.dictionary.planted import ACTIVE, CASES, FIT, LATENTS, new, settings, train, world

SHORT = replace(FIT, steps=200, lr=3e-3)
every_case = pytest.mark.parametrize("case", CASES)
with_thresholds = pytest.mark.parametrize("case", [case for case in CASES if case != "topk"])
L1 = 1.0


@pytest.fixture(scope="module")
def rows():
    """Planted rows."""
    return world().rows


@pytest.fixture(scope="module")
def unseen():
    """Planted rows that nothing was trained on."""
    return world(4000, seed=1).rows


@pytest.fixture(scope="module")
def starts(rows):
    """{case: a dictionary trained a little}"""
    found = {}
    for case in CASES:
        subject = new(case, rows, ramp_steps=100, l1=L1)
        train(subject, rows, replace(FIT, steps=300))
        found[case] = subject.freeze("resid_post_0", "digest")
    return found


def convention(case, **changes):
    """What stands beside a dictionary of this case."""
    return {"variant": CASES[case][0], "settings": asdict(settings(case)) | changes}


def pull(case, starts, rows, weight=0.0, **options):
    """The dictionary of this case, about to be pulled apart."""
    return Orthogonalizer(starts[case], weight, rows=rows, convention=convention(case), **options)


def held(case, starts, rows, error=relative_error, **changes):
    """Its `Sparsity`."""
    own = convention(case, **changes)
    return variant(own["variant"]).Sparsity(starts[case], own["settings"], rows, error)


def with_gradients(sae):
    """The same dictionary, its four tensors as leaves."""
    return replace(sae, **{name: getattr(sae, name).clone().requires_grad_() for name in TENSORS})


def gradients(scalar, sae):
    """By the four tensors; zeros where there is none."""
    tensors = [getattr(sae, name) for name in TENSORS]
    return torch.autograd.grad(scalar, tensors, retain_graph=True, allow_unused=True, materialize_grads=True)


def fvu(sae, rows):
    """Σ ‖x̂ − x‖² / Σ ‖x − mean‖²."""
    return ((sae.reconstruct(rows) - rows).square().sum() / spread(rows)).item()


@every_case
@pytest.mark.parametrize("norms", ["free", "unit"])
def test_l0_stays_while_atoms_are_pulled_apart(starts, rows, unseen, case, norms):
    """With weight 50 and with none, L0 on unseen rows ends within 5 % of one another and 7 % of what is held.

    With the penalty atoms end near the Welch floor, half as far apart as without, and most is still explained.
    """
    ends = []
    for weight in (0.0, 50.0):
        subject = pull(case, starts, rows, weight, norms=norms)
        train(subject, rows, SHORT)
        ends.append(subject.freeze("s", "m"))
    free, pulled = ends
    l0, of_pulled = (end.codes(unseen).l0 for end in ends)

    assert of_pulled == pytest.approx(l0, rel=0.05)
    assert l0 == pytest.approx(subject.sparsity.l0, rel=0.07)
    assert mean_squared_cosine(pulled.W_dec) < 0.6 * mean_squared_cosine(free.W_dec)
    assert fvu(free, unseen) < 0.15 and fvu(pulled, unseen) < 0.4


@pytest.mark.parametrize("case", [case for case in CASES if "topk" not in case])
def test_l0_comes_back(starts, rows, unseen, case):
    """Pushed away from L0*, by biases that are too high for it, training comes back to it where L0 has a price."""
    subject = pull(case, starts, rows)
    subject.tensors["b_enc"].data += 0.3
    away = subject.freeze("s", "m").codes(unseen).l0
    train(subject, rows, SHORT)

    assert away > 1.1 * subject.sparsity.l0
    assert subject.freeze("s", "m").codes(unseen).l0 == pytest.approx(subject.sparsity.l0, rel=0.07)


@every_case
def test_untrained_it_is_what_came_in(starts, rows, case):
    """Before any step the frozen dictionary is the one that came in: to the bit, but for rounding in exp(log θ), and
    for BatchTopK's threshold, which is estimated anew.
    """
    found = pull(case, starts, rows).freeze("resid_post_0", "digest")
    if isinstance(found.gate, Threshold):
        tolerance = 0.1 if case == "batchtopk" else 1e-6
        torch.testing.assert_close(found.gate.theta, starts[case].gate.theta, rtol=tolerance, atol=0)
        found = replace(found, gate=starts[case].gate)

    assert found.digest == starts[case].digest


class Plain(Orthogonalizer):
    """Reconstruction at the L0 that there was, and no penalty to have a weight."""

    def loss(self, x):
        rebuilt, _, price = self.sparsity.code(self._current, x)
        return relative_error(rebuilt, x) + price, {}


@every_case
def test_weight_0_is_plain_fine_tuning(starts, rows, case):
    """With weight 0 training ends with the bits of training without any penalty."""
    plain = Plain(starts[case], 0.0, rows=rows, convention=convention(case))
    weightless = pull(case, starts, rows)
    for subject in (plain, weightless):
        train(subject, rows, replace(SHORT, steps=30))

    assert weightless.freeze("s", "m").digest == plain.freeze("s", "m").digest


@every_case
def test_what_is_used_is_what_is_trained(starts, rows, case):
    """Codes and x̂ in training are those of the frozen dictionary on the same rows; BatchTopK's, about."""
    subject = pull(case, starts, rows)
    train(subject, rows, replace(SHORT, steps=100))
    x = rows[:1024]
    rebuilt, codes, _ = subject.sparsity.code(subject._current, x)
    sae = subject.freeze("s", "m")

    if case == "batchtopk":
        assert codes.l0 == ACTIVE
        assert sae.codes(x).l0 == pytest.approx(ACTIVE, rel=0.1)
        assert torch.equal(codes.dense() * (sae.encode(x) != 0), sae.encode(x) * (codes.dense() != 0))
    else:
        torch.testing.assert_close(codes.dense(), sae.encode(x), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(rebuilt, sae.reconstruct(x), rtol=1e-4, atol=1e-4)


@with_thresholds
def test_l0_stays_where_codes_grow(starts, rows, unseen, case):
    """The raw penalty shrinks free atoms and so lets codes grow; as many of them are active nevertheless."""
    ends = []
    for weight in (0.0, 1.0):
        subject = pull(case, starts, rows, weight, penalty="raw_sampled", columns=LATENTS)
        train(subject, rows, SHORT)
        ends.append(subject.freeze("s", "m"))
    plain, shrunk = ends

    assert shrunk.W_dec.norm(dim=1).median() < 0.8 * plain.W_dec.norm(dim=1).median()
    assert shrunk.codes(unseen).l0 == pytest.approx(plain.codes(unseen).l0, rel=0.05)


def test_l0_is_measured_where_no_k_is_known(starts, rows):
    """What is held is k where the convention has one, else the mean number of active latents on the rows given."""
    for case, sae in starts.items():
        wanted = ACTIVE if "topk" in case else (sae.encode(rows) != 0).sum(1).float().mean().item()
        assert held(case, starts, rows).l0 == pytest.approx(wanted)

    unknown = variant("batchtopk").Sparsity(starts["batchtopk"], {}, rows, relative_error)
    assert unknown.l0 == starts["batchtopk"].codes(rows).l0 != ACTIVE
    assert unknown.code(starts["batchtopk"], rows[:64]).codes.l0 == pytest.approx(unknown.l0, abs=1 / 64)


@pytest.mark.parametrize("gain", [0.2, 1.0, 5.0])
def test_batchtopks_threshold_keeps_k_a_row(starts, rows, gain):
    """A batch keeps its k · B largest, and the threshold for use keeps k a row of the rows given, however large codes
    have grown.
    """
    own, sae = held("batchtopk", starts, rows), starts["batchtopk"]
    grown = replace(sae, W_enc=gain * sae.W_enc, b_enc=gain * sae.b_enc)
    kept = own.code(grown, rows[:256]).codes.values
    pre = ((rows[:256] - sae.b_dec) @ grown.W_enc + grown.b_enc).flatten()
    used = replace(grown, gate=own.gate(grown))

    torch.testing.assert_close(kept.sort().values, pre.topk(256 * ACTIVE).values.flip(0), rtol=1e-4, atol=1e-4)
    assert used.codes(rows).l0 == pytest.approx(ACTIVE, abs=2 / len(rows))


def test_jumprelu_pays_for_the_wrong_number(starts, rows):
    """The price is L0* (L0/L0* − 1)², and thresholds alone see it: −2(L0/L0* − 1)/ε for each entry near, a row."""
    own, x = held("jumprelu", starts, rows, bandwidth=0.7), rows[:64]
    sae = with_gradients(replace(starts["jumprelu"], b_enc=starts["jumprelu"].b_enc + 0.5))
    found = own.code(sae, x)
    pre, theta = (x - sae.b_dec) @ sae.W_enc + sae.b_enc, starts["jumprelu"].gate.theta
    excess = (pre > theta).sum(1).float().mean().item() / own.l0 - 1
    near = ((pre - theta).abs() < 0.35).float().mean(0)

    assert found.price.item() == pytest.approx(own.l0 * excess**2, rel=1e-4) and excess > 0.1
    assert not any(part.any() for part in gradients(found.price, sae))
    (of_t,) = torch.autograd.grad(found.price, own.t)
    torch.testing.assert_close(of_t, -2 * excess / 0.7 * near, rtol=1e-4, atol=1e-6)


def test_jumprelus_thresholds_are_of_contributions(starts, rows):
    """With atoms of other lengths and codes that make up for it, the same latents are active and x̂ is the same, in
    training and in use, and the gradients by thresholds are the same too.
    """
    own, x, sae = held("jumprelu", starts, rows), rows[:64], starts["jumprelu"]
    lengths = torch.linspace(0.5, 2, LATENTS)
    other = replace(sae, W_enc=sae.W_enc / lengths, b_enc=sae.b_enc / lengths, W_dec=sae.W_dec * lengths[:, None])
    first, second = own.code(sae, x), own.code(other, x)
    slopes = [torch.autograd.grad(relative_error(part.rebuilt, x) + part.price, own.t)[0] for part in (first, second)]
    used = replace(other, gate=own.gate(other))

    torch.testing.assert_close(second.rebuilt, first.rebuilt, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(second.codes.dense() * lengths, first.codes.dense(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(used.encode(x), second.codes.dense(), rtol=1e-4, atol=1e-5)


def test_jumprelus_error_moves_thresholds(starts, rows):
    """By t the error has −θ/ε Σ_near ∂E/∂z, entries just below their threshold among them: the kernel of training."""
    own, x, sae = held("jumprelu", starts, rows, bandwidth=0.7), rows[:64], starts["jumprelu"]
    pre, theta = (x - sae.b_dec) @ sae.W_enc + sae.b_enc, sae.gate.theta
    z = torch.where(pre > theta, pre, 0).requires_grad_()
    (of_z,) = torch.autograd.grad(relative_error(z @ sae.W_dec + sae.b_dec, x), z)
    near = (pre - theta).abs() < 0.35
    (of_t,) = torch.autograd.grad(relative_error(own.code(sae, x).rebuilt, x), own.t)

    assert (near & (z == 0)).any()
    torch.testing.assert_close(of_t, -theta / 0.7 * (of_z * near).sum(0), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("length", [1.0, 2.0])
def test_relus_price_is_that_of_its_lengths(starts, rows, length):
    """Price and gradients are those of λ Σ_i z_i ‖W_dec,i‖, mean over rows, at λ_0 e^(10 e) in the first step.

    They are the same for atoms twice as long and codes half as large.
    """
    own, x, sae = held("relu_l1", starts, rows), rows[:64], starts["relu_l1"]
    sae = with_gradients(replace(sae, W_enc=sae.W_enc / length, b_enc=sae.b_enc / length, W_dec=length * sae.W_dec))
    z = ((x - sae.b_dec) @ sae.W_enc + sae.b_enc).clamp_min(0)
    excess = (z != 0).sum(1).float().mean().item() / own.l0 - 1
    wanted = own.start * math.exp(10 * excess) * (z * sae.W_dec.square().sum(1).sqrt()).sum(1).mean()
    price = own.code(sae, x).price

    torch.testing.assert_close(price, wanted)
    for found, right in zip(gradients(price, sae), gradients(wanted, sae)):
        torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-6)


def test_too_many_active_latents_become_dearer(starts, rows):
    """λ rises while L0 is too high and falls while it is too low, by a tenth of the excess a batch, to the digit."""
    for shift, sign in ((0.1, 1), (-0.1, -1)):
        own, x = held("relu_l1", starts, rows), rows[:256]
        sae = replace(starts["relu_l1"], b_enc=starts["relu_l1"].b_enc + shift)
        excess = sae.codes(x).l0 / own.l0 - 1
        prices = torch.stack([own.code(sae, x).price for _ in range(4)])

        assert excess * sign > 0.02
        torch.testing.assert_close(prices[1:] / prices[:-1], torch.full((3,), math.exp(0.1 * excess)))


def test_far_too_many_active_latents_still_have_a_price(starts, rows):
    """However many times L0* are active, one batch raises λ by no more than twice as many would: no overflow."""
    own, x, sae = held("relu_l1", starts, rows), rows[:256], starts["relu_l1"]
    own.l0 = 1e-3
    found = own.code(sae, x)

    assert found.price.item() == pytest.approx(own.start * math.exp(10) * sae.encode(x).sum(1).mean().item(), rel=1e-4)
    assert own.counters()["excess"].item() == 1


@pytest.mark.parametrize("case", ["relu_l1", "relu_l1 free"])
def test_the_first_price_is_the_one_that_was_paid(starts, rows, case):
    """λ_0 is about the λ of training, where the error that is minimised is nmse: 1/spread of the squared error."""

    def nmse(rebuilt, x):
        return (rebuilt - x).square().sum() / spread(x)

    paid = L1 * len(rows) / spread(rows).item()
    assert held(case, starts, rows, nmse).start == pytest.approx(paid, rel=0.1)


def test_the_first_price_balances(starts, rows):
    """At λ_0, error and price together have no slope by a common factor of all codes, by central differences."""
    own, sae = held("relu_l1", starts, rows), starts["relu_l1"].to("cpu")
    z = sae.encode(rows).double()

    def total(factor):
        rebuilt = sae.b_dec.double() + factor * z @ sae.W_dec.double()
        price = own.start * factor * (z * sae.W_dec.norm(dim=1)).sum(1).mean()
        return (relative_error(rebuilt, rows.double()) + price).item(), price.item()

    (more, price), (less, _) = total(1 + 1e-4), total(1 - 1e-4)
    assert abs(more - less) / 2e-4 < 1e-3 * price


def test_a_dictionary_that_never_paid_gets_a_price(starts, rows):
    """Where longer codes would not lower the error, λ_0 is a thousandth of it, spread over all codes: never 0."""
    sae = replace(starts["relu_l1"], W_dec=-starts["relu_l1"].W_dec)
    own = variant("relu_l1").Sparsity(sae, {}, rows, relative_error)
    missed = relative_error(sae.reconstruct(rows), rows).item()

    assert own.start * sae.encode(rows).sum(1).mean().item() == pytest.approx(1e-3 * missed, rel=1e-4)


GATES = {
    "topk": TopK(3),
    "relu_l1": Threshold(torch.zeros(LATENTS)),
    "batchtopk": Threshold(torch.full((LATENTS,), 0.5)),
    "jumprelu": Threshold(torch.linspace(0.1, 1, LATENTS)),
}


@pytest.mark.parametrize("name", GATES)
def test_without_a_convention_the_gate_decides(starts, rows, name):
    """k a row: topk. Thresholds of 0: relu_l1; one for all: batchtopk; different ones: jumprelu. All can be trained."""
    sae = replace(starts["topk"], gate=GATES[name])
    subject = Orthogonalizer(sae, 5.0, rows=rows)
    train(subject, rows, replace(FIT, steps=2))

    assert assumed(GATES[name])["variant"] == name
    assert isinstance(subject.sparsity, variant(name).Sparsity)
    assert set(GATES) == set(variants())


@pytest.mark.parametrize("name", GATES)
def test_an_adopted_dictionary_does_the_same(starts, rows, name):
    """Atoms of other lengths become 1, on average where latents compete, and codes grow by what they lose."""
    lengths = 0.03 * (1 + torch.rand(LATENTS, generator=generator(0, "lengths")))
    sae = replace(starts["topk"], W_dec=starts["topk"].W_dec * lengths[:, None], gate=GATES[name])
    found, told = adopted(sae)
    kept = lengths.mean().expand(LATENTS) if name in ("topk", "batchtopk") else lengths

    assert told == assumed(sae.gate)
    torch.testing.assert_close(found.W_dec.norm(dim=1), lengths / kept)
    torch.testing.assert_close(found.encode(rows), sae.encode(rows) * kept, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.reconstruct(rows), sae.reconstruct(rows), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "gate", "told"),
    [
        ("topk", GATES["jumprelu"], "says 'topk', but the dictionary has thresholds; give the convention"),
        ("batchtopk", GATES["topk"], "says 'batchtopk', but the dictionary keeps the 3 largest of a row"),
        ("jumprelu", GATES["topk"], "says 'jumprelu', but the dictionary keeps the 3 largest of a row"),
        ("relu_l1", GATES["topk"], "says 'relu_l1', but the dictionary keeps the 3 largest of a row"),
        ("batchtopk", GATES["jumprelu"], r"thresholds are 0.1 to 1, but BatchTopK has one for all latents"),
        ("batchtopk", Threshold(torch.full((LATENTS,), -1.0)), "thresholds are -1 to -1, but BatchTopK"),
        ("jumprelu", GATES["relu_l1"], r"thresholds go down to 0, but JumpReLU's are exp\(t\), above 0"),
        ("relu_l1", GATES["batchtopk"], "thresholds go up to 0.5, but ReLU's are all 0"),
    ],
)
def test_a_convention_of_another_dictionary(starts, rows, name, gate, told):
    """A gate that the named variant doesn't have is refused with what it is and what to give."""
    with pytest.raises(ValueError, match=told):
        Orthogonalizer(replace(starts["topk"], gate=gate), 5.0, rows=rows, convention=convention(name))


def test_nothing_to_hold(starts, rows):
    """Without rows, or on rows on which nothing is active, there is no L0, and the error says what to give."""
    silent = replace(starts["jumprelu"], b_enc=torch.full((LATENTS,), -99.0))
    for sae, given, count in ((starts["jumprelu"], None, 0), (silent, rows[:50], 50)):
        with pytest.raises(ValueError, match=f"no latent is active on the {count} rows given.* give rows of"):
            Orthogonalizer(sae, 5.0, rows=given)
