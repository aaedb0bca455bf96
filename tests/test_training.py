"""The training loop: killed after any step, it ends with the bits that it would have had anyway."""

import copy
from dataclasses import replace

import pytest
import torch

from sieve.dictionary.adapt import Adaptation, AdaptConfig, adapt, divergence_loss, solution_loss
from sieve.dictionary.fit import FitConfig, fit
from sieve.dictionary.gates import Threshold, TopK
from sieve.dictionary.orthogonalize import Orthogonalizer
from sieve.dictionary.penalties import PENALTIES
from sieve.dictionary.variants import variant, variants
from sieve.model.adapter import adapter_parameters, inject
from sieve.model.language_model import LanguageModel
from sieve.model.pretrain import new_network, pretrain
from sieve.provenance import Checkpoints, Work, generator
from tests.conftest import SIZES, random_sae

STEPS = 7
ORTHOGONALIZERS = [f"orthogonalize {name}" for name in (*PENALTIES, *variants())]
CONFIG = FitConfig(steps=STEPS, batch=16, lr=1e-2, warmup=0.3, decay=0.3)
SETTINGS = {
    "k": 3, "aux_weight": 0.1, "dead_after": 40, "threshold_decay": 0.9, "precision": "fp32",
    "atoms": "free", "l1": 0.5, "ramp_steps": 5,
    "sparsity": 0.5, "target_l0": None, "tanh_scale": 4.0, "pre_activation": 3e-6, "bandwidth": 2.0,
    "log_threshold": 0.1, "start_rate": 0.2,
}  # fmt: skip


class Killed(BaseException):
    """The process is gone."""


def killed_at(step, seen=None):
    """A watcher under which the run ends after `step`."""

    def watch(done, _total, figures):
        if seen is not None:
            seen.append(done)
        if done == step:
            raise Killed

    return watch


def rows(step):
    """Rows (16, 12) of a step."""
    return torch.randn(16, 12, generator=generator(0, "rows", step))


def dictionary(name):
    """A fresh dictionary in training: a variant, or the orthogonalizer with one of the penalties or of a variant."""
    if name in ORTHOGONALIZERS:
        return pulled(name.split()[1])
    module = variant(name)
    fields = module.Settings.__dataclass_fields__
    own = module.Settings(**{key: value for key, value in SETTINGS.items() if key in fields})
    return module.Variant(own, 24, rows(99), generator(0, "atoms"))


def pulled(name):
    """A dictionary that is being pulled apart by a penalty of this name, or one of this variant."""
    sae = random_sae(12, 24, 3, "resid_post_0", "m")
    if name in PENALTIES:
        return Orthogonalizer(sae, 5.0, name, columns=7)
    theta = torch.full((24,), {"relu_l1": 0.0}.get(name, 0.5))
    gate = sae.gate if name == "topk" else Threshold(theta)
    convention = {"variant": name, "settings": SETTINGS}
    return Orthogonalizer(replace(sae, gate=gate), 5.0, columns=7, rows=rows(99), convention=convention)


@pytest.mark.parametrize("step", [1, 4, STEPS - 1])
@pytest.mark.parametrize("name", [*variants(), *ORTHOGONALIZERS])
def test_a_dictionary_resumes_to_the_bit(tmp_path, name, step):
    """Killed after a step and begun anew, training gives the same dictionary, the same log, and repeats no step."""
    straight = dictionary(name)
    history = fit(straight, rows, CONFIG, lambda *_: None)

    work = Work(tmp_path, pytest.fail)
    with pytest.raises(Killed):
        fit(dictionary(name), rows, CONFIG, killed_at(step + 1), Checkpoints(work, seconds=0))
    seen = []
    resumed = dictionary(name)
    again = fit(resumed, rows, CONFIG, killed_at(None, seen), Checkpoints(Work(tmp_path, pytest.fail), seconds=0))

    assert seen == list(range(step + 1, STEPS + 1))
    assert again == history
    assert resumed.freeze("s", "m").digest == straight.freeze("s", "m").digest


@pytest.mark.parametrize("penalty", ["raw_sampled", "chunked_max"])
def test_what_is_drawn_is_drawn_again(tmp_path, monkeypatch, penalty):
    """At each step that is left a resumed run draws what the run that nobody killed draws; no two steps draw alike."""
    drawn, plain = [], PENALTIES[penalty]

    def noting(W_dec, codes, chunks):
        drawn.append([chunk.tolist() for chunk in chunks])
        return plain(W_dec, codes, chunks)

    def run(watch, checkpoints=None):
        drawn.clear()
        fit(dictionary(f"orthogonalize {penalty}"), rows, CONFIG, watch, checkpoints)
        return list(drawn)

    monkeypatch.setitem(PENALTIES, penalty, noting)
    straight = run(lambda *_: None)
    with pytest.raises(Killed):
        run(killed_at(4), Checkpoints(Work(tmp_path, pytest.fail), seconds=0))
    resumed = run(lambda *_: None, Checkpoints(Work(tmp_path, pytest.fail), seconds=0))

    assert resumed == straight[-len(resumed) :] and len(resumed) == STEPS - 3
    assert len({str(chunks) for chunks in straight}) == STEPS


@pytest.mark.parametrize("step", [2, 5])
def test_the_language_model_resumes_to_the_bit(tmp_path, lm, blocks, step):
    """Killed and begun anew, pretraining gives the same weights; dropout or a drawn order would show."""
    config = replace(SIZES, tokens=4000)
    sequences = [list(b.ids) for b in blocks]

    def train(watch, checkpoints=None):
        network = new_network(config, lm.tokenizer, seed=0)
        pretrain({"en": sequences}, [], network, lm.pad_id, config, 0, watch, checkpoints)
        return network

    straight = train(lambda *_: None)
    calls = []

    def stop(*_):
        calls.append(1)
        if len(calls) == step:
            raise Killed

    with pytest.raises(Killed):
        train(stop, Checkpoints(Work(tmp_path, pytest.fail), seconds=0))
    resumed = train(lambda *_: None, Checkpoints(Work(tmp_path, pytest.fail), seconds=0))

    pairs = zip(straight.state_dict().values(), resumed.state_dict().values())
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize(
    ("loss", "freeze", "gate"),
    [
        (solution_loss, "decoder_only", TopK(6)),
        (divergence_loss, "decoder_only", TopK(6)),
        (solution_loss, "all", TopK(6)),
        (solution_loss, "decoder_only", Threshold(torch.linspace(0.05, 0.3, 64))),
    ],
)
def test_adaptation_resumes_to_the_bit(tmp_path, lm, blocks, loss, freeze, gate):
    """Killed and begun anew, adaptation gives the same encoder and the same adapter."""
    config = AdaptConfig(
        steps=6, batch=4, lr=3e-3, warmup=0.2, targets=["q_proj", "v_proj"], rank=4, alpha=8, scope="after"
    )
    problems = [b for b in blocks if b.kind == "problem"][:9]

    def train(watch, checkpoints=None):
        own = LanguageModel(copy.deepcopy(lm.network), lm.tokenizer, lm.digest)
        inject(own.network, "resid_post_0", config.targets, config.rank, config.alpha, config.scope, seed=0)
        sae = replace(random_sae(lm.width, 64, 6, "resid_post_0", lm.digest), gate=gate, specials=freeze == "all")
        found = Adaptation(own, sae, loss, freeze)
        adapt(found, problems, config, 0, watch, checkpoints)
        return found

    straight = train(lambda *_: None)
    with pytest.raises(Killed):
        train(killed_at(4), Checkpoints(Work(tmp_path, pytest.fail), seconds=0))
    resumed = train(lambda *_: None, Checkpoints(Work(tmp_path, pytest.fail), seconds=0))

    assert resumed.current.detached().digest == straight.current.detached().digest
    pairs = zip(adapter_parameters(straight.lm.network), adapter_parameters(resumed.lm.network))
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken(tmp_path):
    """A flipped bit in the newest checkpoint costs the steps since the one before, and not a bit of the result."""
    straight = dictionary("topk")
    fit(straight, rows, CONFIG, lambda *_: None)
    with pytest.raises(Killed):
        fit(dictionary("topk"), rows, CONFIG, killed_at(6), Checkpoints(Work(tmp_path, pytest.fail), seconds=0))
    kept = sorted(tmp_path.glob("checkpoint_*"))
    assert [path.name for path in kept] == ["checkpoint_000000004.safetensors", "checkpoint_000000005.safetensors"]
    data = bytearray(kept[-1].read_bytes())
    data[-1] ^= 1
    kept[-1].write_bytes(data)

    told, seen, resumed = [], [], dictionary("topk")
    fit(resumed, rows, CONFIG, killed_at(None, seen), Checkpoints(Work(tmp_path, told.append), seconds=0))

    assert seen[0] == 5
    assert len(told) == 1 and kept[-1].name in told[0] and "damaged" in told[0]
    assert resumed.freeze("s", "m").digest == straight.freeze("s", "m").digest
