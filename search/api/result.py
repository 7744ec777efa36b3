"""The result of a trial: its values, and the model of its checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.api.importable_classes import name_main
from search.errors import UserError
from search.layout import TrialFolder
from search.plain.tree import Tree
from search.plain.yaml import shown
from search.store.records import TrialRecord
from search.study_file.trial_config import LightningSections, read_sections
from search.study_file.value_checkpoint import value_checkpoint


@dataclass(frozen=True)
class Result:
    """A trial that has a value; `record` holds the rest that is known of it."""

    record: TrialRecord
    import_path: Path

    @property
    def number(self) -> int:
        return self.record.number

    @property
    def params(self) -> dict[str, Any]:
        """The sampled values by the full paths of the space."""
        return self.record.params

    @property
    def value(self) -> float | None:
        """The value of the first objective, where there are several."""
        return self.record.value

    @property
    def values(self) -> tuple[float, ...]:
        """One for each objective."""
        return self.record.values

    @property
    def curve(self) -> dict[int, float]:
        """Step of each validation, from 1 -> the metric."""
        return self.record.curve

    @property
    def checkpoint(self) -> Path:
        """The checkpoint that the value belongs to.

        Raises:
            UserError: it is no longer kept.
        """
        folder = TrialFolder(self.record.folder)
        path = self.record.checkpoint
        if path is None:
            values = " ".join(f"{key}={shown(value)}" for key, value in self.params.items())
            raise UserError(
                f"{value_checkpoint(folder)}: is gone. Restore it from a copy, or let a new trial "
                f"have its values: `search enqueue {folder.root.parents[1].name} {values}`."
            )
        return path

    def load_config(self) -> Tree:
        """The complete configuration of the trial, as LightningCLI takes it."""
        return self._sections.lightning_tree()

    def load_model(self) -> object:
        """The LightningModule, built as the trial built it, with the checkpoint's weights, on the
        CPU.

        Raises:
            UserError: the checkpoint is gone, or class and checkpoint no longer fit.
        """
        from search.trial.building.loading import load_model

        name_main()
        return load_model(self._sections, self.checkpoint, self.import_path)

    @property
    def _sections(self) -> LightningSections:
        return read_sections(TrialFolder(self.record.folder).config)

    def __repr__(self) -> str:
        return f"Result(trial {self.number}, value={self.value}, params={self.params})"
