"""An example for each key of a study file, as a user would write it."""

from __future__ import annotations

_EXAMPLES = {
    "name": "name: my-study",
    "model": "model: {class_path: my_package.MyModule}",
    "data": "data: {class_path: my_package.MyDataModule}",
    "trainer": "trainer: {max_epochs: 20}",
    "optimizer": "optimizer: {class_path: torch.optim.Adam, init_args: {lr: 1e-3}}",
    "lr_scheduler": (
        "lr_scheduler: {class_path: torch.optim.lr_scheduler.StepLR, init_args: {step_size: 10}}"
    ),
    "init_args": "init_args: {lr: 1e-3}",
    "dict_kwargs": "dict_kwargs: {lr: 1e-3}",
    "base": "base: config.yaml",
    "script": "script: train.py",
    "path": "script: train.py",
    "module": "module: my_package.train",
    "arguments": "arguments: {--data-dir: ./data}",
    "hydra": "hydra: {overrides: [experiment=example]}",
    "overrides": "overrides: [experiment=example]",
    "fit": "fit: 1",
    "argument": "argument: --batch-size",
    "cli": "cli: train:MyCLI",
    "ckpt_path": "ckpt_path: weights.ckpt",
    "weights_only": "weights_only: true",
    "seed_everything": "seed_everything: 42",
    "objective": "objective: {metric: val_loss}",
    "objectives": "objectives: [{metric: val_loss}, {metric: parameters}]",
    "metric": "metric: val_loss",
    "direction": "direction: minimize",
    "value": "value: best",
    "prune_on": "prune_on: val_loss",
    "outcome_constraints": 'outcome_constraints: ["parameters <= 20000"]',
    "space": "space: {model.lr: {float: [1e-4, 1e-1], log: true}}",
    "constraints": "constraints: [model.hidden >= model.latent]",
    "derive": "derive: {model.out: model.hidden // 2}",
    "enqueue": "enqueue: [{model.lr: 1e-2}]",
    "baseline": "baseline: false",
    "warm_start": "warm_start: earlier-study",
    "batch": "batch: {auto_scale: binsearch, max: 64}",
    "auto_scale": "auto_scale: binsearch",
    "max": "max: 64",
    "effective": "effective: 256",
    "lr_scaling": "lr_scaling: sqrt",
    "reference": "reference: 64",
    "sampler": "sampler: tpe, or sampler: {name: tpe, n_startup_trials: 10}",
    "pruner": "pruner: median, or pruner: {name: median, n_warmup_steps: 3}",
    "scheduler": "scheduler: asha, or scheduler: {name: asha, reduction_factor: 3}",
    "audit": "audit: 5%",
    "logger": "logger: csv, or logger: [csv, {name: wandb, project: digits}]",
    "keep": "keep: {top: 3}",
    "top": "top: 3",
    "budget": "budget: {trials: 50}",
    "trials": "trials: 50",
    "timeout": "timeout: 8h",
    "epochs": "epochs: 500",
    "cost": "cost: 4h",
    "target": "target: 0.1",
    "no_improvement": "no_improvement: 20",
    "no_gain": "no_gain: 4",
    "seed": "seed: 42",
    "resources": "resources: {cpus: 4, gpus: 1, memory: 16GiB}",
    "cpus": "cpus: 4",
    "gpus": "gpus: 1",
    "nodes": "nodes: 2",
    "memory": "memory: 16GiB",
    "on": "on: slurm, or on: {engine: slurm, partition: gpu, time: 4h}",
    "engine": "engine: slurm",
    "partition": "partition: gpu",
    "time": "time: 4h",
    "gres": "gres: gpu:a100:4",
    "trials_per_job": "trials_per_job: 4",
    "setup": "setup: [module load cuda]",
    "extra": "extra: [--account=x]",
    "address": "address: ray://host:10001",
    "runtime_env": "runtime_env: {env_vars: {WANDB_MODE: offline}}",
}
# of the items of a list
_ITEMS = {
    "objectives": "{metric: val_loss}",
    "outcome_constraints": '"parameters <= 20000"',
    "constraints": "model.hidden >= model.latent",
    "derive": "model.hidden // 2",
    "enqueue": "{model.lr: 1e-2}",
    "logger": "csv",
    "warm_start": "earlier-study",
    "setup": "module load cuda",
    "extra": "--account=x",
}


def example_of(place: str, value: object = None) -> str:
    """A remedy: what could be written at a place such as `budget.trials` or `enqueue.0`.

    Args:
        value: what was given, which may only be spelt wrongly.
    """
    *outer, last = place.split(".")
    # a share is no count
    if isinstance(value, float) and value.is_integer() and value > 0 and last != "audit":
        return f"Write {last}: {int(value)}."
    if last in ("model", "data") and isinstance(value, str) and "." in value:
        return f"Write {last}: {{class_path: {value}}}."
    if place == "cli.name":
        return f"Write {_EXAMPLES['cli']}."
    listed = next((each for each in outer if each in _ITEMS), None)
    if listed is not None and last not in ("metric", "direction", "value"):
        return f"Write {_ITEMS[listed]}."
    return f"Write {_EXAMPLES[last]}." if last in _EXAMPLES else "Write another value."
