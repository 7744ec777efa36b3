"""A trial whose ranks are processes of several machines, each forked by the server of its own.

What they must agree on before they meet comes in variables of the environment: who is who, where
they meet, and the checkpoint that they begin from, which rank 0 alone has chosen.
"""

from __future__ import annotations

import importlib
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from lightning.pytorch import Trainer
from lightning_utilities.core.rank_zero import rank_zero_only

from search.errors import UserError
from search.layout import TrialFolder
from search.messages import StartSettled
from search.trial.process.rank_variables import NODES, is_on_several_nodes, rank_of

_BEGINS_FROM = "SEARCH_BEGINS_FROM"
# a network disk may show what was there half a minute ago
_PATIENCE_S = 90.0
_LOOK_S = 0.2


def become(variables: Mapping[str, str]) -> None:
    """Let this process be the rank that the variables say, if any."""
    if not variables:
        return
    os.environ.update(variables)
    # a fresh process reads it when it imports Lightning
    rank_zero_only.rank = rank_of(variables)  # type: ignore[attr-defined]
    if variables["NODE_RANK"] != "0":
        # SLURM sends it to every process of a step when the job is to end; rank 0 hears in time
        # that all are to save
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def start_settled(checkpoint: Path | None) -> StartSettled:
    """The word that lets the other ranks begin."""
    if checkpoint is None:
        return StartSettled("")
    return StartSettled(f"{checkpoint.stat().st_mtime_ns} {checkpoint.name}")


def settled_checkpoint(folder: TrialFolder) -> Path | None:
    """The checkpoint that rank 0 has chosen, as soon as this machine sees it; None for none.

    Raises:
        UserError: it does not.
    """
    written_ns, _, name = os.environ[_BEGINS_FROM].partition(" ")
    if not name:
        return None
    path, deadline = folder.root / name, time.monotonic() + _PATIENCE_S
    while _written_ns(path) != int(written_ns):
        if time.monotonic() > deadline:
            raise UserError(
                f"{path}: is not the file that the first node sees. Put the study on a disk that "
                "all nodes share."
            )
        time.sleep(_LOOK_S)
    return path


def environment_plugins(plugins: object, lightning: ModuleType) -> object:
    """The plugins of a Trainer with Lightning's own environment among them, unless one is named:
    else it would ask the cluster."""
    given: list[Any] = list(plugins) if isinstance(plugins, list | tuple) else [plugins]
    given = [each for each in given if each is not None]
    names = [name.__name__ for each in given for name in type(each).__mro__]
    if not is_on_several_nodes() or "ClusterEnvironment" in names:
        return plugins
    environments = importlib.import_module(f"{lightning.__name__}.plugins.environments")
    return [*given, environments.LightningEnvironment()]


def refuse_other_world(trainer: Trainer) -> None:
    """Refuse a Trainer that waits for other processes than there are.

    Raises:
        UserError: it does.
    """
    if trainer.num_nodes > 1 and not is_on_several_nodes():
        raise UserError(
            f"trainer.num_nodes: is {trainer.num_nodes}, and this process is alone. "
            "Run the study with --on slurm or --on ray."
        )
    if is_on_several_nodes():
        nodes, on_each = int(os.environ[NODES]), int(os.environ["LOCAL_WORLD_SIZE"])
        if (trainer.num_nodes, trainer.num_devices) != (nodes, on_each):
            raise UserError(
                f"trainer.devices: the Trainer trains on {trainer.num_nodes} nodes with "
                f"{trainer.num_devices} devices each, and the trial was given {nodes} with "
                f"{on_each}. Write resources.nodes, and resources.gpus or trainer.devices, "
                "with these numbers."
            )


def _written_ns(path: Path) -> int:
    # opening the folder has a network disk look anew
    is_there = path in path.parent.iterdir()
    return path.stat().st_mtime_ns if is_there else 0
