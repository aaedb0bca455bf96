"""What every way of training a dictionary promises; a new file in `variants/` is asked the same."""

import copy
from dataclasses import replace

import pytest
import torch

from sieve.dictionary.sae import Sae
from sieve.dictionary.variants import variant, variants
from tests.dictionary.planted import ACTIVE, CASES, FIT, FREE, LATENTS, WIDTH, new, recovered, settings, train, world

SHORT = replace(FIT, steps=20)
every_variant = pytest.mark.parametrize("name", CASES)
with_unit_atoms = pytest.mark.parametrize("name", [name for name in CASES if name not in FREE])
MOST_ACTIVE = {"relu_l1": 2.5, "relu_l1 free": 2.5}  # relative to what was planted: L1 leaves weak codes standing


@pytest.fixture(scope="module")
def planted():
    """Planted rows to train on."""
    return world()


@pytest.fixture(scope="module")
def trained(planted):
    """{case: (trained Variant, history, frozen Sae)}"""
    found = {}
    for name in CASES:
        subject = new(name, planted.rows)
        history = train(subject, planted.rows)
        found[name] = subject, history, subject.freeze("resid_post_0", "digest")
    return found


def test_the_directory_is_the_registry():
    """The variants are the files of the folder, and a name that is none of them lists them all."""
    assert {"topk", "batchtopk", "jumprelu", "relu_l1"} <= set(variants()) <= set(CASES)
    with pytest.raises(ValueError, match=r"no variant 'tpok'; there are: .*batchtopk.*topk"):
        variant("tpok")


@every_variant
def test_training_explains_the_rows(trained, name):
    """Training on planted sparse data leaves less than a fifth of the variance that was unexplained at the start."""
    history = trained[name][1]

    assert history[-1].figures["fvu"] < 0.2 * history[0].figures["fvu"]
    assert all({"fvu", "l0", "dead"} < record.figures.keys() for record in history)


@every_variant
def test_planted_atoms_are_found(trained, planted, name):
    """Most planted atoms are recovered: their best cosines with a learned atom are above 0.9 on average."""
    sae = trained[name][2]
    fresh = new(name, planted.rows).freeze("s", "m")

    assert recovered(planted.atoms, fresh.W_dec) < 0.8
    assert recovered(planted.atoms, sae.W_dec) > 0.9


@every_variant
def test_unseen_rows_are_rebuilt(trained, name):
    """The frozen dictionary explains most of rows that it was not trained on, with about as many latents as planted."""
    rows = world(2000, seed=1).rows
    sae = trained[name][2]
    z = sae.encode(rows)
    error = (sae.decode(z) - rows).square().sum() / (rows - rows.mean(0)).square().sum()

    assert error < 0.1
    assert 0.7 * ACTIVE < (z != 0).sum(1).float().mean() < MOST_ACTIVE.get(name, 1.3) * ACTIVE


@every_variant
def test_what_is_frozen_is_what_was_trained(trained, planted, name):
    """The frozen dictionary has the FVU and L0 that training reports on the same rows; BatchTopK's threshold, about."""
    subject, _, sae = copy.deepcopy(trained[name])
    x = planted.rows[:1024]
    figures = subject.loss(x)[1]
    z = sae.encode(x)
    fvu = (sae.decode(z) - x).square().sum() / (x - x.mean(0)).square().sum()
    tolerance = 0.1 if name == "batchtopk" else 1e-3

    assert fvu.item() == pytest.approx(figures["fvu"], rel=tolerance)
    assert (z != 0).sum(1).float().mean().item() == pytest.approx(figures["l0"], rel=tolerance)


@every_variant
def test_a_rows_code_does_not_depend_on_its_batch(trained, name):
    """The frozen dictionary gives a row the same latents alone and among others."""
    rows = world(64, seed=2).rows
    sae = trained[name][2]
    together = sae.encode(rows)
    alone = torch.cat([sae.encode(row[None]) for row in rows])

    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


@every_variant
def test_seeds_decide_every_bit(planted, name):
    """The same seed gives the same bits, wherever torch's own stream stands; another seed gives others."""
    found = []
    for seed in (0, 0, 1):
        torch.randn(3)
        subject = new(name, planted.rows, seed)
        train(subject, planted.rows, SHORT)
        found.append(subject.freeze("s", "m").digest)

    assert found[0] == found[1] != found[2]


def atoms_of(subject):
    """W_dec (F, D) in training."""
    return next(p for p in subject.parameters() if p.shape == (LATENTS, WIDTH))


@every_variant
def test_frozen_atoms_have_unit_norm(trained, name):
    """Whatever lengths atoms have while they are trained, they are used with length 1."""
    assert (trained[name][2].W_dec.norm(dim=1) - 1).abs().max() < 1e-6


@with_unit_atoms
def test_atoms_keep_unit_norm(planted, name):
    """After every step all atoms have unit length."""
    subject = new(name, planted.rows)
    longest = []
    after = subject.after_step
    subject.after_step = lambda: (after(), longest.append((atoms_of(subject).detach().norm(dim=1) - 1).abs().max()))
    train(subject, planted.rows, SHORT)

    assert len(longest) == 20
    assert max(longest) < 1e-6


@with_unit_atoms
def test_no_gradient_along_the_atoms(planted, name):
    """Before a step the part of each atom's gradient along the atom is gone, and the rest of it is untouched."""
    subject = new(name, planted.rows)
    subject.loss(planted.rows[:256])[0].backward()
    W_dec = atoms_of(subject)
    before = W_dec.grad.clone()
    subject.before_step()
    along = (W_dec.grad * W_dec).sum(1)
    removed = before - W_dec.grad

    assert along.abs().max() < 1e-6 * before.abs().max().clamp_min(1) < (before * W_dec).sum(1).abs().max()
    torch.testing.assert_close(removed, (removed * W_dec).sum(1, keepdim=True) * W_dec, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(FREE))
def test_free_atoms_are_free(planted, name):
    """Where atoms have no constraint their gradient is left as it is, and training changes their lengths."""
    subject = new(name, planted.rows)
    subject.loss(planted.rows[:256])[0].backward()
    W_dec = atoms_of(subject)
    before = W_dec.grad.clone()
    subject.before_step()
    assert torch.equal(W_dec.grad, before)

    train(subject, planted.rows, SHORT)
    assert (W_dec.norm(dim=1) - 1).abs().max() > 1e-3


@every_variant
def test_the_loss_does_not_change_the_tensors(planted, name):
    """Asking for the loss changes no parameter, and a gradient reaches each of them."""
    subject = new(name, planted.rows)
    before = [p.detach().clone() for p in subject.parameters()]
    subject.loss(planted.rows[:256])[0].backward()

    assert all(torch.equal(p, b) for p, b in zip(subject.parameters(), before, strict=True))
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in subject.parameters())


@every_variant
def test_dead_latents_are_counted(planted, name):
    """A latent that did not fire for so many rows counts as dead, also where the counters were restored in between."""
    first, second = planted.rows[:1024].split(512)

    def silenced():
        subject = new(name, planted.rows, dead_after=1024)
        subject.weights.b_enc.data[3] = -99.0
        return subject

    straight, resumed = silenced(), silenced()
    assert straight.loss(first)[1]["dead"] == 0
    resumed.restore(straight.counters())

    assert resumed.loss(second)[1]["dead"] == straight.loss(second)[1]["dead"] >= 1


@pytest.mark.parametrize("name", ["topk", "batchtopk"])
def test_dead_latents_have_a_part_in_the_loss(planted, name):
    """AuxK is weighed into it, and what it weighs is the error that dead latents alone could still explain."""
    x = planted.rows[:512]
    losses = []
    for weight in (0.0, 0.5, 1.0):
        subject = new(name, planted.rows, dead_after=512, aux_weight=weight)
        subject.weights.b_enc.data[:8] = -99.0
        subject.loss(x)
        losses.append(subject.loss(x)[0].item())

    assert losses[1] - losses[0] > 0.01
    assert losses[2] - losses[0] == pytest.approx(2 * (losses[1] - losses[0]), rel=1e-4)


@pytest.mark.parametrize("name", ["topk", "batchtopk"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_is_used_in_the_precision_of_its_training(planted, name, precision):
    """What is frozen chooses as training did: by the same product."""
    subject = new(name, planted.rows, precision=precision)
    train(subject, planted.rows, SHORT)

    assert subject.freeze("s", "m").precision == precision


@every_variant
def test_a_frozen_dictionary_is_kept_apart(planted, name):
    """What was frozen does not change while training goes on, and holds no graph."""
    subject = new(name, planted.rows)
    train(subject, planted.rows, SHORT)
    frozen = subject.freeze("s", "m")
    digest = frozen.digest
    train(subject, planted.rows, SHORT)

    assert frozen.digest == digest != subject.freeze("s", "m").digest
    assert not any(getattr(frozen, n).requires_grad for n in ("W_enc", "b_enc", "W_dec", "b_dec"))
    assert (frozen.site, frozen.model, frozen.width, frozen.latents) == ("s", "m", WIDTH, LATENTS)


@every_variant
def test_a_frozen_dictionary_is_saved_whole(trained, name, tmp_path):
    """Saved and loaded, the dictionary gives the same codes, bit for bit, and saved again the same bytes."""
    sae = trained[name][2]
    sae.save(tmp_path / "sae.safetensors")
    rows = world(100, seed=3).rows
    loaded = Sae.load(tmp_path / "sae.safetensors")
    loaded.save(tmp_path / "again.safetensors")

    assert torch.equal(loaded.encode(rows), sae.encode(rows))
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "sae.safetensors").read_bytes()


@pytest.mark.parametrize("name", variants())
def test_wrong_settings_are_refused_by_name(name):
    """Settings take exactly their own numbers."""
    with pytest.raises(TypeError, match="nonsense"):
        variant(name).Settings(**vars(settings(name)), nonsense=1)


def test_topk_freezes_exactly(trained):
    """A frozen TopK codes rows exactly as training did, with at most k latents."""
    subject, _, sae = trained["topk"]
    rows = world(500, seed=4).rows
    with torch.no_grad():
        z = subject.weights.encode(rows, subject.gate.choose, "fp32").dense()

    assert torch.equal(sae.encode(rows), z)
    assert int((z != 0).sum(1).max()) <= ACTIVE


def test_batchtopk_freezes_at_the_running_mean(planted):
    """BatchTopK's threshold is the decayed mean of the smallest activation kept in each training batch."""
    subject = new("batchtopk", planted.rows, threshold_decay=0.75)
    smallest = []
    for start in range(0, 1024, 256):
        x = planted.rows[start : start + 256]
        with torch.no_grad():
            pre = (x - subject.weights.b_dec) @ subject.weights.W_enc + subject.weights.b_enc
            smallest.append(pre.relu().flatten().sort(descending=True).values[256 * ACTIVE - 1].item())
        subject.loss(x)
    wanted = smallest[0]
    for value in smallest[1:]:
        wanted = 0.75 * wanted + 0.25 * value

    theta = subject.freeze("s", "m").gate.theta
    torch.testing.assert_close(theta, torch.full((LATENTS,), wanted), rtol=1e-5, atol=0)
