"""One trial in this very process: whole, cut off and gone on with, exported and trained again."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conformance.kinds import Kind

from search.layout import TrialFolder
from search.messages import Ended, Message, Reported, Verdict
from search.results.export import plain_config
from search.study_file.trial_config import TrialConfig
from search.trial.attempt import fit
from search.trial.tasks.finished import export_facts

PROJECTS = Path(__file__).parent.parent / "projects"

Curve = dict[int, float]


def work_beside_kinds(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Work in a folder, as an attempt that imports the projects' kinds and has one thread."""
    monkeypatch.syspath_prepend(str(PROJECTS))
    monkeypatch.chdir(folder)
    torch.set_num_threads(1)


class Cut(BaseException):
    """The attempt is killed."""


class CutLink:
    """Takes reports, and kills the attempt where it reports an epoch."""

    stop_requested = False

    def __init__(self, at: int | None) -> None:
        self._at = at
        self.curve: Curve = {}

    def send(self, message: Message) -> None:
        """Nobody listens."""

    def ask(self, report: Reported) -> Verdict:
        if self._at is not None and report.epoch >= self._at:
            raise Cut
        self.curve[report.step] = report.value
        return Verdict(report.step, prune=False)

    def settle(self) -> None:
        """Nothing is written."""


@dataclass(frozen=True)
class Outcome:
    """What a trial came to."""

    folder: TrialFolder
    value: float | None
    curve: Curve


def config_of(kind: Kind) -> TrialConfig:
    """The complete configuration of a trial of the kind."""
    sections = dict(kind.sections)
    tree = {
        "seed_everything": 3,
        "model": {"class_path": kind.model, "init_args": dict(kind.init_args)},
        "trainer": {
            "max_epochs": 5,
            "accelerator": "cpu",
            "enable_progress_bar": False,
            "enable_model_summary": False,
            **kind.trainer,
        },
        "objective": {
            "metric": "val_loss",
            "direction": "minimize",
            "value": sections.pop("value", "best"),
        },
        "logger": [],
        **sections,
    }
    return TrialConfig.from_tree(tree)


def trained(config: TrialConfig, study: Path, cuts: tuple[int, ...] = ()) -> Outcome:
    """Train a trial to its end, killed where it reports one of the epochs `cuts`."""
    folder = TrialFolder(study / "trials/0000")
    folder.root.mkdir(parents=True)
    config.write(folder.config)
    curve: Curve = {}
    for cut in (*cuts, None):
        link = CutLink(cut)
        try:
            ended = fit(folder, link)
        except Cut:
            continue
        finally:
            curve |= link.curve
        assert isinstance(ended, Ended)
    return Outcome(folder, ended.value, curve)


def end_state(outcome: Outcome) -> dict[str, Any]:
    """Weights, optimizers and schedulers at the end of a trial."""
    checkpoint = torch.load(outcome.folder.last_ckpt, weights_only=True)
    return {key: checkpoint[key] for key in ("state_dict", "optimizer_states", "lr_schedulers")}


def exported(config: TrialConfig, folder: TrialFolder) -> tuple[dict[str, Any], str]:
    """The configuration that `search export` writes, and the Lightning package it is for."""
    described = export_facts(config, folder)
    assert described.problems == ()
    return plain_config(config, described), described.lightning


def replayed(config: TrialConfig, trial: TrialFolder, folder: Path) -> float:
    """The value to which plain LightningCLI trains what is exported of a trial."""
    plain, lightning = exported(config, trial)
    metric, is_best = config.objective.metric, config.objective.value == "best"
    folder.mkdir()
    logger = {
        "class_path": f"{lightning}.loggers.CSVLogger",
        "init_args": {"save_dir": str(folder), "name": "", "version": "run"},
    }
    trainer = {**plain["trainer"], "logger": [logger], "default_root_dir": str(folder)}
    (folder / "config.yaml").write_text(yaml.safe_dump({**plain, "trainer": trainer}))
    importlib.import_module(f"{lightning}.cli").LightningCLI(
        args=["fit", "-c", str(folder / "config.yaml")], save_config_kwargs={"overwrite": True}
    )
    with (folder / "run/metrics.csv").open(newline="") as file:
        values = [float(row[metric]) for row in csv.DictReader(file) if row.get(metric)]
    return min(values) if is_best else values[-1]


def same(one: Any, other: Any) -> bool:
    """Whether two states agree bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
