"""A study as an object: what the command line does with a study file, from Python.

Knows no second way to run, read or draw one; turns what it is given into a study file.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from search.api.importable_classes import import_folder, refuse_in_trial
from search.api.keywords import (
    class_section,
    classes_in,
    function_path,
    objective_section,
    refuse_options_of_run,
    tree_of_keywords,
)
from search.api.result import Result
from search.api.sections import Sections
from search.commands.named_trial import best_trial
from search.commands.option_values import engine_name, seconds, stopping_rules, worker_count
from search.engine.request import RunRequest
from search.engine.run import run_study
from search.errors import Interrupted, UserError
from search.layout import STUDIES_DIR, StudyFolder
from search.plain.whole_files import write_whole
from search.store.reading import is_study, read_study
from search.store.records import StudyRecord, TrialRecord
from search.study_file.cluster_sections import HERE, On, named_engine
from search.study_file.load import parse_study_tree
from search.view.choose import make_view
from search.view.html import study_html

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

    from search.report.figure_names import FigureName


class Study:
    """One study: of a study file, of keyword arguments, or of both, the arguments laid over it.

    Args:
        study_file: path of a study file.
        model: a LightningModule class, its import path, or a section `{class_path, init_args}`.
        model_args: what its constructor is given.
        data, data_args: the same for a LightningDataModule.
        build: a function of a module in the place of both, or its import path. It is given the
            parameters by their names, and the Trainer's arguments where it takes a second, which it
            may change; it returns the model, and a data module or `(train_loader, val_loader)`.
        metric, direction: short for `objective={"metric": ..., "direction": ...}`.
        studies: the folder that holds the study folders.
        storage: URL of a database other than the folder's own.
        sections: any other section of a study file, such as `space`, `trainer`, `sampler`, `name`;
            see `search.Sections`.

    Raises:
        StudyFileError: every problem found, one line each.
        UserError: something was given that no trial could import.
    """

    def __init__(
        self,
        study_file: str | Path | None = None,
        *,
        model: object = None,
        model_args: Mapping[str, object] | None = None,
        data: object = None,
        data_args: Mapping[str, object] | None = None,
        build: object = None,
        metric: str | None = None,
        direction: str | None = None,
        studies: str | Path = STUDIES_DIR,
        storage: str | None = None,
        **sections: Unpack[Sections],
    ) -> None:
        path = Path(study_file) if study_file is not None else None
        self._source = str(path or "Study")
        refuse_options_of_run(sections, self._source)
        given: dict[str, Any] = dict(sections)
        given["model"] = class_section(model, model_args, "model", self._source)
        given["data"] = class_section(data, data_args, "data", self._source)
        given["build"] = function_path(build, self._source)
        if metric is not None or direction is not None:
            given["objective"] = objective_section(
                given.get("objective"), metric, direction, self._source
            )
        tree = tree_of_keywords(path, given, self._source)
        self._study_file = parse_study_tree(
            tree, source=self._source, default_name=path.stem if path else _name_of(tree)
        )
        folder = import_folder(classes_in({**given, "build": build}))
        self._import_path = folder or (path.parent.absolute() if path else Path.cwd())
        self._folder = StudyFolder(Path(studies) / self._study_file.name)
        self._storage = storage

    @property
    def name(self) -> str:
        return self._study_file.name

    @property
    def folder(self) -> Path:
        """Where everything is that the study produced."""
        return self._folder.root

    def run(
        self,
        trials: int | None = None,
        workers: int | str = "auto",
        timeout: float | str | None = None,
        trial_timeout: float | str | None = None,
        *,
        on: str | None = None,
        total_epochs: int | None = None,
        cost: float | str | None = None,
        target: float | None = None,
        no_improvement: int | None = None,
        no_gain: int | None = None,
        quiet: bool = False,
        n_trials: int | None = None,
    ) -> Study:
        """Run the study, or go on with it, as `search run` does.

        Args:
            trials: how many in total, those already done included.
            workers: how many at a time; "auto" for as many as the machine has room for, in which
                trials end, and are sampled, in another order each time.
            timeout: end this run after so long, saving what runs; seconds, or text like 30m.
            trial_timeout: end a trial that takes longer.
            on: where trials run: "slurm", "ray", "ray://host:10001", or "here" on this machine;
                without, as the section `on` says.
            total_epochs: stop once all trials together have trained so many epochs.
            cost: stop once the time of all trials adds up to this; seconds, or text like 4h.
            target: stop once the best value is as good as this.
            no_improvement: stop after so many finished trials in a row without a new best.
            no_gain: stop after so many complete trials in a row without a new best, once
                `scheduler: thaw` expects to gain nothing but noise.
            quiet: show nothing.
            n_trials: `trials` by Optuna's name.

        Returns:
            The study itself.

        Raises:
            UserError: something that was given cannot be used; no trial was spent.
            StudyFailed: no trial was finished, or failures in a row ended it.
            KeyboardInterrupt: Ctrl-C; everything is saved, and the same call goes on.
            Interrupted: the same by another signal.
        """
        refuse_in_trial()
        place = engine_name("on", None if on is None else str(on))
        request = RunRequest(
            folder=self._folder,
            study_file=self._study_file,
            source=self._source,
            import_path=self._import_path,
            workers=worker_count("workers", str(workers)),
            trials=_trial_count(trials, n_trials),
            stopping=stopping_rules(
                self._study_file,
                total_epochs=_count("total_epochs", total_epochs),
                cost=cost,
                target=_number("target", target),
                no_improvement=_count("no_improvement", no_improvement),
                no_gain=_count("no_gain", no_gain),
                in_python=True,
            ),
            timeout_s=seconds("timeout", timeout),
            trial_timeout_s=seconds("trial_timeout", trial_timeout),
            url=self._storage,
            on=_cluster(self._study_file.on, place),
        )
        try:
            run_study(request, make_view(quiet=quiet))
        except Interrupted as error:
            if error.exit_code == 128 + signal.SIGINT:
                raise KeyboardInterrupt from error
            raise
        return self

    @property
    def best(self) -> Result:
        """The best complete trial.

        Raises:
            StudyFailed: there is none yet.
            UserError: several objectives have no best one.
        """
        best = best_trial(self.record, instead="See study.front.", go_on="Go on with study.run().")
        return Result(best, self._import_path)

    @property
    def front(self) -> tuple[Result, ...]:
        """The trials that no other is better than in every objective; of one, the best alone."""
        return tuple(Result(trial, self._import_path) for trial in self.record.front)

    @property
    def best_trial(self) -> Result:
        """`best` by Optuna's name."""
        return self.best

    @property
    def best_trials(self) -> tuple[Result, ...]:
        """`front` by Optuna's name."""
        return self.front

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every trial, by number."""
        return self.record.trials

    @property
    def record(self) -> StudyRecord:
        """All that is stored of the study, as it is now.

        Raises:
            UserError: it was never run, or cannot be read.
        """
        if not is_study(self._folder):
            raise UserError(f"{self._folder.root}: holds no study yet. Start it with study.run().")
        return read_study(self._folder)

    def trials_dataframe(self) -> DataFrame:
        """A row a trial, with the column names of Optuna's own; needs pandas.

        Raises:
            UserError: pandas is not installed.
        """
        from search.report.dataframe import trials_dataframe

        return trials_dataframe(self.record)

    def plot(self, name: FigureName = "history") -> Figure:
        """A figure of the report.

        Raises:
            UserError: there is none of that name.
        """
        from search.report.all_figures import figure

        return figure(self.record, name)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the report, into the study's folder without a path, and return where it is."""
        from search.report.page import build_report

        target = Path(path) if path is not None else self._folder.report
        write_whole(target, build_report(self.record))
        return target

    def __repr__(self) -> str:
        return f"Study({self.name!r}, folder={str(self.folder)!r})"

    def _repr_html_(self) -> str:
        return study_html(self.name, self.record if is_study(self._folder) else None)


def _cluster(section: On | None, place: str | None) -> On | None:
    """The cluster of a run; None for this machine.

    Args:
        place: engine that the run names, or this machine.
    """
    if place == HERE:
        return None
    return section if place is None else named_engine(section, place)


def _trial_count(trials: int | None, n_trials: int | None) -> int | None:
    """The total under either of its names.

    Raises:
        UserError: it is given twice, or is no number from 1.
    """
    if trials is not None and n_trials is not None:
        raise UserError(f"n_trials: is another name for trials, got both. Write trials={trials!r}.")
    return _count("trials", trials) if n_trials is None else _count("n_trials", n_trials)


def _count(name: str, given: int | None) -> int | None:
    """The number that an argument gives, if it was given.

    Raises:
        UserError: it is no number from 1.
    """
    if given is None:
        return None
    if not isinstance(given, Integral) or isinstance(given, bool) or given < 1:
        raise UserError(f"{name}: must be a number from 1, got {given}. Write {name}=50.")
    return int(given)


def _number(name: str, given: float | None) -> float | None:
    """The number that an argument gives, if it was given.

    Raises:
        UserError: it is none.
    """
    if given is None:
        return None
    if not isinstance(given, Real) or isinstance(given, bool):
        raise UserError(f"{name}: must be a number, got {given}. Write {name}=0.1.")
    return float(given)


def _name_of(tree: Mapping[str, Any]) -> str:
    """The name of a study that was given none: its model's class, its script or its function."""
    if isinstance(script := tree.get("script"), str):
        return Path(script).stem
    model = tree.get("model") or {}
    path = tree.get("build") or tree.get("module") or model.get("class_path", "study")
    return str(path).rpartition(".")[2].lower()
