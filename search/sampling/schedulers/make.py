"""Schedulers by name."""

from __future__ import annotations

from collections.abc import Mapping

from search.errors import UserError
from search.plain.wording import did_you_mean
from search.plain.yaml import shown
from search.sampling.schedulers.asha import Asha
from search.sampling.schedulers.exploration import Exploration
from search.sampling.schedulers.hyperband import Hyperband
from search.sampling.schedulers.pbt import Pbt
from search.sampling.schedulers.scheduler import Curves, Scheduler
from search.space.distributions import Space

# the option of pbt that names paths
PERTURB = "perturb"
PBT = "pbt"
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "asha": ("min_resource", "reduction_factor"),
    "hyperband": ("min_resource", "reduction_factor"),
    "thaw": ("min_resource",),
    PBT: ("population", "interval", PERTURB),
}
_LEAST = {"min_resource": 1, "reduction_factor": 2, "population": 2, "interval": 1}
_FACTOR = 3
# the paper (section 4.4) finds 20 to be enough, and 10 to be too few to stay unlike one another
_POPULATION = 20
# stops of a whole training, where nothing is said
_STOPS = 20


def check_scheduler(name: str, options: Mapping[str, object]) -> dict[str, int]:
    """The options of a scheduler that are numbers.

    Raises:
        UserError: one is unknown or has a value that cannot be used.
    """
    if name == "none" and options:
        raise UserError("scheduler: none takes no options. Remove them.")
    numbers = {key: each for key, each in options.items() if (name, key) != (PBT, PERTURB)}
    return {key: _whole(name, key, each) for key, each in numbers.items()}


def make_scheduler(
    name: str,
    options: Mapping[str, object],
    curves: Curves,
    space: Space,
    *,
    epoch_steps: int,
    least: int,
    total: int | None,
    exploration: Exploration | None = None,
) -> Scheduler | None:
    """The scheduler of a study; None where it has none.

    Args:
        epoch_steps: the steps of an epoch, in which `min_resource` is given.
        least: the steps that a trial has at least before it is first paused, where nothing is said.
        total: trials that may begin; None is no limit.
        exploration: how pbt comes to new parameters; None for the others.

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
    if exploration is not None:
        return _make_pbt(given, curves, epoch_steps, total, exploration)
    return Hyperband(curves, last=curves.last, first=first, factor=factor)


def check_population(name: str, options: Mapping[str, object], total: int, *, taken: int) -> None:
    """Refuse a total of trials with which pbt can branch from none.

    Args:
        total: trials of the study.
        taken: those of them that are another study's, and in no population.

    Raises:
        UserError: all others together are no more than one population.
    """
    if name != PBT:
        return
    population = check_scheduler(name, options).get("population", _POPULATION)
    if total - taken > population:
        return
    others = f" beside the {taken} of another study" if taken else ""
    raise UserError(
        f"scheduler.population: {population} trials are trained side by side, and of "
        f"{total - taken} in all{others} none is left to take the place of another. Ask for more "
        f"trials (--trials {taken + 3 * population}), or for a smaller population."
    )


def _make_pbt(
    given: Mapping[str, int],
    curves: Curves,
    epoch_steps: int,
    total: int | None,
    exploration: Exploration,
) -> Pbt:
    """Population based training.

    Raises:
        UserError: no trial comes to a stop.
    """
    assert curves.last is not None
    epochs = given.get("interval") or max(1, round(curves.last / epoch_steps / _STOPS))
    if epochs * epoch_steps >= curves.last:
        raise UserError(
            f"scheduler.interval: a trial is at its end before it comes to the first stop, after "
            f"{epochs} {'epoch' if epochs == 1 else 'epochs'}, so that none takes the place of "
            "another. Train for longer (trainer: {max_epochs: 20}), or ask for a smaller interval."
        )
    return Pbt(
        curves,
        population=given.get("population", _POPULATION),
        every=epochs * epoch_steps,
        exploration=exploration,
        total=total,
    )


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
