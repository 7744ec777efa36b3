"""Sections of the configuration of a trial: those of LightningCLI, and those that are ours."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.study_file.schema import StudyFile


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


def sections_of(study_file: StudyFile) -> dict[str, Any]:
    """The sections of a LightningCLI configuration as the study file has them, uncopied, and the
    CLI that reads it where the study file names one."""
    given = {key: getattr(study_file, key) for key in ("cli", *LIGHTNING_SECTIONS)}
    if study_file.cli is not None:
        given["cli"] = study_file.cli.model_dump(exclude_none=True)
    given |= {"seed_everything": study_file.trial_seed, **(study_file.model_extra or {})}
    return {key: value for key, value in given.items() if value is not None}


def lightning_sections(config: Mapping[str, Any]) -> dict[str, Any]:
    """What LightningCLI reads of the complete configuration of a trial, copied: its own sections,
    and those that only a CLI of the user's own knows."""
    has_cli = bool(config.get("cli"))
    return {
        key: copy.deepcopy(value)
        for key, value in config.items()
        if key in LIGHTNING_SECTIONS or (has_cli and key not in OWN_SECTIONS)
    }
