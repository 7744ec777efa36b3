"""What the configuration of a trial says of the trial itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from search.plain.tree import Tree
from search.space.distributions import Params


@dataclass(frozen=True)
class BranchFacts:
    """The checkpoint of another trial, at which a trial begins."""

    # number of that other trial
    source: int
    # behind the checkpoint
    epoch: int


@dataclass(frozen=True)
class TrialFacts:
    """The trial itself, as loggers name it and its steps are counted."""

    # the name of the study; None where the trial is of none
    study: str | None = None
    number: int = 0
    params: Params = field(default_factory=dict)
    # unit of the steps, one of `curve_steps.UNITS`; None in a study of an earlier release
    steps: str | None = None
    # training logs a metric that counts, although there are validations
    at_epoch_ends: bool = False
    # None where the trial begins by itself
    branch: BranchFacts | None = None

    @staticmethod
    def from_tree(tree: Mapping[str, Any]) -> TrialFacts:
        """Read what `to_tree` wrote."""
        branch = tree.get("branch")
        return TrialFacts(**{**tree, "branch": BranchFacts(**branch) if branch else None})

    def to_tree(self) -> Tree:
        """The tree that `from_tree` reads back."""
        tree: Tree = {"study": self.study, "number": self.number, "params": dict(self.params)}
        if self.steps is not None or self.at_epoch_ends:
            tree |= {"steps": self.steps, "at_epoch_ends": self.at_epoch_ends}
        if self.branch is not None:
            tree["branch"] = asdict(self.branch)
        return tree
