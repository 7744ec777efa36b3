"""A search as Ray Tune's guide for Lightning writes it, to compare with: a trial is an actor."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import ray
from bare import fit
from lightning.pytorch import Callback, LightningModule, Trainer
from ray import tune


class Report(Callback):
    """Tells Ray the metric after each validation."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:
            tune.report({"val_loss": float(trainer.callback_metrics["val_loss"])})


def train(drawn: dict[str, Any]) -> None:
    config = {
        "seed_everything": 42,
        "model": {"init_args": {"hidden_size": 128, "latent_size": 3, "lr": drawn["lr"]}},
        "data": {"init_args": {"batch_size": 64}},
        "trainer": {"max_epochs": drawn["epochs"], "accelerator": "cpu"},
    }
    fit(config, [Report()], logger=False, enable_checkpointing=False)


if __name__ == "__main__":
    trials, epochs = map(int, sys.argv[1:])
    began = time.perf_counter()
    here = str(Path(__file__).parent)
    ray.init(
        num_cpus=len(os.sched_getaffinity(0)),
        include_dashboard=False,
        logging_level="error",
        runtime_env={"env_vars": {"PYTHONPATH": here}},
    )
    tuner = tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={"lr": tune.loguniform(1e-4, 1e-1), "epochs": epochs},
        tune_config=tune.TuneConfig(metric="val_loss", mode="min", num_samples=trials),
        run_config=tune.RunConfig(storage_path=str(Path.cwd() / "ray"), verbose=0),
    )
    results = tuner.fit()
    assert not results.errors, results.errors
    print(json.dumps(time.perf_counter() - began))
