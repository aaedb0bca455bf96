"""Letting the model get used to the reconstruction."""

import copy
from dataclasses import replace

import pytest
import torch

from sieve.dictionary.adapt import Adaptation, AdaptConfig, adapt, divergence_loss, solution_loss
from sieve.dictionary.gates import Threshold
from sieve.model.adapter import adapter_enabled, adapter_parameters, inject
from sieve.model.language_model import LanguageModel
from sieve.subject import Subject
from tests.conftest import identity_sae, random_sae

CONFIG = AdaptConfig(
    steps=25, batch=4, lr=3e-3, warmup=0.1, targets=["q_proj", "v_proj"], rank=4, alpha=8, scope="after"
)
SITE = "resid_post_0"


GATES = {
    "jumprelu": torch.linspace(0.05, 0.3, 64),
    "batchtopk": torch.full((64,), 0.15),
    "relu": torch.zeros(64),
}


def adaptation(lm, sae=None, loss=solution_loss, freeze="decoder_only", kind=Adaptation) -> Adaptation:
    """A fresh adaptation of a copy of the tiny model."""
    own = LanguageModel(copy.deepcopy(lm.network), lm.tokenizer, lm.digest)
    inject(own.network, SITE, CONFIG.targets, CONFIG.rank, CONFIG.alpha, CONFIG.scope, seed=0)
    return kind(own, sae or random_sae(lm.width, 64, 6, SITE, lm.digest), loss, freeze)


@pytest.fixture(scope="module")
def problem_blocks(blocks):
    """Problems as blocks."""
    return [b for b in blocks if b.kind == "problem"][:12]


@pytest.fixture(scope="module")
def text_blocks(blocks):
    """Texts as blocks, cut short."""
    return [replace(b, ids=b.ids[:30]) for b in blocks if b.kind == "text"][:12]


def test_an_identity_diverges_from_nothing(lm, text_blocks):
    """With a dictionary that rebuilds everything and an untouched adapter the divergence is zero, up to rounding."""
    found = adaptation(lm, identity_sae(lm.width, SITE, lm.digest))

    assert abs(divergence_loss(found, text_blocks).item()) < 1e-5
    assert divergence_loss(adaptation(lm), text_blocks).item() > 0.01


def test_divergence_is_the_mean_kl_over_text(lm, text_blocks):
    """The divergence is the mean over text tokens of KL(original ‖ spliced), taken one document at a time."""
    found = adaptation(lm)
    divergences = []
    with torch.no_grad():
        for block in text_blocks[:4]:
            ids = torch.tensor([block.ids])
            p = lm.network(input_ids=ids).logits[0].double().log_softmax(-1)
            q = found.logits(ids, torch.ones_like(ids))[0].double().log_softmax(-1)
            divergences.append((p.exp() * (p - q)).sum(-1)[lm.is_text(ids[0])])

    assert divergence_loss(found, text_blocks[:4]).item() == pytest.approx(
        torch.cat(divergences).mean().item(), rel=1e-4
    )


def test_divergence_is_from_the_model_without_adapter(lm, text_blocks):
    """What is to be said is what the original says, also when the adapter has moved away from it."""
    found = adaptation(lm, identity_sae(lm.width, SITE, lm.digest))
    with torch.no_grad():
        for parameter in adapter_parameters(found.lm.network):
            parameter += 0.5

    assert divergence_loss(found, text_blocks).item() > 0.01


def test_the_solution_loss_is_that_of_the_solution(lm, problem_blocks):
    """The loss is the mean surprise of the solutions' tokens, each given all before it, taken one problem at a time."""
    found = adaptation(lm)
    surprises = []
    with torch.no_grad():
        for block in problem_blocks[:4]:
            ids = torch.tensor([block.ids])
            logits = found.logits(ids, torch.ones_like(ids))[0].log_softmax(-1)
            surprises += [-logits[i - 1, block.ids[i]].item() for i in range(block.prompt, len(block.ids))]

    assert solution_loss(found, problem_blocks[:4]).item() == pytest.approx(sum(surprises) / len(surprises), rel=1e-4)


def test_the_solution_loss_ignores_the_prompt(lm, problem_blocks):
    """What would be said within the question does not count: only logits that predict the solution get a gradient."""
    found = adaptation(lm)
    block = problem_blocks[0]
    kept = []
    plain = found.logits
    found.logits = lambda ids, mask: kept.append(plain(ids, mask)) or kept[0]
    value = solution_loss(found, [block])
    [gradient] = torch.autograd.grad(value, kept)
    asked = gradient[0].abs().sum(-1) > 0

    assert asked.nonzero().flatten().tolist() == list(range(block.prompt - 1, len(block.ids) - 1))


@pytest.mark.parametrize("loss", [solution_loss, divergence_loss])
def test_adapting_moves_everything_but_the_atoms(lm, problem_blocks, loss):
    """Adapter, encoder and biases change and the loss falls; atoms, gate and the network's own weights do not."""
    found = adaptation(lm, loss=loss)
    sae, weights = found.sae, {n: p.clone() for n, p in found.lm.network.named_parameters()}
    before = loss(found, problem_blocks).item()
    adapt(found, problem_blocks, CONFIG, 0, lambda *_: None)
    end = found.current

    assert torch.equal(end.W_dec, sae.W_dec) and end.gate == sae.gate
    assert not any(torch.equal(getattr(end, n), getattr(sae, n)) for n in ("W_enc", "b_enc", "b_dec"))
    for name, parameter in found.lm.network.named_parameters():
        assert torch.equal(parameter, weights[name]) is ("lora_" not in name), name
    assert loss(found, problem_blocks).item() < 0.95 * before


@pytest.mark.parametrize("gate", GATES)
def test_thresholds_are_frozen(lm, problem_blocks, gate):
    """Around a dictionary with thresholds, encoder and biases move and the loss falls; thresholds and atoms do not."""
    theta = GATES[gate].clone()
    found = adaptation(lm, replace(random_sae(lm.width, 64, 6, SITE, lm.digest), gate=Threshold(theta)))
    before = solution_loss(found, problem_blocks).item()
    adapt(found, problem_blocks, CONFIG, 0, lambda *_: None)
    end = found.current

    assert end.gate is found.sae.gate and torch.equal(end.gate.theta, GATES[gate])
    assert torch.equal(end.W_dec, found.sae.W_dec)
    assert not any(torch.equal(getattr(end, n), getattr(found.sae, n)) for n in ("W_enc", "b_enc", "b_dec"))
    assert solution_loss(found, problem_blocks).item() < 0.95 * before


@pytest.mark.parametrize("scope", ["after", "all"])
@pytest.mark.parametrize("loss", [solution_loss, divergence_loss])
def test_all_of_the_dictionary_may_be_frozen(lm, problem_blocks, loss, scope):
    """Frozen altogether (Chen et al.), the Sae ends with the bits, and the name, that it came with; LoRA moves alone,
    every matrix of it, and the loss falls.
    """
    own = LanguageModel(copy.deepcopy(lm.network), lm.tokenizer, lm.digest)
    inject(own.network, SITE, CONFIG.targets, CONFIG.rank, CONFIG.alpha, scope, seed=0)
    found = Adaptation(own, random_sae(lm.width, 64, 6, SITE, lm.digest), loss, "all")
    start = [p.detach().clone() for p in found.parameters()]
    before, name = loss(found, problem_blocks).item(), found.sae.digest
    adapt(found, problem_blocks, CONFIG, 0, lambda *_: None)

    assert found.current.detached().digest == name
    assert [id(p) for p in found.parameters()] == [id(p) for p in adapter_parameters(own.network)]
    assert not any(torch.equal(p, was) for p, was in zip(found.parameters(), start))
    assert loss(found, problem_blocks).item() < before


class Plain(Adaptation):
    """Nothing is spliced in: plain fine-tuning."""

    def logits(self, ids, mask):
        return self.lm.network(input_ids=ids, attention_mask=mask, use_cache=False).logits


@pytest.mark.parametrize("specials", [False, True])
def test_around_an_identity_it_is_plain_fine_tuning(lm, problem_blocks, specials):
    """A frozen dictionary that rebuilds everything leaves the LoRA fine-tuning of the model itself, up to rounding."""
    sae = replace(identity_sae(lm.width, SITE, lm.digest), specials=specials)
    around, plain = (adaptation(lm, sae, freeze="all", kind=kind) for kind in (Adaptation, Plain))
    losses = [
        [record.figures["loss"] for record in adapt(found, problem_blocks, CONFIG, 0, lambda *_: None)]
        for found in (around, plain)
    ]

    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert losses[0][-1] < 0.98 * losses[0][0]


@pytest.mark.parametrize("specials", [False, True])
def test_it_is_trained_as_it_is_used(lm, problem_blocks, specials):
    """The logits in training are those of the subject that is made of it, BOS replaced or not; and that matters."""
    found = adaptation(lm, replace(random_sae(lm.width, 64, 6, SITE, lm.digest), specials=specials))
    adapt(found, problem_blocks, replace(CONFIG, steps=2), 0, lambda *_: None)
    ids, mask = lm.pad([list(b.ids) for b in problem_blocks[:3]])
    subject = Subject(found.lm, found.current.detached(), adapted=True)
    other = replace(subject, sae=replace(subject.sae, specials=not specials))

    with torch.no_grad():
        with subject.spliced():
            used = found.lm.network(input_ids=ids, attention_mask=mask).logits
        with other.spliced():
            otherwise = found.lm.network(input_ids=ids, attention_mask=mask).logits
        torch.testing.assert_close(found.logits(ids, mask)[mask.bool()], used[mask.bool()], rtol=1e-4, atol=1e-4)
    assert subject.sae.specials is specials
    assert not torch.allclose(used[mask.bool()], otherwise[mask.bool()], atol=1e-2)


def test_the_dictionary_that_came_in_is_not_touched(lm, problem_blocks):
    """Adapting leaves the Sae that came in, and the model without adapter, as they were."""
    found = adaptation(lm)
    before = found.sae.digest
    adapt(found, problem_blocks, replace(CONFIG, steps=3), 0, lambda *_: None)
    ids, mask = lm.pad([list(b.ids) for b in problem_blocks[:2]])

    assert found.sae.digest == before != found.current.detached().digest
    with adapter_enabled(found.lm.network, False):
        assert torch.equal(found.lm.network(ids, mask).logits, lm.network(ids, mask).logits)


def test_seeds_decide_every_bit(lm, problem_blocks):
    """The same seed gives the same bits; another order of problems gives others."""
    ends = []
    for seed in (0, 0, 1):
        torch.randn(3)
        found = adaptation(lm)
        history = adapt(found, problem_blocks, replace(CONFIG, steps=4), seed, lambda *_: None)
        ends.append((found.current.detached().digest, [r.figures["loss"] for r in history]))

    assert ends[0] == ends[1]
    assert ends[0][0] != ends[2][0]


def test_every_problem_is_seen_once_an_epoch(lm, problem_blocks):
    """Within an epoch no problem is seen twice, and the loss gets as many at a time as asked for, or all there are."""
    seen: list[list[str]] = []

    def loss(found, batch):
        seen.append([b.doc for b in batch])
        return sum(p.sum() for p in found.parameters()) * 0.0

    found = adaptation(lm, loss=loss)
    adapt(found, problem_blocks[:9], replace(CONFIG, steps=4), 0, lambda *_: None)
    assert [len(batch) for batch in seen] == [4] * 4
    assert len({*seen[0], *seen[1]}) == len({*seen[2], *seen[3]}) == 8

    seen.clear()
    adapt(found, problem_blocks[:3], replace(CONFIG, steps=2), 0, lambda *_: None)
    assert [sorted(batch) for batch in seen] == [sorted(b.doc for b in problem_blocks[:3])] * 2
