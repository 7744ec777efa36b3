"""One run of a study as a user asked for it, whichever way that was typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from search.layout import StudyFolder
from search.study_file.cluster_sections import On
from search.study_file.schema import StudyFile
from search.study_file.stopping_rules import StoppingRules


@dataclass(frozen=True)
class RunRequest:
    """A study file to run, and what the one who runs it says beside it.

    What is None leaves it to the study file's `budget`; there too, None is no limit.
    """

    folder: StudyFolder
    study_file: StudyFile
    source: str
    """The study file as messages call it."""
    import_path: Path
    """The folder that the user's classes are imported from."""
    workers: int | None = None
    """Attempts at a time; None for as many as the machine has room for."""
    trials: int | None = None
    """Trials in total, those already done included."""
    timeout_s: float | None = None
    """Seconds that the run may take."""
    trial_timeout_s: float | None = None
    """Seconds that an attempt may take; None is no limit."""
    stopping: StoppingRules = field(default_factory=StoppingRules)
    """Rules that stop the study beside its total."""
    url: str | None = None
    """The database; None is the folder's own."""
    on: On | None = None
    """The cluster that attempts run on; None for this machine."""

    @property
    def sys_path(self) -> list[Path]:
        """Folders that come first on the import path of an attempt."""
        return [self.import_path, Path.cwd()]

    @property
    def engine(self) -> str | None:
        """Engine of the cluster that attempts run on; None for this machine."""
        return None if self.on is None else self.on.engine

    @property
    def total(self) -> int | None:
        """Trials in total; None without a limit."""
        return self.study_file.budget.trials if self.trials is None else self.trials

    @property
    def time_limit_s(self) -> float | None:
        """Seconds that the run may take; None without a limit."""
        return self.study_file.budget.timeout_s if self.timeout_s is None else self.timeout_s

    @property
    def stopping_rules(self) -> StoppingRules:
        """The rules that stop the study, those of its study file where nothing else was said."""
        return self.stopping.over(self.study_file.budget.stopping)
