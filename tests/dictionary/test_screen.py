"""Rough products only rule out: what is chosen, and its bits, are the same whichever product went before."""

import pytest
import torch
from torch import Tensor

from sieve.dictionary import gates, kernels, screen
from sieve.dictionary.gates import TopK
from sieve.dictionary.kernels import encode
from sieve.dictionary.screen import Screen
from sieve.provenance import generator

ROWS, WIDTH, LATENTS, K = 320, 25, 1003, 9


def easy() -> list[Tensor]:
    """Rows x (B, D), W_enc (D, F), b_enc (F,), b_dec (D,), all of one size."""
    x, W, b_enc, b_dec = (
        torch.randn(shape, generator=generator(i))
        for i, shape in enumerate([(ROWS, WIDTH), (LATENTS, WIDTH), (LATENTS,), (WIDTH,)])
    )
    return [x, W.T, b_enc, b_dec]


def close() -> list[Tensor]:
    """Atoms that bfloat16 cannot tell apart."""
    x, _, b_enc, b_dec = easy()
    W = torch.randn(WIDTH, 17, generator=generator(9)).repeat(1, 59)
    return [x, W + 1e-4 * torch.randn(W.shape, generator=generator(10)), b_enc * 1e-4, b_dec]


def uneven() -> list[Tensor]:
    """Rows and atoms of very different lengths, a row that is b_dec, biases far beyond the products."""
    x, W, b_enc, b_dec = easy()
    x = x * torch.logspace(-4, 4, ROWS)[:, None]
    x[5] = b_dec
    return [x, W * torch.logspace(-2, 1, LATENTS), b_enc * 100, b_dec]


def equal() -> list[Tensor]:
    """Every atom three times over."""
    x, W, b_enc, b_dec = easy()
    thrice = torch.arange(LATENTS) % (LATENTS // 3)
    return [x, W[:, thrice], b_enc[thrice], b_dec]


def negative() -> list[Tensor]:
    """Few rows have as many as k positive pre-activations, and many are nearly zero."""
    x, W, b_enc, b_dec = easy()
    return [x, W * 1e-3, -0.0125 + b_enc * 1e-4, b_dec]


def tiny() -> list[Tensor]:
    """Rows whose squares are too small for a number, atoms that are told apart by what rounding takes."""
    x, _, b_enc, b_dec = easy()
    base = torch.randn(1, WIDTH, generator=generator(11))
    W = base + 1e-2 * torch.randn(LATENTS, WIDTH, generator=generator(12))
    across = x - (x @ base.T) / (base @ base.T) * base * 0.98
    return [across * 1e-25, W.T, b_enc * 0, b_dec * 0]


CASES = [easy, close, uneven, equal, negative, tiny]
every_case = pytest.mark.parametrize("case", CASES, ids=[case.__name__ for case in CASES])


def chosen(case: list[Tensor], bfloat16: bool, monkeypatch) -> tuple[Tensor, ...]:
    """Rows, latents and values by TopK, with rough products of bfloat16 or float32."""
    monkeypatch.setattr(screen, "has_bfloat16", lambda device: bfloat16)
    codes = encode(*case, TopK(K).choose)
    return codes.pairs.rows, codes.pairs.latents, codes.values


@every_case
def test_codes_do_not_depend_on_the_product(case, monkeypatch):
    """After a bfloat16 product and after one of float32 codes have the same bits, in the same order."""
    rough, fine = (chosen(case(), flag, monkeypatch) for flag in (True, False))

    assert all(torch.equal(a, b) for a, b in zip(rough, fine, strict=True))


@every_case
def test_codes_do_not_depend_on_the_precision_of_products(case, monkeypatch):
    """Nor do they where torch may round float32 products to bfloat16, as this one then does."""
    right = chosen(case(), False, monkeypatch)
    mm = torch.mm
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "medium")
    monkeypatch.setattr(torch, "mm", lambda a, b, out: out.copy_(mm(a.bfloat16().float(), b.bfloat16().float())))

    assert all(torch.equal(a, b) for a, b in zip(chosen(case(), False, monkeypatch), right, strict=True))


@every_case
def test_the_k_largest_are_found(case, monkeypatch):
    """No latent that was left out is larger, in double precision, than one that was taken, but for rounding."""
    x, W_enc, b_enc, b_dec = case()
    rows, latents, values = chosen([x, W_enc, b_enc, b_dec], True, monkeypatch)
    pre = (x - b_dec).double() @ W_enc.double() + b_enc
    wanted = pre.relu().topk(K, dim=1).values
    found = torch.zeros_like(pre).index_put((rows, latents), values.double()).topk(K, dim=1).values
    scale = (x - b_dec).double().norm(dim=1, keepdim=True) * W_enc.norm(dim=0).max() + b_enc.abs().max()

    assert ((found - wanted).abs() <= 1e-6 * scale).all()
    assert (wanted > 0).any(1).sum() > ROWS / 2


def test_a_rows_code_has_the_same_bits_in_any_batch():
    """Alone, among few rows and among many (which are looked at more roughly) a row has the same code."""
    x, *others = easy()
    together = encode(x, *others, TopK(K).choose).dense()

    assert len(x) >= screen.ROWS
    for rows in (slice(1), slice(3, 10), slice(5, 300)):
        assert torch.equal(encode(x[rows], *others, TopK(K).choose).dense(), together[rows])


@every_case
def test_rough_values_are_no_further_off_than_the_bound(case):
    """No rough value is further from the true one, in double precision, than the bound says."""
    x, W_enc, b_enc, b_dec = case()
    for dtype in (torch.bfloat16, torch.float32):
        rough = Screen(x - b_dec, W_enc, b_enc, dtype)
        [(_, pre)] = rough.blocks()
        off = (pre.double() - ((x - b_dec).double() @ W_enc.double() + b_enc)).abs()
        assert (off <= rough.error + rough.relative * pre.double().abs()).all()


WHOLE = torch.randint(-100, 101, (2, 1100, WIDTH), generator=generator(13)).float()  # exact in bfloat16
NONE = torch.zeros(WIDTH)
ALONE = {
    "rows": (easy()[0], WHOLE[1, :LATENTS].T, torch.zeros(LATENTS), NONE),
    "atoms": (WHOLE[0, :ROWS], easy()[1], torch.zeros(LATENTS), NONE),
    "bias": (torch.ones(ROWS, WIDTH), torch.full((WIDTH, LATENTS), 40.0), easy()[2] - 40 * WIDTH, NONE),
    "product": (WHOLE[0, :ROWS], WHOLE[1, :LATENTS].T, torch.zeros(LATENTS), NONE),
}


@pytest.mark.parametrize("rounded", ALONE)
def test_each_thing_that_is_rounded_is_in_the_bound(rounded):
    """Where rounding touches the rows alone, or the atoms, the bias, or the product, the bound holds and is needed."""
    x, W_enc, b_enc, b_dec = ALONE[rounded]
    rough = Screen(x - b_dec, W_enc, b_enc, torch.bfloat16)
    [(_, pre)] = rough.blocks()
    off = (pre.double() - (x.double() @ W_enc.double() + b_enc)).abs()
    bound = rough.error + rough.relative * pre.double().abs()

    assert (off <= bound).all()
    assert (off > 0.05 * bound).any()


def outlier() -> list[Tensor]:
    """One atom is so much longer than the others that a bound on all of them rules out little."""
    x, W, b_enc, b_dec = easy()
    return [x, W * torch.where(torch.arange(LATENTS) == 7, 300.0, 1.0), b_enc, b_dec]


def test_few_candidates_are_held_whatever_the_weights(monkeypatch):
    """Where a rough product rules out too little a finer one does, and not too many candidates wait for the choice."""
    seen = []
    exact = kernels.Products.exact
    monkeypatch.setattr(
        kernels.Products, "exact", lambda self, pairs: seen.append(len(pairs.rows)) or exact(self, pairs)
    )
    monkeypatch.setitem(screen.BLOCK, "cpu", 8 * LATENTS)
    found = {}
    for finer in (True, False):
        if not finer:
            monkeypatch.setattr(kernels.Products, "finer", lambda self, rows: None)
        found[finer] = *chosen(outlier(), True, monkeypatch), sum(seen), max(seen)
        seen.clear()

    assert all(torch.equal(a, b) for a, b in zip(found[True][:3], found[False][:3], strict=True))
    assert found[True][3] < 2 * K * ROWS < found[False][3]
    assert found[False][4] <= gates.MANY * K * ROWS + 4 * LATENTS


@pytest.mark.parametrize("which", [1, 2])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_refused(which, value):
    """They would leave codes empty, and the loss finite."""
    case = easy()
    case[which] = case[which].contiguous().clone()
    case[which].view(-1)[3] = value

    with pytest.raises(FloatingPointError, match="not finite"):
        encode(*case, TopK(K).choose)


def test_a_row_that_is_not_finite_has_no_code_and_leaves_others_alone():
    """NaN in one row: no pairs of it, the other rows' as before."""
    x, *others = easy()
    broken = x.clone()
    broken[4, 2] = torch.nan
    z, whole = (encode(rows, *others, TopK(K).choose).dense() for rows in (broken, x))

    assert not z[4].any()
    assert torch.equal(z[torch.arange(ROWS) != 4], whole[torch.arange(ROWS) != 4])


def test_without_the_bound_latents_would_be_lost(monkeypatch):
    """The largest rough values are not the largest values: the bound is what finds them."""
    right = chosen(close(), True, monkeypatch)
    monkeypatch.setattr(Screen, "reach", lambda self, rows, floor: floor)
    wrong = chosen(close(), True, monkeypatch)

    assert not torch.equal(right[1], wrong[1])


@pytest.mark.parametrize(("width", "k"), [(1003, 9), (4096, 32), (40, 32), (8, 9)])
def test_a_floor_is_reached_by_k(width, k):
    """At least k values of a row reach the floor, where there are as many; it leaves few others in."""
    pre = torch.randn(64, width, generator=generator(3))
    floor = gates._kth(gates._heads(pre, k), k)
    reached = (pre >= floor).sum(1)

    assert (reached >= min(k, width)).all()
    assert width < 4 * k or reached.float().mean() < 1.3 * k
