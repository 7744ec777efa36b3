"""The effective batch of a study: samples of one step of the optimizer, on all devices together.

It is given or searched, and micro-batch and accumulation follow from it. What else would decide
about them is refused here, and so is what is counted in steps, of which trials of different batches
train on different numbers of samples. Learning rates may grow with it: in proportion (Goyal et al.
2017, "Accurate, Large Minibatch SGD"), or with its square root (Krizhevsky 2014, "One weird trick
for parallelizing convolutional neural networks"; Hoffer et al. 2017, "Train longer, generalize
better").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from search.plain.equality import is_number
from search.plain.tree import ARGUMENTS, items_of, read_path
from search.plain.yaml import shown
from search.space.distributions import Categorical, Distribution, IntRange, config_path
from search.space.paths import EFFECTIVE
from search.space.spelling import Spelling
from search.study_file.micro_batches import ACCUMULATION, counts_of_steps
from search.study_file.schema import StudyFile

_PLACE = f"space.{EFFECTIVE}"
_LEARNING_RATES = ("lr", "learning_rate")
# change how many processes share an effective batch
_DEVICES = ("trainer.devices", "trainer.num_nodes", "trainer.strategy", "trainer.accelerator")
_IN_STEPS = ("max_steps", "min_steps")
_MOST_EXAMPLES = 5


def effective_place(study_file: StudyFile) -> str:
    """The place in the study file where the effective batch is said."""
    return _PLACE if EFFECTIVE in study_file.space else EFFECTIVE


def effective_sizes(study_file: StudyFile) -> Sequence[int]:
    """The effective batches that trials may have; the rules must be right."""
    distribution = study_file.space.get(EFFECTIVE)
    match distribution:
        case IntRange(low=low, high=high, step=step):
            return range(low, high + 1, step)
        case Categorical(values=values):
            return [size for size in values if isinstance(size, int)]
    return [] if study_file.batch.effective is None else [study_file.batch.effective]


def lr_factor(study_file: StudyFile, effective: int) -> float:
    """The number by which learning rates are multiplied for an effective batch."""
    batch = study_file.batch
    if batch.lr_scaling is None or batch.reference is None:
        return 1.0
    ratio = effective / batch.reference
    return ratio if batch.lr_scaling == "linear" else math.sqrt(ratio)


def learning_rates(study_file: StudyFile) -> list[str]:
    """The paths of the learning rates that are scaled: those that are named, else the searched
    ones that are called so, else those that the sections set."""
    batch = study_file.batch
    if batch.lr_scaling is None:
        return []
    if batch.lr is not None:
        spell = Spelling(study_file.space, study_file.sections)
        return [spell(path) for path in batch.lr]
    searched = [path for path in study_file.space if _is_learning_rate(path)]
    return searched or list(_set_rates(study_file.sections))


def steps_line(name: str) -> str:
    """The line for a limit that counts steps where effective batches differ."""
    return (
        f"trainer.{name}: counts steps of the optimizer, of which trials of different "
        "batch.effective train on different numbers of samples. Write max_epochs or max_time, "
        "which are fair, or give one batch.effective."
    )


def effective_problems(study_file: StudyFile) -> Iterator[str]:
    """A line for each thing of a study file that an effective batch excludes."""
    if not study_file.has_effective:
        yield from _useless(study_file)
        return
    yield from _sizes_problems(study_file.space.get(EFFECTIVE))
    yield from _rivals(study_file)
    yield from _unfair(study_file)
    yield from _scaling_problems(study_file)


def follows_effective(study_file: StudyFile, path: str) -> bool:
    """Tell whether the value of a path follows from the effective batch."""
    if not study_file.has_effective:
        return False
    argument = study_file.batch.argument
    if argument is not None:
        is_batch_size = path == f"{ARGUMENTS}.{argument}"
    else:
        is_batch_size = path.endswith(".batch_size")
    return is_batch_size or path in (ACCUMULATION, f"{ARGUMENTS}.{ACCUMULATION}")


def _useless(study_file: StudyFile) -> Iterator[str]:
    batch = study_file.batch
    for name in ("lr_scaling", "reference", "lr"):
        if getattr(batch, name) is not None:
            yield f"batch.{name}: changes nothing without batch.effective. Add effective: 256."
            return


def _sizes_problems(distribution: Distribution | None) -> Iterator[str]:
    match distribution:
        case None:
            return
        case _ if distribution.when:
            yield f"{_PLACE}: every trial has an effective batch. Remove its when."
        case Categorical(values=values):
            wrong = [each for each in values if type(each) is not int or each < 1]
            if wrong or distribution.subtrees is not None:
                got = shown(wrong[0] if wrong else distribution.to_tree())
                yield (
                    f"{_PLACE}: must be whole numbers of samples, got {got}. "
                    "Write {choice: [64, 128, 256]}."
                )
        case IntRange(low=low, high=high, step=step) if low < 1 or math.gcd(low, step) < 2:
            yield (
                f"{_PLACE}: a range from {low} to {high} has sizes, such as primes, that only "
                f"micro-batches of one sample make up. Write {_instead(max(low, 2), high)}."
            )
        case IntRange():
            return
        case _:
            got = shown(distribution.to_tree())
            yield (
                f"{_PLACE}: must be whole numbers of samples, got {got}. "
                "Write {choice: [64, 128, 256]}."
            )


def _instead(low: int, high: int) -> str:
    """A choice of sizes, each twice the one before, and a range with steps."""
    sizes = [low]
    while sizes[-1] * 2 <= high and len(sizes) < _MOST_EXAMPLES:
        sizes.append(sizes[-1] * 2)
    return f"{{choice: {sizes}}}, or {{int: [{low}, {max(low, high)}], step: {low}}}"


def _rivals(study_file: StudyFile) -> Iterator[str]:
    """A line for each path that says beside the effective batch what follows from it."""
    remedy = "Remove it, or remove the effective batch"
    for path in study_file.space:
        if follows_effective(study_file, path):
            yield f"space.{path}: follows from {EFFECTIVE}. {remedy}."
    spell = Spelling(study_file.space, study_file.sections)
    for path in study_file.derive:
        if follows_effective(study_file, spell(path)):
            yield f"derive.{path}: follows from {EFFECTIVE}. {remedy}."
        elif spell(path) == EFFECTIVE:
            yield f"derive.{path}: cannot be derived. Search it, or write effective: 256."
    given = study_file.trainer.get("accumulate_grad_batches")
    if given not in (None, 1):
        yield (
            f"{ACCUMULATION}: follows from {EFFECTIVE}, got {shown(given)}. "
            f"{remedy}; null takes back what a base says."
        )


def _unfair(study_file: StudyFile) -> Iterator[str]:
    for path in _DEVICES:
        if path in study_file.space:
            yield (
                f"space.{path}: changes how many devices share an effective batch. Give it one "
                "value, or remove the effective batch."
            )
    if EFFECTIVE not in study_file.space:
        return
    searched = [name for name in _IN_STEPS if f"trainer.{name}" in study_file.space]
    for name in dict.fromkeys((*counts_of_steps(study_file.trainer), *searched)):
        yield steps_line(name)


def _scaling_problems(study_file: StudyFile) -> Iterator[str]:
    batch = study_file.batch
    if batch.lr_scaling is None:
        for name in ("reference", "lr"):
            if getattr(batch, name) is not None:
                yield (
                    f"batch.{name}: changes nothing without batch.lr_scaling. "
                    "Add lr_scaling: sqrt, or linear."
                )
        return
    if batch.reference is None:
        yield (
            "batch.reference: is missing. Write the effective batch for which the learning rates "
            "of the space are meant: reference: 64."
        )
    rates = learning_rates(study_file)
    if not rates:
        yield (
            f"batch.lr_scaling: nothing is called {' or '.join(_LEARNING_RATES)}. Name the "
            "learning rate: batch: {lr: model.init_args.base_rate}."
        )
    spell = Spelling(study_file.space, study_file.sections)
    derived = {spell(path) for path in study_file.derive}
    for path in rates:
        if path in derived:
            yield (
                f"batch.lr: {path} is derived. Let its expression have {EFFECTIVE} in it, or do "
                "not derive it."
            )
        elif not _is_rate(study_file, path):
            yield f"batch.lr: {path} is neither searched nor set to a number. Name one that is."


def _is_rate(study_file: StudyFile, path: str) -> bool:
    """Tell whether trials have a number at a path."""
    distribution = study_file.space.get(path)
    if distribution is None:
        return is_number(read_path(study_file.sections, config_path(path)))
    return is_number(distribution.low_end)


def _is_learning_rate(path: str) -> bool:
    name = config_path(path).rpartition(".")[2].lstrip("-").replace("-", "_")
    return name in _LEARNING_RATES


def _set_rates(sections: Mapping[str, object]) -> Iterator[str]:
    """The paths of the numbers in the sections that are called a learning rate."""
    for section, tree in sections.items():
        if section not in ("trainer", "script", "cli", "hydra"):
            yield from _numbers(section, tree)


def _numbers(place: str, tree: object) -> Iterable[str]:
    if is_number(tree) and _is_learning_rate(place):
        yield place
    for key, value in items_of(tree):
        yield from _numbers(f"{place}.{key}", value)
