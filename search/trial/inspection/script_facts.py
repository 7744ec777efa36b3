"""Facts of a finished trial of a script, for an export that runs it without this tool."""

from __future__ import annotations

from dataclasses import replace

import torch

from search.answers import ExportFacts
from search.layout import TrialFolder
from search.study_file.trial_config import LightningSections
from search.trial.building.build import build, seed_everything
from search.trial.building.script import reach_fit
from search.trial.building.script_drive import ReachedFit
from search.trial.building.script_seed import seeds_chosen
from search.trial.checkpoints.files import kept_state
from search.trial.inspection.process_state import generators

_SEEDS = (1, 2)


def script_facts(sections: LightningSections, folder: TrialFolder) -> ExportFacts:
    """Run the script of a trial up to its fit, and look when it seeds.

    Raises:
        UserError: it does not come so far.
    """
    assert sections.script is not None
    if sections.script.build is not None:
        lightning = build(sections).lightning.__name__
        return ExportFacts(lightning=lightning, has_subcommand=False, threads=_threads(folder))
    reached, seeds_itself = _reached(sections)
    return ExportFacts(
        lightning=reached.lightning.__name__,
        has_subcommand=False,
        threads=_threads(folder),
        needs_seed=not seeds_itself,
        follows_seed=seeds_itself or _follows_seed(sections),
        runs_summary=_runs_summary(reached),
    )


def _reached(sections: LightningSections) -> tuple[ReachedFit, bool]:
    """The fit of a script, and true where it seeds everything before it draws anything."""
    assert sections.script is not None
    # of the first call alone: what is drawn after that follows from its seed
    firsts: list[bool] = []
    seed_everything(sections)
    before = generators()

    def note(seed: int | None) -> int | None:
        if not firsts:
            # without a seed of its own it takes that of the environment, which is ours
            firsts.append(seed is not None and generators() == before)
        return seed

    with seeds_chosen(note):
        reached = reach_fit(sections.script, sections.trainer)
    return reached, firsts == [True]


def _follows_seed(sections: LightningSections) -> bool:
    """Tell whether torch has drawn otherwise by the fit of a script with another seed."""
    drawn = []
    for seed in _SEEDS:
        assert sections.script is not None
        script = replace(sections.script, seed=seed)
        seed_everything(replace(sections, seed_everything=seed))
        reach_fit(script, sections.trainer)
        # its own generator decides on weights and batches
        drawn.append(torch.get_rng_state().tolist())
    return bool(drawn[0] != drawn[1])


def _threads(folder: TrialFolder) -> int | None:
    """The threads that the trial trained with; None where its checkpoint is not there."""
    if not folder.best_ckpt.exists():
        return None
    threads: int | None = kept_state(folder.best_ckpt).get("threads")
    return threads


def _runs_summary(reached: ReachedFit) -> bool:
    """Tell whether the Trainer, left to itself, would run the model for its summary, which a trial
    does not; that may draw random numbers."""
    is_open = reached.arguments.get("enable_model_summary") is None
    return is_open and reached.model.example_input_array is not None
