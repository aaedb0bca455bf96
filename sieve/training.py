"""The one training loop. Batches are a function of the step, so that it resumes to the bit from any checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sieve.provenance import Checkpoints

Watch = Callable[[int, int, dict[str, float]], None]


class Trainable:
    """What the loop turns: `parameters` and `loss` are asked for, the rest has nothing to do unless it says so."""

    def parameters(self) -> list[Tensor]:
        """What the optimiser turns, always in the same order."""
        raise NotImplementedError

    def loss(self, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """What is minimised (a scalar), and figures worth logging."""
        raise NotImplementedError

    def before_step(self) -> None:
        """A constraint on gradients."""

    def after_step(self) -> None:
        """A constraint on parameters."""

    def counters(self) -> dict[str, Tensor]:
        """Tensors other than parameters that decide the steps to come, for checkpoints."""
        return {}

    def restore(self, counters: dict[str, Tensor]) -> None:
        """Take such tensors back."""


def mistakes(steps: int, batch: int, lr: float) -> Iterator[str]:
    """What is wrong with numbers that every training has, in sentences."""
    for name, value in (("steps", steps), ("batch", batch)):
        if value < 1:
            yield f"{name} is {value}; must be at least 1"
    if not (math.isfinite(lr) and lr > 0):
        yield f"lr is {lr}; must be a number above 0"


@dataclass(frozen=True)
class Record:
    """One logged step."""

    step: int
    figures: dict[str, float]


def fit(
    subject: Trainable,
    optimisers: Sequence[torch.optim.Optimizer],
    batch_at: Callable[[int], Any],
    steps: int,
    lr_at: Callable[[int], float],
    watch: Watch,
    checkpoints: Checkpoints | None = None,
    log_every: int = 10,
) -> list[Record]:
    """Train `subject` in place from the newest checkpoint on, or from the start, and return the logged steps.

    `batch_at(step)` and `lr_at(step)` may depend on nothing but the step. `optimisers` share out
    `subject.parameters()` among them. Every `log_every`-th step is logged, and the last. FloatingPointError when the
    loss is not finite, or in the end a parameter: where nothing fires, a loss can be finite beside such weights.
    """
    history: list[Record] = []
    groups = [(group, optimiser) for optimiser in optimisers for group in optimiser.param_groups]
    owners = {parameter: optimiser for group, optimiser in groups for parameter in group["params"]}
    begin = _resume(subject, owners, history, checkpoints) if checkpoints else 0
    for step in range(begin, steps):
        for group, _ in groups:
            group["lr"] = lr_at(step)
        loss, figures = subject.loss(batch_at(step))
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {step}; "
                f"lower lr ({lr_at(step):g} at this step) or look at the data for outliers"
            )
        for parameter in owners:
            parameter.grad = None
        loss.backward()
        subject.before_step()
        _clip(subject.parameters())
        for optimiser in optimisers:
            optimiser.step()
        subject.after_step()
        figures = {"loss": loss.item(), **figures}
        watch(step + 1, steps, figures)
        if step % log_every == 0 or step == steps - 1:
            history.append(Record(step, figures))
        if checkpoints:
            checkpoints.offer(step + 1, lambda done=step + 1: _state(subject, owners, history, done))  # type: ignore[misc]
    if not all(bool(torch.isfinite(torch.stack(parameter.aminmax())).all()) for parameter in owners):
        raise FloatingPointError("a parameter is not finite after training; lower lr or look at the data for outliers")
    return history


def _clip(parameters: list[Tensor]) -> None:
    """Scale the gradients down to a norm of 1, if they are longer; if not, they are not touched."""
    length = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if length > 1:
        torch.nn.utils.clip_grads_with_norm_(parameters, 1.0, length)


def warm_cosine(done: float, warmup: float, floor: float) -> float:
    """Share of the full learning rate: linear to 1 over `warmup`, then a cosine to `floor`; `done` runs from 0 to 1."""
    if done < warmup:
        return done / warmup
    return floor + (1 - floor) / 2 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


Owners = dict[Tensor, torch.optim.Optimizer]  # which optimiser turns a parameter


def _state(subject: Trainable, owners: Owners, history: list[Record], done: int) -> tuple[dict[str, Tensor], Any]:
    """Everything that decides the steps to come: parameters, the optimisers' moments, counters; and the log so far."""
    tensors = {f"counter.{name}": value for name, value in subject.counters().items()}
    for i, parameter in enumerate(subject.parameters()):
        tensors[f"parameter.{i}"] = parameter
        tensors |= {f"optimiser.{i}.{name}": value for name, value in owners[parameter].state[parameter].items()}
    return tensors, {"done": done, "history": [[record.step, record.figures] for record in history]}


@torch.no_grad()
def _resume(subject: Trainable, owners: Owners, history: list[Record], checkpoints: Checkpoints) -> int:
    """Bring back the newest checkpoint, if there is one; returns how many steps are done."""
    found = checkpoints.load()
    if found is None:
        return 0
    tensors, meta = found
    for i, parameter in enumerate(subject.parameters()):
        parameter.copy_(tensors[f"parameter.{i}"])
        prefix = f"optimiser.{i}."
        owners[parameter].state[parameter] = {
            name.removeprefix(prefix): _laid_out_as(parameter, value)
            for name, value in tensors.items()
            if name.startswith(prefix)
        }
    subject.restore(
        {name.removeprefix("counter."): value for name, value in tensors.items() if name.startswith("counter.")}
    )
    history += [Record(step, figures) for step, figures in meta["history"]]
    return int(meta["done"])


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """`value` in the memory layout of `parameter`: fused optimisers walk through both side by side."""
    if value.shape != parameter.shape:  # the count of steps
        return value.to(parameter.device)
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value)
