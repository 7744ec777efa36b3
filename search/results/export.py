"""A finished trial as a folder that trains again with plain LightningCLI, or by its own script.

The folder needs nothing of this tool. Its `train.py` makes the CLI; its configuration is that of
the trial, with what the tool did beside it written out as a callback of Lightning's own. A script
has a command line instead, in `train.sh`.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from search.answers import ExportFacts
from search.engine.ask import EXPORT
from search.errors import UserError
from search.layout import ExportFolder, StudyFolder
from search.plain.tree import Tree
from search.plain.whole_files import close_to_others
from search.plain.yaml import dump_yaml
from search.results.export_command import (
    beside_command,
    command_text,
    launcher_text,
    script_notes,
)
from search.results.export_function import function_text
from search.results.export_script import reproduce_text, train_script
from search.results.finished_trial import FinishedTrial, ask_about, project_folder
from search.store.provenance.record import installed, read_provenance
from search.study_file.trial_config import TrialConfig

# what plain training needs of the packages that a study was made with, and can tell of itself
_PACKAGES = ("torch", "lightning", "pytorch-lightning", "numpy")


def export_trial(finished: FinishedTrial, target: Path) -> list[str]:
    """Write the folder of a trial, whole or not at all; returns the command that trains it.

    Raises:
        UserError: the folder exists, cannot be written, or plain LightningCLI cannot train this.
    """
    _refuse(finished, target)
    facts = ask_about(finished, EXPORT)
    temporary = ExportFolder(target.with_name(f".{target.name}.tmp"))
    shutil.rmtree(temporary.root, ignore_errors=True)
    try:
        # as private as the study: it says what was typed, and what was not committed
        temporary.root.mkdir(parents=True, mode=0o700)
        _fill(temporary, finished, facts, ExportFolder(target))
        close_to_others(temporary.root)
        temporary.root.replace(target)
    except OSError as error:
        shutil.rmtree(temporary.root, ignore_errors=True)
        raise UserError(f"{target}: cannot be written: {error.strerror}. Name another.") from error
    return _command(finished.config, facts, ExportFolder(target))


def plain_config(config: TrialConfig, facts: ExportFacts) -> Tree:
    """The configuration of a trial as LightningCLI takes it, training to the same value.

    The best value is that of the best epoch, so a ModelCheckpoint keeps that one. A trial makes no
    model summary, because the summary's forward pass may draw random numbers.
    """
    plain = config.sections.lightning_tree()
    trainer = plain.setdefault("trainer", {})
    trainer.setdefault("enable_model_summary", False)
    if trainer.get("logger") is False:
        # LightningCLI then writes its configuration where it is started, and so only once
        del trainer["logger"]
    if facts.loggers:
        trainer["logger"] = list(facts.loggers)
    if not facts.keeps_checkpoint:
        given = trainer.get("callbacks") or []
        callbacks = list(given) if isinstance(given, list) else [given]
        trainer["callbacks"] = [*callbacks, _model_checkpoint(config, facts.lightning)]
        trainer["enable_checkpointing"] = True
    return plain


def _model_checkpoint(config: TrialConfig, lightning: str) -> Tree:
    objective = config.objective
    best: Tree = {
        "monitor": objective.metric,
        "mode": "min" if objective.direction == "minimize" else "max",
        "save_top_k": 1,
        "filename": "best",
    }
    # where training logs the metric, it has a value at the end of each epoch
    if config.trial.at_epoch_ends:
        best["save_on_train_epoch_end"] = True
    arguments = best if objective.value == "best" else {"filename": "last"}
    return {"class_path": f"{lightning}.callbacks.ModelCheckpoint", "init_args": arguments}


def _refuse(finished: FinishedTrial, target: Path) -> None:
    if target.exists():
        raise UserError(f"{target}: exists already. Name a new folder, or remove it first.")
    if finished.config.sections.ckpt_path:
        raise UserError(
            f"{finished.place}: began with the weights of ckpt_path alone, and LightningCLI takes "
            f"that to go on with a whole training. Its checkpoint is {finished.checkpoint}."
        )
    if (branched := finished.trial.branch_text) is not None:
        raise UserError(
            f"{finished.place}: {branched}, and training from the first step would come to "
            f"something else. Its checkpoint is {finished.checkpoint}."
        )


def _fill(
    folder: ExportFolder, finished: FinishedTrial, facts: ExportFacts, target: ExportFolder
) -> None:
    config, trial = finished.config, finished.trial
    study = StudyFolder(finished.study.folder)
    if finished.checkpoint.is_dir():
        shutil.copytree(finished.checkpoint, folder.checkpoint)
    else:
        shutil.copyfile(finished.checkpoint, folder.checkpoint)
    script = config.sections.script
    result = {
        "study": finished.study.name,
        "trial": trial.number,
        "objective": asdict(config.objective),
        "value": trial.value,
        "at_epoch_ends": config.trial.at_epoch_ends,
        "params": trial.params,
        "lightning": facts.lightning,
        "has_subcommand": facts.has_subcommand,
        "threads": facts.threads,
        "versions": _versions(study),
    }
    if script is not None:
        result["fit"] = script.fit or 1
        result["hydra"] = script.overrides is not None
    folder.result.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    if study.provenance.is_file():
        shutil.copyfile(study.provenance, folder.provenance)
    command = _command(config, facts, target)
    if script is None:
        _write_cli(folder, finished, facts, target)
        in_shards = folder.checkpoint.is_dir()
        folder.notes.write_text(reproduce_text(result, command, in_shards=in_shards), "utf-8")
    else:
        beside = beside_command(config.sections, facts)
        text = command_text(_title(finished), script, beside, facts.threads)
        folder.command.write_text(text, "utf-8")
        if script.build is not None:
            project = project_folder(finished.study.folder)
            text = function_text(config.sections, facts.lightning, project, target.root)
            folder.script.write_text(text, "utf-8")
        if beside.reasons:
            folder.launcher.write_text(launcher_text(beside, facts.lightning), "utf-8")
        folder.notes.write_text(script_notes(result, command, script, beside), "utf-8")


def _title(finished: FinishedTrial) -> str:
    return f"{finished.config.objective.metric} {finished.trial.value!r}, {finished.place}"


def _write_cli(
    folder: ExportFolder, finished: FinishedTrial, facts: ExportFacts, target: ExportFolder
) -> None:
    """Write the configuration for LightningCLI, and the script that makes that."""
    text = dump_yaml(plain_config(finished.config, facts))
    folder.config.write_text(f"# {_title(finished)}\n{text}", "utf-8")
    project = project_folder(finished.study.folder)
    script = train_script(finished.config, facts, project, target.root)
    folder.script.write_text(script, "utf-8")


def _command(config: TrialConfig, facts: ExportFacts, folder: ExportFolder) -> list[str]:
    """The command that trains an exported folder."""
    if config.sections.script is not None:
        return script_command(folder)
    return train_command(folder, has_subcommand=facts.has_subcommand)


def script_command(folder: ExportFolder) -> list[str]:
    """The command that trains an exported folder of a script, from where the study was run."""
    return ["sh", os.path.relpath(folder.command)]


def train_command(folder: ExportFolder, *, has_subcommand: bool) -> list[str]:
    """The command that trains an exported folder, from the project's own folder."""
    subcommand = ["fit"] if has_subcommand else []
    script, config = (os.path.relpath(path) for path in (folder.script, folder.config))
    return ["python", script, *subcommand, "-c", config]


def _versions(study: StudyFolder) -> dict[str, str]:
    """Versions of the packages that decide about the last digits of a value: those that the study
    was made with, those of now where it does not say."""
    packages = (read_provenance(study) or {}).get("packages")
    made = packages if isinstance(packages, dict) else {}
    found = {name: made.get(name) or installed(name) for name in _PACKAGES}
    return {name: str(number) for name, number in found.items() if number is not None}
