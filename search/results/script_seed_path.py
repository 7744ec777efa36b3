"""The path at which the seed of a script's trials is set, for runs over seeds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from search.engine.ask import EXPORT, ask_once
from search.errors import UserError
from search.plain.tree import ARGUMENTS
from search.results.finished_trial import project_folder
from search.store.records import StudyRecord
from search.study_file.trial_config import ScriptRun, TrialConfig

SEED = "seed_everything"
# letters alone: --seed, --random-seed, --rng_seed, training.seed
_NAMES = re.compile(r"(?:random|rng|manual|global|train|training|trainer)?seed")


def seed_path_of(study: StudyRecord, config: TrialConfig, told: str | None) -> str:
    """The path of the seed in the configuration of a trial.

    That is an argument of the script's, where the user or the command line names one, else
    `seed_everything`, where that decides what the script draws.

    Args:
        told: the argument that the user names.

    Raises:
        UserError: the script's seed can be set by neither.
    """
    script = config.sections.script
    if script is None or script.build is not None:
        if told is not None:
            raise UserError(
                f"--seed-argument: is of a script, and {study.name} has none. Leave it out."
            )
        return SEED
    name = told or _seed_argument(script.arguments)
    if name is not None:
        return f"{ARGUMENTS}.{name}"
    _refuse_own_seed(study, config, script)
    return SEED


def _seed_argument(arguments: Mapping[str, object]) -> str | None:
    for name, value in arguments.items():
        letters = re.sub(r"[^a-z]", "", name.lower())
        if _NAMES.fullmatch(letters) and not isinstance(value, bool | list):
            return name
    return None


def _refuse_own_seed(study: StudyRecord, config: TrialConfig, script: ScriptRun) -> None:
    facts = ask_once(
        EXPORT,
        config.to_tree(),
        place=study.name,
        sys_path=[project_folder(study.folder), Path.cwd()],
    )
    if not facts.follows_seed:
        raise UserError(
            f"{study.name}: {script.name} draws the same whatever the seed: it seeds itself, and "
            "not with seed_everything. Name its argument: --seed-argument --seed."
        )
