"""The machines that train one trial together: `resources.nodes`, which is Lightning's `num_nodes`.

Another number is another training, so it is written into the section `trainer`, by which a study
knows itself again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from search.plain.yaml import shown

if TYPE_CHECKING:
    from search.study_file.schema import StudyFile

_KEY = "num_nodes"
_SEARCHED = ("trainer.num_nodes", "trainer.devices", "trainer.accelerator")


def lay_nodes_over(tree: dict[str, Any]) -> None:
    """Write the machines of a trial into the section of its Trainer, which the tree's owner has
    made a mapping of its own, unless it says a number itself."""
    resources, trainer = tree.get("resources"), tree.get("trainer")
    if not isinstance(resources, Mapping) or not isinstance(trainer, Mapping):
        # each has its own line
        return
    nodes = resources.get("nodes")
    if type(nodes) is int and nodes > 1 and trainer.get(_KEY) is None:
        tree["trainer"] = {**trainer, _KEY: nodes}


def node_problems(study_file: StudyFile) -> Iterator[str]:
    """A line where another place says something else than `resources.nodes`, or cannot go with
    several machines."""
    nodes, told = study_file.resources.nodes, study_file.trainer.get(_KEY)
    if type(told) is int and told > 1 and nodes is None:
        yield (
            f"trainer.{_KEY}: is {told}, and resources.nodes is not there, which asks for them. "
            f"Add resources: {{nodes: {told}}}."
        )
        return
    if told is not None and told != (nodes or 1):
        yield (
            f"resources.nodes: is {nodes}, and trainer.{_KEY} is {shown(told)}. "
            "Write the same number, or remove the latter."
        )
        return
    if nodes is None or nodes == 1:
        return
    for path in _SEARCHED:
        if path in study_file.space:
            yield f"resources.nodes: is {nodes}, and {path} is searched. Remove one of them."
