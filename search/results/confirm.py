"""The finalists of a study, trained again over seeds: was the winner only lucky?

The runs are a study themselves, whose space is the finalist and the seed and whose sampler is the
grid: the same engine, ledger and resuming as in any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from search.errors import UserError
from search.layout import TrialFolder
from search.plain.tree import Tree, read_path
from search.results.comparison import Comparison, Spread, compare_finalists, spread_of
from search.results.script_seed_path import SEED
from search.space.distributions import Params
from search.space.paths import FINALIST
from search.store.records import StudyRecord, TrialRecord
from search.study_file.load import parse_study_tree
from search.study_file.objective import sign_of
from search.study_file.schema import StudyFile
from search.study_file.trial_config import SEEDS_SCRIPT, read_sections


@dataclass(frozen=True)
class Finalist:
    """One finalist over its seeds."""

    number: int
    params: Params
    searched: float
    """The value that it had in the study."""
    values: tuple[float, ...]
    """Those of the seeds that trained to the end."""
    failed: int
    """The count of the seeds whose training failed."""
    spread: Spread


@dataclass(frozen=True)
class Confirmation:
    """The result of `search confirm`."""

    study: str
    metric: str
    direction: str
    finalists: tuple[Finalist, ...]
    """The best mean first."""
    comparisons: tuple[Comparison, ...]
    """Each of the others with the best."""


def finalists_of(study: StudyRecord, top: int) -> list[TrialRecord]:
    """The best complete trials, no two with the same parameters.

    Raises:
        UserError: there are fewer, several objectives put them in no order, or one began at the
            checkpoint of another trial.
    """
    if study.is_multi_objective:
        raise UserError(
            f"{study.name}: has several objectives, which put trials in no order. "
            "Confirm a study of one objective."
        )
    different: list[TrialRecord] = []
    for trial in study.ranked:
        if all(trial.params != other.params for other in different):
            different.append(trial)
    if len(different) < top:
        raise UserError(
            f"--top: {study.name} has {len(different)} different complete trials, got {top}. "
            "Ask for fewer, or go on with `search resume`."
        )
    for trial in different[:top]:
        if trial.branch_text is not None:
            raise UserError(
                f"{study.name}: trial {trial.number} {trial.branch_text}, so that its value is not "
                "that of its parameters alone, and seeds would train those from the first step. "
                "Confirm a study without pbt; `search enqueue` takes its parameters there."
            )
    return different[:top]


def confirming_study(
    study_file: StudyFile,
    finalists: Sequence[TrialRecord],
    seeds: int,
    name: str,
    seed_path: str = SEED,
) -> StudyFile:
    """The study of `finalists` over `seeds` seeds.

    They are other seeds than the study's own: a winner was chosen for its value there, which
    promises more than it keeps.

    Args:
        seed_path: where a configuration has its seed; of a script that may be an argument.

    Raises:
        StudyFileError: what the finalists were trained with is no longer valid.
    """
    configs = {trial.number: _seeded(_sections(trial), seed_path) for trial in finalists}
    own = read_path(configs[finalists[0].number], seed_path)
    has_own = isinstance(own, int) and not isinstance(own, bool)
    first = (own if has_own else study_file.seed) + 1
    over_seeds = {"choice": list(range(first, first + seeds))}
    space = {FINALIST: {"choice": list(configs)}, seed_path: over_seeds}
    # a study is written for one configuration; each trial takes that of its finalist
    tree = {
        **_as_study(configs[finalists[0].number], seed_path),
        "name": name,
        "objective": asdict(study_file.objective),
        "finalists": configs,
        # a lone finalist is no choice
        "space": space if len(configs) > 1 else {seed_path: over_seeds},
        "sampler": "grid",
        "pruner": "none",
        "scheduler": "none",
        "logger": study_file.to_tree()["logger"],
        "resources": study_file.to_tree().get("resources"),
        "keep": study_file.keep.model_dump(exclude_none=True),
        "budget": {"trials": len(finalists) * seeds},
        "seed": study_file.seed,
    }
    return parse_study_tree(tree, source=name, default_name=name)


def confirmation_of(
    study: str, finalists: Sequence[TrialRecord], confirmed: StudyRecord
) -> Confirmation:
    """Sum up the runs of a confirming study by the finalists of `study`."""
    lone = finalists[0].number
    results = [
        _result(trial, [run for run in confirmed.trials if _finalist(run, lone) == trial.number])
        for trial in finalists
    ]
    sign = sign_of(confirmed.direction)
    results.sort(key=lambda each: (not each.values, sign * each.spread.mean, each.number))
    return Confirmation(
        study=study,
        metric=confirmed.metric,
        direction=confirmed.direction,
        finalists=tuple(results),
        comparisons=tuple(compare_finalists({each.number: each.values for each in results})),
    )


def _finalist(run: TrialRecord, lone: int) -> int:
    return int(run.params.get(FINALIST, lone))


def _result(trial: TrialRecord, runs: Sequence[TrialRecord]) -> Finalist:
    assert trial.value is not None
    values = tuple(run.value for run in runs if run.state == "COMPLETE" and run.value is not None)
    return Finalist(
        number=trial.number,
        params=trial.params,
        searched=trial.value,
        values=values,
        failed=sum(run.state == "FAIL" for run in runs),
        spread=spread_of(values),
    )


def _seeded(config: Tree, seed_path: str) -> Tree:
    """The configuration of a finalist in which the seed at `seed_path` is the one that counts."""
    seeds_itself = read_path(config, "script.build") is None and "script" in config
    config.pop(SEEDS_SCRIPT, None)
    if seeds_itself and seed_path == SEED:
        config[SEEDS_SCRIPT] = True
    return config


def _as_study(config: Tree, seed_path: str) -> Tree:
    """The sections of a study file in the configuration of a trial."""
    own = (SEEDS_SCRIPT, "batch_argument", "fits", *(() if seed_path == SEED else (SEED,)))
    return {key: value for key, value in config.items() if key not in own}


def _sections(trial: TrialRecord) -> Tree:
    return read_sections(TrialFolder(trial.folder).config).to_tree()
