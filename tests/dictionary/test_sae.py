"""`Sae`: the formula, its scale, its file, its name and where it belongs."""

from dataclasses import replace

import pytest
import torch

from sieve.dictionary.gates import Threshold, TopK
from sieve.dictionary.sae import LineageError, Sae
from sieve.provenance import generator, write_tensors

WIDTH, LATENTS = 12, 30
GATES = [TopK(4), Threshold(torch.linspace(-0.2, 0.9, LATENTS))]
every_gate = pytest.mark.parametrize("gate", GATES, ids=["topk", "threshold"])


def make(gate) -> Sae:
    """A Sae with four random tensors."""
    shapes = [(WIDTH, LATENTS), (LATENTS,), (LATENTS, WIDTH), (WIDTH,)]
    return Sae(
        *[torch.randn(s, generator=generator(i, "sae")) for i, s in enumerate(shapes)], gate, "resid_post_3", "model"
    )


@pytest.fixture(scope="module")
def rows():
    """(200, 12)"""
    return torch.randn(200, WIDTH, generator=generator(9, "rows"))


@every_gate
def test_the_formula(rows, gate):
    """z = gate((x − b_dec) W_enc + b_enc) and x̂ = z W_dec + b_dec."""
    sae = make(gate)
    x = rows.double()
    pre = (x - sae.b_dec.double()) @ sae.W_enc.double() + sae.b_enc.double()
    z = sae.encode(rows)

    torch.testing.assert_close(z[z != 0], pre.float()[z != 0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        sae.decode(z), (z.double() @ sae.W_dec.double() + sae.b_dec.double()).float(), rtol=1e-4, atol=1e-4
    )
    torch.testing.assert_close(sae.reconstruct(rows), sae.decode(z), rtol=1e-5, atol=1e-5)
    assert (sae.width, sae.latents) == (WIDTH, LATENTS)


@every_gate
@pytest.mark.parametrize("scale", [0.25, 8.0])
def test_rescaling_keeps_the_codes(rows, gate, scale):
    """Rescaled, the Sae gives scaled activations the codes of the plain ones: to the bit for a power of two."""
    sae = make(gate)
    other = sae.rescaled(scale)

    assert torch.equal(other.encode(rows * scale), sae.encode(rows))
    assert torch.equal(other.reconstruct(rows * scale), sae.reconstruct(rows) * scale)


@every_gate
def test_rescaling_by_any_factor(rows, gate):
    """For any factor the same latents are active, with the same values up to rounding, and back is where it began."""
    sae = make(gate)
    codes, scaled = sae.encode(rows), sae.rescaled(0.137).encode(rows * 0.137)

    torch.testing.assert_close(scaled, codes, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(sae.rescaled(0.137).rescaled(1 / 0.137).W_dec, sae.W_dec)


@every_gate
def test_saving_and_loading(rows, gate, tmp_path):
    """A saved Sae is loaded with the same bits and digest, and saved again as the same bytes."""
    sae = make(gate)
    sae.save(tmp_path / "a")
    loaded = Sae.load(tmp_path / "a")
    loaded.save(tmp_path / "b")

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert loaded.digest == sae.digest
    assert torch.equal(loaded.encode(rows), sae.encode(rows))
    assert (loaded.site, loaded.model) == ("resid_post_3", "model")


def changed(sae: Sae) -> dict[str, Sae]:
    """Saes that differ from `sae` in one thing each, as little as can be."""
    tensors = {}
    for name in ("W_enc", "b_enc", "W_dec", "b_dec"):
        tensor = getattr(sae, name).clone()
        tensor.view(-1)[-1] = torch.nextafter(tensor.view(-1)[-1], torch.tensor(9.0))
        tensors[name] = replace(sae, **{name: tensor})
    return tensors | {"site": replace(sae, site="resid_post_2"), "model": replace(sae, model="other")}


def test_the_digest_sees_everything():
    """The digest changes with one bit of any tensor, with the gate, its numbers, the site and the model."""
    threshold = GATES[1].theta.clone()
    threshold[3] += 1e-6
    found = [
        s.digest
        for gate in (*GATES, TopK(5), Threshold(threshold))
        for s in [make(gate), *changed(make(gate)).values()]
    ]

    assert len(set(found)) == len(found)
    assert make(GATES[0]).digest == make(GATES[0]).digest


def test_the_digest_ignores_layout():
    """The digest is that of the numbers, however they lie in memory."""
    sae = make(GATES[0])

    assert replace(sae, W_enc=sae.W_enc.T.contiguous().T).digest == sae.digest


def test_require_refuses_another_model():
    """A Sae is refused for a network of another width, or of the same width with another digest."""
    sae = make(GATES[0])
    sae.require(WIDTH, "model")
    with pytest.raises(LineageError, match=f"width {WIDTH}.* width 99"):
        sae.require(99, "model")
    with pytest.raises(LineageError, match=r"on model model, .* given is another"):
        sae.require(WIDTH, "another")


def test_another_kind_of_file_is_refused(tmp_path):
    """A file of ours that holds no Sae is refused with what it holds."""
    write_tensors(tmp_path / "x", {"vector": torch.ones(2)}, {"kind": "direction"})
    with pytest.raises(ValueError, match="'direction', not an SAE"):
        Sae.load(tmp_path / "x")


@every_gate
def test_detached_shares_nothing(rows, gate):
    """A detached Sae keeps its numbers when those it came from change."""
    sae = make(gate)
    kept = sae.detached()
    before = kept.encode(rows)
    for name in ("W_enc", "b_enc", "W_dec", "b_dec"):
        getattr(sae, name).zero_()

    assert torch.equal(kept.encode(rows), before)


@every_gate
def test_moving_keeps_everything(rows, gate):
    """On a device the Sae is the same one."""
    assert make(gate).to("cpu").digest == make(gate).digest
