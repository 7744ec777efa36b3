"""Lines of a proposed study file that only a script has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from search.answers import Description
from search.plain.tree import ARGUMENTS
from search.plain.yaml import flow_yaml
from search.proposal.options import is_batch_size, is_epochs
from search.proposal.proposed_lines import is_live, with_reason
from search.proposal.ranges import Proposal


def is_of_script(sections: Mapping[str, object]) -> bool:
    """Tell whether a study file runs a script."""
    return "script" in sections or "module" in sections


def script_lines(
    sections: Mapping[str, object], description: Description, proposals: Sequence[Proposal]
) -> Iterator[str]:
    """The sections of a script: what is run, and with which arguments."""
    for key, value in sections.items():
        yield f"{key}: {flow_yaml(value)}"
    if description.is_hydra:
        yield with_reason("hydra: {overrides: []}", "as on its command line")
    arguments = list(_arguments(description, proposals))
    if arguments:
        yield "# on the command line of every trial"
        yield f"{ARGUMENTS}:"
        yield from arguments


def batch_line(proposals: Sequence[Proposal]) -> str | None:
    """The line that lets the micro-batch of a script be scaled; None without an option for it."""
    for each in proposals:
        if is_batch_size(each.argument) and (name := _option(each)) is not None:
            given = f"{{argument: {name}, auto_scale: binsearch}}"
            return f"# batch: {given}   # the largest micro-batch that fits"
    return None


def _arguments(description: Description, proposals: Sequence[Proposal]) -> Iterator[str]:
    for command, value in description.fixed.items():
        yield with_reason(f"  {command}: {flow_yaml(value)}", "the one of its commands that trains")
    for each in proposals:
        argument = each.argument
        name = _option(each) or argument.name
        if argument.is_required and not is_live(each):
            why = f"{argument.annotation or 'a value'}, required: fill it in"
            yield with_reason(f"  # {name}: ...", why)
        elif is_epochs(argument):
            line = f"  {name}: {flow_yaml(argument.value)}"
            yield with_reason(line, "its own default: how long a trial trains")


def _option(proposal: Proposal) -> str | None:
    """The name of an option as a study file spells it; None for any other argument."""
    section, _, name = proposal.argument.path.partition(".")
    return flow_yaml(name) if section == ARGUMENTS else None
