"""The one training loop."""

import math
from dataclasses import replace

import pytest
import torch

from sieve.dictionary.fit import FitConfig, fit

CONFIG = FitConfig(steps=40, batch=4, lr=0.1, warmup=0.25, decay=0.5)


class Bowl:
    """Something to train: find the point with the least squared distance to the rows; logs every call."""

    def __init__(self) -> None:
        self.point = torch.nn.Parameter(torch.full((2,), 5.0))
        self.calls = []

    def parameters(self):
        return [self.point]

    def loss(self, x):
        self.calls.append("loss")
        return (self.point - x).square().mean(), {"x": float(x[0, 0])}

    def before_step(self):
        assert self.point.grad is not None
        self.calls.append("before")

    def after_step(self):
        self.calls.append("after")


def run(config=CONFIG, **options):
    """(bowl, history, what the watcher saw) of a run in which step s gets rows full of s."""
    bowl, seen = Bowl(), []
    history = fit(
        bowl, lambda step: torch.full((4, 2), float(step)), config, lambda *report: seen.append(report), **options
    )
    return bowl, history, seen


def test_each_step_asks_for_its_own_rows_and_calls_in_order():
    """Step s asks for the rows of step s; the constraints stand before and after the optimiser's step."""
    bowl, _, seen = run()

    assert bowl.calls == ["loss", "before", "after"] * 40
    assert [figures["x"] for _, _, figures in seen] == list(range(40))
    assert [(done, total) for done, total, _ in seen] == [(i + 1, 40) for i in range(40)]


@pytest.mark.parametrize(
    ("steps", "every", "logged"), [(40, 10, [0, 10, 20, 30, 39]), (3, 10, [0, 2]), (1, 10, [0]), (11, 5, [0, 5, 10])]
)
def test_the_history_has_the_first_and_last_step(steps, every, logged):
    """Every so-many-th step is logged, and the last one, none of them twice."""
    history = run(replace(CONFIG, steps=steps), log_every=every)[1]

    assert [r.step for r in history] == logged
    assert all(r.figures["x"] == r.step and r.figures["loss"] >= 0 for r in history)


def test_the_step_size_rises_rests_and_falls():
    """The learning rate rises in equal steps to its full value, stays there, and falls in equal steps towards zero."""
    rates = [CONFIG.lr_at(step) for step in range(40)]

    assert all(math.isclose(r, 0.1 * (i + 1) / 10) for i, r in enumerate(rates[:10]))
    assert rates[10:20] == [0.1] * 10
    assert all(math.isclose(r, 0.1 * (20 - i) / 20) for i, r in enumerate(rates[20:]))


def test_no_warmup_and_no_decay_is_constant():
    """Shares of zero leave the learning rate as it is, from the first step to the last."""
    constant = replace(CONFIG, warmup=0.0, decay=0.0)

    assert [constant.lr_at(step) for step in range(40)] == [0.1] * 40


def test_the_loop_takes_the_scheduled_step():
    """Adam's first step moves each number by the learning rate of step 0."""
    bowl = run(replace(CONFIG, steps=1, warmup=0.0, decay=0.0))[0]

    torch.testing.assert_close(bowl.point.detach(), torch.full((2,), 4.9), rtol=1e-5, atol=0)


def test_a_loss_that_is_not_finite_stops_the_run():
    """A NaN loss stops before the step, names step and learning rate, and leaves the parameters as they were."""
    bowl = Bowl()
    with pytest.raises(FloatingPointError, match=r"nan at step 0; lower lr \(0\.01 "):
        fit(bowl, lambda _: torch.full((4, 2), float("nan")), CONFIG, lambda *_: None)

    assert torch.equal(bowl.point.detach(), torch.full((2,), 5.0))


class Gentle(Bowl):
    """A loss whose gradient is `slope` everywhere."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def loss(self, x):
        return (self.slope * self.point).sum(), {}


@pytest.mark.parametrize(("slope", "left"), [(0.25, 0.25), (8.0, 0.5**0.5)])
def test_long_gradients_are_shortened(slope, left):
    """All gradients together are no longer than 1; shorter ones stay as they are."""
    bowl, seen = Gentle(slope), []
    bowl.after_step = lambda: seen.append(bowl.point.grad.clone())
    fit(bowl, lambda step: torch.zeros(1, 1), replace(CONFIG, steps=1), lambda *_: None)

    assert seen[0].tolist() == pytest.approx([left, left], rel=1e-5)


def test_weights_that_are_not_finite_are_no_result():
    """A loss that doesn't look at what broke is finite all the same."""
    bowl = Gentle(1.0)
    bowl.after_step = lambda: bowl.point.data[0].fill_(torch.nan)
    bowl.loss = lambda x: (bowl.point[1] ** 2, {})

    with pytest.raises(FloatingPointError, match="not finite after training"):
        fit(bowl, lambda step: torch.zeros(1, 1), replace(CONFIG, steps=1), lambda *_: None)
