"""A study of which one trial in two goes on at epochs 1, 2 and 4, and the others are paused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conftest import Project

EPOCHS = 5
TRIALS = 6


def halved(project: Project, name: str = "study", **changes: Any) -> Path:
    """Write its study file; `changes` replace its sections."""
    sections: dict[str, Any] = {
        "model": {"class_path": "tiny.Tiny", "init_args": {"pause": 0.01}},
        "trainer": {"max_epochs": EPOCHS, "accelerator": "cpu", "num_sanity_val_steps": 0},
        "scheduler": {"name": "asha", "min_resource": 1, "reduction_factor": 2},
        "sampler": "random",
        "budget": {"trials": TRIALS},
    }
    return project.study(name, **(sections | changes))
