"""Sections of the configuration of a trial: those of LightningCLI, and those that are ours."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

# what every LightningCLI configuration may have; its `fit` alone knows the last two
LIGHTNING_SECTIONS = (
    "seed_everything",
    "trainer",
    "model",
    "data",
    "optimizer",
    "lr_scheduler",
    "ckpt_path",
    "weights_only",
)
# what the complete configuration of a trial has besides, for the tool alone
OWN_SECTIONS = (
    "cli",
    "objective",
    "watched",
    "batch",
    "preflight",
    "dry",
    "logger",
    "trial",
    "finalist",
)


def lightning_sections(config: Mapping[str, Any]) -> dict[str, Any]:
    """What LightningCLI reads of the complete configuration of a trial, copied: its own sections,
    and those that only a CLI of the user's own knows."""
    has_cli = bool(config.get("cli"))
    return {
        key: copy.deepcopy(value)
        for key, value in config.items()
        if key in LIGHTNING_SECTIONS or (has_cli and key not in OWN_SECTIONS)
    }
