"""The sparse step beside a plain dense one: values, gradients, their order, and that nothing of B × F is ever made."""

import pytest
import torch
from torch import Tensor

from sieve.dictionary import kernels, screen
from sieve.dictionary.gates import Threshold, TopK, batch_top_k
from sieve.dictionary.kernels import Codes, Pairs, encode, products
from sieve.provenance import generator

ROWS, WIDTH, LATENTS, K = 60, 12, 96, 5


def weights(dtype=torch.float32, seed: int = 0, rows=ROWS, latents=LATENTS, width=WIDTH) -> list[Tensor]:
    """x (B, D), W_enc (D, F), b_enc (F,), b_dec (D,), W_dec (F, D), all of them leaves."""
    shapes = (rows, width), (latents, width), (latents,), (width,), (latents, width)
    x, encoder, *others = (torch.randn(s, generator=generator(seed, i), dtype=dtype) for i, s in enumerate(shapes))
    return [t.requires_grad_() for t in (x, encoder.T.detach(), *others)]


def dense_top_k(pre: Tensor) -> Tensor:
    """The definition: of each row the k largest positive values."""
    kept = torch.zeros_like(pre, dtype=torch.bool).scatter(
        1, pre.sort(dim=1, descending=True, stable=True)[1][:, :K], True
    )
    return pre * (kept & (pre > 0))


def dense_batch_top_k(pre: Tensor) -> Tensor:
    """The definition: of the batch the k·B largest positive values."""
    order = pre.flatten().sort(descending=True, stable=True)[1][: K * len(pre)]
    kept = torch.zeros(pre.numel(), dtype=torch.bool).scatter(0, order, True).view_as(pre)
    return pre * (kept & (pre > 0))


THETA = torch.linspace(0.5, 5, LATENTS)
RULES = {
    "topk": (TopK(K).choose, dense_top_k),
    "threshold": (Threshold(THETA).choose, lambda pre: pre * (pre > THETA)),
    "batchtopk": (lambda scores: batch_top_k(scores, K * ROWS), dense_batch_top_k),
    "batchtopk, a good guess": (lambda scores: batch_top_k(scores, K * ROWS, 3.0), dense_batch_top_k),
    "batchtopk, a wrong guess": (lambda scores: batch_top_k(scores, K * ROWS, 9.0), dense_batch_top_k),
}
every_rule = pytest.mark.parametrize("rule", RULES)


@pytest.fixture(params=[2**24, 4 * 7 * LATENTS], ids=["one block", "many blocks"], autouse=True)
def block(request, monkeypatch):
    """Everything holds whether rows are encoded at once or a few at a time."""
    monkeypatch.setitem(screen.BLOCK, "cpu", request.param)


def sparse(choose, x, W_enc, b_enc, b_dec, W_dec) -> tuple[Codes, Tensor]:
    """(codes, x̂) by the pairs."""
    codes = encode(x, W_enc, b_enc, b_dec, choose)
    return codes, codes.decode(W_dec, b_dec)


def dense(rule, x, W_enc, b_enc, b_dec, W_dec) -> tuple[Tensor, Tensor]:
    """(z, x̂) by matrices and autograd."""
    z = rule((x - b_dec) @ W_enc + b_enc)
    return z, z @ W_dec + b_dec


def far(a: Tensor, b: Tensor) -> float:
    """Distance, relative to b's length."""
    return float((a - b).detach().norm() / b.detach().norm())


@every_rule
def test_values_and_gradients_are_the_dense_ones(rule):
    """Codes, reconstruction and the gradient of every tensor are those of the dense step, to 1e-5."""
    choose, definition = RULES[rule]
    ours, theirs = weights(), weights()
    codes, rebuilt = sparse(choose, *ours)
    z, wanted = dense(definition, *theirs)
    (rebuilt.sin().sum() + codes.values.square().sum()).backward()
    (wanted.sin().sum() + z.square().sum()).backward()

    assert torch.equal(codes.dense() != 0, z != 0) and codes.l0 == pytest.approx((z != 0).sum().item() / ROWS)
    assert far(codes.dense(), z) < 1e-6 and far(rebuilt, wanted) < 1e-6
    assert max(far(a.grad, b.grad) for a, b in zip(ours, theirs, strict=True)) < 1e-5


@pytest.mark.parametrize("rule", ["topk", "threshold"])
def test_gradients_by_finite_differences(rule):
    """In double precision the gradients are the slopes of the function itself."""
    small = [t.detach().requires_grad_() for t in weights(torch.float64, 1, rows=4, latents=LATENTS)]
    choose = RULES[rule][0]

    def loss(*tensors):
        return sparse(choose, *tensors)[1]

    assert torch.autograd.gradcheck(loss, small, eps=1e-7, atol=1e-5)


def test_products_of_pairs():
    """They are entries of the matrix product, with its gradients, for pairs that repeat rows and atoms."""
    a, b = (torch.randn(n, WIDTH, dtype=torch.float64, generator=generator(n)).requires_grad_() for n in (6, 9))
    pairs = Pairs(torch.tensor([0, 0, 2, 5]), torch.tensor([3, 8, 3, 0]), (6, 9))

    torch.testing.assert_close(products(a, b, pairs), (a @ b.T)[pairs.rows, pairs.latents])
    assert torch.autograd.gradcheck(lambda a, b: products(a, b, pairs), (a, b))


def test_sums_over_pairs_do_not_depend_on_threads():
    """One thread or two: given the codes, decoding and every gradient have the same bits."""
    many = {"rows": 3000, "latents": 3000, "width": 100}  # enough for a product of matrices to be shared out
    codes, _ = sparse(TopK(K).choose, *weights(**many))
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        tensors = weights(**many)
        x, W_enc, b_enc, b_dec, W_dec = tensors
        values = kernels._Encode.apply(x, W_enc, b_enc, b_dec, codes.values.detach(), codes.pairs)
        rebuilt = Codes(codes.pairs, values).decode(W_dec)
        rebuilt.backward(torch.ones_like(rebuilt))
        found.append([rebuilt, *(t.grad for t in tensors if t is not b_dec)])
    torch.set_num_threads(1)

    assert all(torch.equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))


def test_bf16_codes_are_positive():
    """Where all latents may be active, some are by a product's rounding alone: they are no codes."""
    x, W_enc, b_enc, b_dec, _ = weights(rows=600)
    codes = encode(x, W_enc, b_enc, b_dec, TopK(LATENTS).choose, "bf16")
    rounded = torch.addmm(b_enc.bfloat16(), (x - b_dec).bfloat16(), W_enc.bfloat16())

    assert codes.values.min() > 0
    assert len(codes.values) < int((rounded > 0).sum())


def test_bf16_chooses_by_a_rounded_product_and_keeps_exact_values():
    """What is chosen is what is largest after rounding to bf16; the values are those of fp32."""
    x, W_enc, b_enc, b_dec, _ = weights()
    codes = encode(x, W_enc, b_enc, b_dec, TopK(K).choose, "bf16")
    pre = (x - b_dec) @ W_enc + b_enc
    rounded = torch.addmm(b_enc.bfloat16(), (x - b_dec).bfloat16(), W_enc.bfloat16()).float()

    assert torch.equal(codes.dense() != 0, dense_top_k(rounded) != 0)
    torch.testing.assert_close(codes.values, pre[codes.pairs.rows, codes.pairs.latents], rtol=1e-5, atol=1e-5)


def test_no_matrix_of_rows_by_latents_is_made(monkeypatch):
    """No operation, forward or backward, gives a tensor as large as B × F."""
    from torch.utils._python_dispatch import TorchDispatchMode

    largest = [0]

    class Sizes(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            found = function(*args, **(kwargs or {}))
            for tensor in found if isinstance(found, (tuple, list)) else [found]:
                if isinstance(tensor, Tensor):
                    largest[0] = max(largest[0], tensor.numel())
            return found

    monkeypatch.setitem(screen.BLOCK, "cpu", 4 * 8 * 1024)
    for choose in (TopK(K).choose, lambda scores: batch_top_k(scores, K * 512, 6.0)):
        tensors = weights(rows=512, latents=1024)
        with Sizes():
            sparse(choose, *tensors)[1].sum().backward()
        assert largest[0] <= max(8 * 1024 * 2, 1024 * WIDTH, 512 * K * 32) < 512 * 1024


@pytest.mark.parametrize("choose", [TopK(K).choose, Threshold(THETA).choose, lambda b: batch_top_k(b, 5)])
def test_nothing_active_rebuilds_the_bias(choose):
    """Rows without an active latent, and no rows at all, are rebuilt as b_dec."""
    x, W_enc, _, b_dec, W_dec = (t.detach() for t in weights())
    for rows in (x[:3], x[:0]):
        codes = encode(rows, W_enc, torch.full((LATENTS,), -99.0), b_dec, choose)
        assert len(codes.values) == 0 and codes.dense().shape == (len(rows), LATENTS)
        assert torch.equal(codes.decode(W_dec, b_dec), b_dec.expand(len(rows), -1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("rule", ["topk", "batchtopk"])
def test_a_gpu_agrees(rule):
    """On a GPU the codes are the same, values and gradients to rounding, and two runs have the same bits."""
    choose = RULES[rule][0]
    found = []
    for device in ("cpu", "cuda", "cuda"):
        tensors = [t.detach().to(device).requires_grad_() for t in weights()]
        codes, rebuilt = sparse(choose, *tensors)
        rebuilt.sin().sum().backward()
        found.append([codes.dense().detach().cpu(), rebuilt.detach().cpu(), *(t.grad.cpu() for t in tensors)])

    cpu, first, second = found
    assert torch.equal(cpu[0] != 0, first[0] != 0)
    assert max(far(a, b) for a, b in zip(first, cpu, strict=True)) < 1e-5
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
