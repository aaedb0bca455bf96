"""What every way of training a dictionary promises; a new file in `variants/` is asked the same."""

from dataclasses import replace

import pytest
import torch

from sieve.dictionary.sae import Sae
from sieve.dictionary.variants import variant, variants
from tests.dictionary.planted import ACTIVE, FIT, LATENTS, WIDTH, new, recovered, settings, train, world

SHORT = replace(FIT, steps=20)
every_variant = pytest.mark.parametrize("name", variants())


@pytest.fixture(scope="module")
def planted():
    """Planted rows to train on."""
    return world()


@pytest.fixture(scope="module")
def trained(planted):
    """{variant: (trained Variant, history, frozen Sae)}"""
    found = {}
    for name in variants():
        subject = new(name, planted.rows)
        history = train(subject, planted.rows)
        found[name] = subject, history, subject.freeze("resid_post_0", "digest")
    return found


def test_the_directory_is_the_registry():
    """The variants are the files of the folder, and a name that is none of them lists them all."""
    assert {"topk", "batchtopk"} <= set(variants())
    with pytest.raises(ValueError, match=r"no variant 'tpok'; there are: .*batchtopk.*topk"):
        variant("tpok")


@every_variant
def test_the_loss_falls(trained, name):
    """Training on planted sparse data lowers the loss to a fifth of its start."""
    history = trained[name][1]

    assert history[-1].figures["loss"] < 0.2 * history[0].figures["loss"]


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
    assert 0.7 * ACTIVE < (z != 0).sum(1).float().mean() < 1.3 * ACTIVE


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


@every_variant
def test_atoms_keep_unit_norm(planted, name):
    """After every step all atoms have unit length."""
    subject = new(name, planted.rows)
    longest = []
    after = subject.after_step
    subject.after_step = lambda: (after(), longest.append((subject.freeze("s", "m").W_dec.norm(dim=1) - 1).abs().max()))
    train(subject, planted.rows, SHORT)

    assert len(longest) == 20
    assert max(longest) < 1e-6


@every_variant
def test_no_gradient_along_the_atoms(planted, name):
    """Before a step the part of each atom's gradient along the atom is gone, and the rest of it is untouched."""
    subject = new(name, planted.rows)
    subject.loss(planted.rows[:256])[0].backward()
    W_dec = next(p for p in subject.parameters() if p.shape == (LATENTS, WIDTH))
    before = W_dec.grad.clone()
    subject.before_step()
    along = (W_dec.grad * W_dec).sum(1)
    removed = before - W_dec.grad

    assert along.abs().max() < 1e-6 < (before * W_dec).sum(1).abs().max()
    torch.testing.assert_close(removed, (removed * W_dec).sum(1, keepdim=True) * W_dec, rtol=1e-4, atol=1e-6)


@every_variant
def test_the_loss_does_not_change_the_tensors(planted, name):
    """Asking for the loss changes no parameter, and a gradient reaches each of them."""
    subject = new(name, planted.rows)
    before = [p.detach().clone() for p in subject.parameters()]
    subject.loss(planted.rows[:256])[0].backward()

    assert all(torch.equal(p, b) for p, b in zip(subject.parameters(), before, strict=True))
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in subject.parameters())


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
    """Saved and loaded, the dictionary gives the same codes, bit for bit."""
    sae = trained[name][2]
    sae.save(tmp_path / "sae.safetensors")
    rows = world(100, seed=3).rows

    assert torch.equal(Sae.load(tmp_path / "sae.safetensors").encode(rows), sae.encode(rows))


@every_variant
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
