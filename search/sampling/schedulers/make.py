"""Schedulers by name."""

from __future__ import annotations

from collections.abc import Mapping

from search.errors import UserError
from search.plain.wording import did_you_mean
from search.plain.yaml import shown
from search.sampling.schedulers.asha import Asha
from search.sampling.schedulers.hyperband import Hyperband
from search.sampling.schedulers.scheduler import Curves, Scheduler
from search.space.distributions import Space

_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "asha": ("min_resource", "reduction_factor"),
    "hyperband": ("min_resource", "reduction_factor"),
    "thaw": ("min_resource",),
}
_LEAST = {"min_resource": 1, "reduction_factor": 2}
_FACTOR = 3


def check_scheduler(name: str, options: Mapping[str, object]) -> dict[str, int]:
    """The options of a scheduler.

    Raises:
        UserError: one is unknown or has a value that cannot be used.
    """
    if name == "none" and options:
        raise UserError("scheduler: none takes no options. Remove them.")
    return {key: _whole(name, key, each) for key, each in options.items()}


def make_scheduler(
    name: str,
    options: Mapping[str, object],
    curves: Curves,
    space: Space,
    *,
    epoch_steps: int,
    least: int,
    total: int | None,
) -> Scheduler | None:
    """The scheduler of a study; None where it has none.

    Args:
        epoch_steps: the steps of an epoch, in which `min_resource` is given.
        least: the steps that a trial has at least before it is first paused, where nothing is said.
        total: trials that may begin; None is no limit.

    Raises:
        UserError: an option is unknown or has a value that cannot be used.
    """
    given = check_scheduler(name, options)
    if name == "none":
        return None
    factor = given.get("reduction_factor", _FACTOR)
    first = given["min_resource"] * epoch_steps if "min_resource" in given else max(least, 1)
    if name == "asha":
        return Asha(curves, first=first, factor=factor)
    if curves.last is None:
        raise UserError(
            f"scheduler: {name} needs to know how far a trial is trained. Fix "
            "trainer: {max_epochs: 20}, and val_check_interval as a part of an epoch if there is "
            "one, or use scheduler: asha."
        )
    if name == "thaw":
        # SciPy takes a tenth of a second that no other study has to wait
        from search.sampling.schedulers.thaw import Thaw

        return Thaw(curves, space, total=total, first=first, epoch_steps=epoch_steps)
    return Hyperband(curves, last=curves.last, first=first, factor=factor)


def _whole(name: str, key: str, value: object) -> int:
    """The value of an option.

    Raises:
        UserError: there is no such option, or the value is no whole number, or too small.
    """
    if key not in _OPTIONS[name]:
        remedy = did_you_mean(key, _OPTIONS[name])
        raise UserError(f"scheduler.{key}: {name} has no such option. {remedy}")
    if type(value) is not int or value < _LEAST[key]:
        raise UserError(
            f"scheduler.{key}: must be a whole number of at least {_LEAST[key]}, got "
            f"{shown(value)}."
        )
    return value
