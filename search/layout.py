"""Every path that a study has on disk.

Knows names and places only; reads and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

STUDIES_DIR = Path("studies")


@dataclass(frozen=True)
class TrialFolder:
    """What one trial (or one probe) keeps: configuration in; events, log and checkpoints out."""

    root: Path

    @property
    def config(self) -> Path:
        """Complete configuration of the trial, YAML."""
        return self.root / "config.yaml"

    @property
    def events(self) -> Path:
        """What happened, one JSON object a line, appended and flushed."""
        return self.root / "events.jsonl"

    @property
    def log(self) -> Path:
        """Standard output and error of every attempt, appended."""
        return self.root / "log.txt"

    @property
    def attempt(self) -> Path:
        """Name of the attempt that the trial belongs to now, unlike any other."""
        return self.root / "attempt"

    @property
    def logs(self) -> Path:
        """What Lightning's CSVLogger writes, `metrics.csv` and `hparams.yaml`, and `runs`."""
        return self.root / "logs"

    @property
    def metrics(self) -> Path:
        return self.logs / "metrics.csv"

    @property
    def runs(self) -> Path:
        """The ids by which W&B and MLflow know the run of the trial, JSON."""
        return self.logs / "runs.json"

    @property
    def ending(self) -> Path:
        """How the trial ended, for what closes the runs of a process that died, JSON."""
        return self.logs / "ending.json"

    @property
    def study(self) -> StudyFolder:
        """The study that the trial belongs to."""
        return StudyFolder(self.root.parent.parent)

    @property
    def last_ckpt(self) -> Path:
        return self.root / "last.ckpt"

    @property
    def best_ckpt(self) -> Path:
        return self.root / "best.ckpt"

    @property
    def previous_ckpt(self) -> Path:
        """The `last_ckpt` before the present one, in case that is damaged."""
        return self.root / "previous.ckpt"

    @property
    def wait(self) -> Path:
        """The step at which an attempt that was cut off was told to wait, JSON."""
        return self.root / "wait.json"

    def ready_ckpt(self, step: int) -> Path:
        """The `last_ckpt` with which the trial waited at a step, for others to begin at."""
        return self.root / f"ready-{step}.ckpt"

    @property
    def ready_ckpts(self) -> list[Path]:
        return sorted(self.root.glob("ready-*.ckpt"))

    @property
    def source_ckpt(self) -> Path:
        """The checkpoint of another trial at which this one begins."""
        return self.root / "source.ckpt"

    def rank_end(self, rank: int) -> Path:
        """The last words of a rank of a distributed trial that failed, a message as JSON."""
        return self.root / f"rank-{rank}.json"

    def rank_log(self, rank: int) -> Path:
        """Standard output and error of a rank on another machine than the first, appended."""
        return self.root / f"rank-{rank}.txt"

    def rank_ends(self) -> list[Path]:
        return sorted(self.root.glob("rank-*.json"))

    @property
    def checkpoints(self) -> tuple[Path, ...]:
        return (self.last_ckpt, self.best_ckpt, self.previous_ckpt)


@dataclass(frozen=True)
class StudyFolder:
    """Everything a study produced. Delete it to forget the study, copy it to share it."""

    root: Path

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def db(self) -> Path:
        """The Optuna database."""
        return self.root / "study.db"

    @property
    def storage(self) -> Path:
        """URL of the database, without its password, where that is not `db`."""
        return self.root / "storage.txt"

    @property
    def study_file(self) -> Path:
        """The study file as it was last run, overrides included."""
        return self.root / "study.yaml"

    @property
    def lock(self) -> Path:
        """Locked by the coordinator that owns the study."""
        return self.root / ".lock"

    @property
    def events(self) -> Path:
        """What happened to the study as a whole, as in the trials' own files."""
        return self.root / "events.jsonl"

    @property
    def queue(self) -> Path:
        """Points that were enqueued, one event a line; only ever appended to."""
        return self.root / "queue.jsonl"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def server_log(self) -> Path:
        """Log of the fork server: what was printed before any trial began."""
        return self.root / "server.log"

    @property
    def agents(self) -> Path:
        """Files and output of the agents on other machines, and the folders of their questions."""
        return self.root / "agents"

    @property
    def nodes(self) -> Path:
        """Who works on what on other machines, JSON."""
        return self.root / "nodes.json"

    @property
    def logs(self) -> Path:
        """Runs of TensorBoard, W&B and MLflow, all trials of the study together."""
        return self.root / "logs"

    @property
    def provenance(self) -> Path:
        """What the study was made with, an entry a start, JSON."""
        return self.root / "provenance.json"

    @property
    def preflight(self) -> Path:
        """Answer of the last preflight, and all that it depends on, JSON."""
        return self.root / "preflight.json"

    @cached_property
    def trials(self) -> Path:
        return self.root / "trials"

    @property
    def histories(self) -> Path:
        """What the events of finished trials add up to; derived from them, and never needed."""
        return self.root / "histories.cache"

    @property
    def probes(self) -> Path:
        """Folders of the batch-size probes."""
        return self.root / "probes"

    def trial(self, number: int) -> TrialFolder:
        return TrialFolder(self.trials / f"{number:04d}")

    def trial_events(self, number: int) -> str:
        """`trial(number).events`, at a tenth of its cost."""
        return f"{self.trials}/{number:04d}/events.jsonl"

    def probe(self, key: str) -> TrialFolder:
        """Folder of the batch-size probe for one cache key (a hexadecimal digest)."""
        return TrialFolder(self.probes / key)


@dataclass(frozen=True)
class ExportFolder:
    """A trial that was exported: what trains it again without this tool."""

    root: Path

    @property
    def config(self) -> Path:
        """Complete configuration for LightningCLI, YAML."""
        return self.root / "config.yaml"

    @property
    def script(self) -> Path:
        """Makes the LightningCLI that reads the configuration."""
        return self.root / "train.py"

    @property
    def command(self) -> Path:
        """Command line of the user's own script, for a shell."""
        return self.root / "train.sh"

    @property
    def launcher(self) -> Path:
        """Runs that script with what no command line can say, where there is such a thing."""
        return self.root / "launch.py"

    @property
    def checkpoint(self) -> Path:
        return self.root / "best.ckpt"

    @property
    def result(self) -> Path:
        """The value of the trial and what it was made with, JSON."""
        return self.root / "trial.json"

    @property
    def provenance(self) -> Path:
        """That of the study, where it has one, JSON."""
        return self.root / "provenance.json"

    @property
    def notes(self) -> Path:
        """How to train it again, for people."""
        return self.root / "REPRODUCE.md"
