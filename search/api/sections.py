"""The sections of a study file as keyword arguments of `search.Study`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TypeAlias, TypedDict

_Section: TypeAlias = Mapping[str, object]
# a class or function, its import path, or a section {class_path, init_args}
_Class: TypeAlias = type | str | _Section
# a name, or a section with a name and its options
_Named: TypeAlias = str | _Section


class Sections(TypedDict, total=False):
    """Those that `search.Study` has no parameter of its own for; None leaves a section out.

    A project with its own LightningCLI may have more of them, which are taken as well.
    """

    name: str | None
    """Name of the study, and of its folder."""
    space: Mapping[str, object] | str | None
    """Each searched path with where to look: search.Log, Float, Int, Choice, a section, or auto."""
    trainer: _Section | None
    """Arguments of Lightning's Trainer."""
    optimizer: _Class | None
    lr_scheduler: _Class | None
    script: str | PathLike[str] | None
    """A training script, which runs as it is: its file; space and arguments are its options."""
    module: str | None
    """Such a script by its module, as `python -m` takes it."""
    arguments: Mapping[str, object] | None
    """On the command line of a script in every trial, or among what `build` is given."""
    hydra: bool | Mapping[str, Sequence[str]] | None
    """True where a script reads Hydra's overrides, or {overrides}."""
    fit: int | None
    """The number of a script's fit that counts, where it is not the last."""
    cli: object
    """The project's own LightningCLI: a class or function, its import path, or a section."""
    ckpt_path: str | PathLike[str] | None
    """Weights that every trial begins with."""
    weights_only: bool | None
    seed_everything: bool | int | None
    """Seed of every trial instead of `seed`."""
    objective: str | _Section | Sequence[_Section] | None
    """The metric, or {metric, direction, value}; several in a list."""
    objectives: Sequence[_Section] | None
    prune_on: str | None
    """The metric that trials report, where there are several objectives."""
    outcome_constraints: Sequence[str] | None
    """Limits on what is measured of a trial, such as `parameters <= 1000000`."""
    constraints: Sequence[str] | None
    """Expressions of paths that are true of the values of every trial."""
    derive: Mapping[str, str] | None
    """Paths whose values follow from others, as expressions."""
    enqueue: Sequence[Mapping[str, object]] | None
    """Values that are tried before anything is sampled."""
    baseline: bool | None
    """False where the first trial is not to have the values of the configuration itself."""
    warm_start: str | Sequence[str] | None
    """Earlier studies that the new one learns from: names, folders, or SQLite files of Optuna's."""
    batch: _Section | None
    """Choice of the micro-batch: {auto_scale, max}, and {argument} of a script or a function; of
    the effective batch: {effective, lr_scaling, reference, lr}."""
    sampler: _Named | None
    pruner: _Named | None
    scheduler: _Named | None
    """What pauses trials and lets the best of them go on."""
    audit: float | str | None
    """Share of the trials to be stopped that run on to their end instead, such as 0.05."""
    logger: _Named | Sequence[_Named] | None
    keep: _Section | None
    """Which checkpoints are kept: {top}."""
    resources: _Section | None
    """What one trial is given: {cpus, gpus, memory}."""
    on: str | _Section | None
    """The cluster that trials run on: slurm, ray, or {engine, trials_per_job} with what is
    SLURM's, {partition, time, gres, setup, extra}, or Ray's, {address, runtime_env}."""
    budget: _Section | None
    """When a run stops: {trials, timeout, epochs, cost, target, no_improvement, no_gain}."""
    seed: int | None
    """Seed of the sampler, and of every trial."""
