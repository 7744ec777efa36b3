"""A trial's own hyperparameters over optimizers and schedulers that another one has trained."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from lightning.pytorch import Trainer
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    MultiStepLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from search.trial.checkpoints.carry_over import as_plain, lay_own_over, made_by_configuration

Make = Callable[[], tuple[Optimizer, Any]]


def trainer_of(make: Make) -> Trainer:
    """As much of a Trainer as has optimizers and schedulers."""
    optimizer, scheduler = make()
    schedulers = [] if scheduler is None else [SimpleNamespace(scheduler=scheduler)]
    return cast(Trainer, SimpleNamespace(optimizers=[optimizer], lr_scheduler_configs=schedulers))


def weight() -> torch.nn.Parameter:
    torch.manual_seed(0)
    return torch.nn.Parameter(torch.randn(3))


def trained(trainer: Trainer, epochs: int) -> Trainer:
    """Train that many epochs of one step."""
    (optimizer,) = trainer.optimizers
    for _ in range(epochs):
        for parameter in optimizer.param_groups[0]["params"]:
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        for config in trainer.lr_scheduler_configs:
            plateau = isinstance(config.scheduler, ReduceLROnPlateau)
            cast(Any, config.scheduler).step(*[1.0] * plateau)
    return trainer


def branched(source: Make, own: Make, epochs: int) -> Trainer:
    """A trial made by `own` that goes on after so many epochs of one made by `source`."""
    other = trainer_of(source)
    saved = as_plain(made_by_configuration(other))
    trained(other, epochs)
    branch = trainer_of(own)
    made = copy.deepcopy(made_by_configuration(branch))
    branch.optimizers[0].load_state_dict(copy.deepcopy(other.optimizers[0].state_dict()))
    for mine, its in zip(branch.lr_scheduler_configs, other.lr_scheduler_configs, strict=True):
        mine.scheduler.load_state_dict(its.scheduler.state_dict())
    lay_own_over(branch, cast(dict[str, Any], saved), made)
    return branch


def adam(lr: float, decay: float = 0.1, betas: tuple[float, float] = (0.9, 0.99)) -> Make:
    return lambda: (AdamW([weight()], lr=lr, weight_decay=decay, betas=betas), None)


def scheduled(lr: float, schedule: Callable[[Optimizer], Any]) -> Make:
    def make() -> tuple[Optimizer, Any]:
        optimizer = SGD([weight()], lr=lr, momentum=0.9)
        return optimizer, schedule(optimizer)

    return make


def rate(trainer: Trainer) -> float:
    return float(trainer.optimizers[0].param_groups[0]["lr"])


def test_hyperparameters_are_its_own_and_the_state_is_the_others() -> None:
    branch = branched(adam(0.1), adam(0.02, 0.3, (0.8, 0.95)), 3)
    (group,) = branch.optimizers[0].param_groups
    assert (group["lr"], group["weight_decay"], group["betas"]) == (0.02, 0.3, (0.8, 0.95))
    (state,) = branch.optimizers[0].state.values()
    assert int(state["step"]) == 3


def test_same_configuration_changes_nothing() -> None:
    def step(optimizer: Optimizer) -> Any:
        return StepLR(optimizer, 2, 0.5)

    source = trained(trainer_of(scheduled(0.1, step)), 3)
    branch = branched(scheduled(0.1, step), scheduled(0.1, step), 3)
    assert as_plain(made_by_configuration(branch)) == as_plain(made_by_configuration(source))
    assert rate(trained(branch, 4)) == rate(trained(source, 4))


def test_rate_that_a_schedule_has_moved_moves_in_proportion_and_goes_on_by_its_own() -> None:
    branch = branched(
        scheduled(0.1, lambda each: StepLR(each, 2, 0.5)),
        scheduled(0.3, lambda each: StepLR(each, 2, 0.1)),
        3,
    )
    assert rate(branch) == pytest.approx(0.15)
    assert branch.lr_scheduler_configs[0].scheduler.get_last_lr() == [pytest.approx(0.15)]
    assert rate(trained(branch, 1)) == pytest.approx(0.015)


def test_schedule_of_a_closed_form_has_its_own_length() -> None:
    branch = branched(
        scheduled(0.1, lambda each: CosineAnnealingLR(each, 10)),
        scheduled(0.2, lambda each: CosineAnnealingLR(each, 20)),
        5,
    )
    scheduler = cast(CosineAnnealingLR, branch.lr_scheduler_configs[0].scheduler)
    assert (scheduler.T_max, scheduler.last_epoch, scheduler.base_lrs) == (20, 5, [0.2])
    assert rate(branch) == pytest.approx(0.1)


def test_milestones_are_its_own() -> None:
    branch = branched(
        scheduled(0.1, lambda each: MultiStepLR(each, [2, 9], 0.5)),
        scheduled(0.1, lambda each: MultiStepLR(each, [4], 0.5)),
        1,
    )
    assert [rate(trained(branch, 1)) for _ in range(4)] == [0.1, 0.1, 0.05, 0.05]


def test_schedules_one_after_another_are_each_its_own() -> None:
    def warm(gamma: float) -> Callable[[Optimizer], Any]:
        return lambda each: SequentialLR(
            each, [LinearLR(each, 0.1, total_iters=2), StepLR(each, 1, gamma)], [2]
        )

    branch = branched(scheduled(0.1, warm(0.5)), scheduled(0.2, warm(0.25)), 3)
    before = rate(branch)
    assert rate(trained(branch, 1)) == pytest.approx(before * 0.25)


def test_plateau_counts_on() -> None:
    branch = branched(
        scheduled(0.1, lambda each: ReduceLROnPlateau(each, factor=0.5, patience=4)),
        scheduled(0.1, lambda each: ReduceLROnPlateau(each, factor=0.1, patience=3)),
        4,
    )
    scheduler = cast(ReduceLROnPlateau, branch.lr_scheduler_configs[0].scheduler)
    assert (scheduler.patience, scheduler.factor, scheduler.num_bad_epochs) == (3, 0.1, 3)
    assert rate(trained(branch, 1)) == pytest.approx(0.01)


def test_rate_in_a_tensor_stays_in_one() -> None:
    def make(lr: float) -> Make:
        return lambda: (SGD([weight()], lr=torch.tensor(lr)), None)

    branch = branched(make(0.1), make(0.4), 2)
    found = branch.optimizers[0].param_groups[0]["lr"]
    assert isinstance(found, torch.Tensor)
    assert float(found) == pytest.approx(0.4)


def test_another_number_of_groups_does_not_fit() -> None:
    def two() -> tuple[Optimizer, Any]:
        groups = [{"params": [weight()], "lr": 0.1}, {"params": [weight()], "lr": 0.2}]
        return SGD(groups, lr=0.1), None

    own = trainer_of(two)
    saved = as_plain(made_by_configuration(trainer_of(adam(0.1))))
    with pytest.raises(ValueError, match="zip"):
        lay_own_over(own, cast(dict[str, Any], saved), made_by_configuration(own))
